package sync_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// onceBroken is a source of which each read but those of objects fails once, in one run after another.
type onceBroken struct {
	disk, target *crashfs.FS
	mirror       bool
	noon         time.Time
}

// pull pulls from the source until that is done, twice at most, and returns what came of it, and whether the source failed as planned.
func (o onceBroken) pull(t *testing.T, source *crashfs.FS) (to *replica.Replica, report *psync.Report) {
	t.Helper()
	to = replicatest.Open(t, o.target.Survivor(crashfs.Kill, 0), replica.Options{Where: "bob", Creator: "bob", Now: func() time.Time { return o.noon }})
	var from *replica.Replica
	var err error
	for range 2 {
		if from == nil {
			if from, err = replica.Open(source, replica.Options{Where: "source", Mirror: o.mirror}); err != nil {
				continue
			}
		}
		if report, err = psync.Pull(context.Background(), to, from, psync.Options{Adopt: true}); err == nil {
			return to, report
		}
	}
	t.Fatalf("the second try fails too: %v", err)
	return nil, nil
}

// An error that is gone a moment later does not make a replica of ours one of the original, or its list of representations an empty one.
func TestOneErrorOfASourceIsNotKept(t *testing.T) {
	o, r := learnt(t)
	mirror := crashfs.New()
	if err := publishFlat(r, mirror); err != nil {
		t.Fatal(err)
	}
	empty := crashfs.New()
	if _, err := replica.Init(t.Context(), empty, o.id, replica.Options{}); err != nil {
		t.Fatal(err)
	}
	for what, o := range map[string]onceBroken{
		"a mirror":  {mirror, empty, true, time.Unix(1e9, 0)},
		"a replica": {r.FS().(*crashfs.FS), empty, false, time.Unix(1e9, 0)},
	} {
		source := o.disk.Survivor(crashfs.Kill, 0)
		source.Record()
		to, report := o.pull(t, source)
		want, note := filesOf(t, to.FS()), "prophet/peers/"+r.UUID().String()
		if report.Represented == 0 || strings.Contains(want[note], `"v1"`) {
			t.Fatalf("%s: %+v, %s", what, report, want[note])
		}
		reads := 0
		for k, op := range source.Ops() {
			if strings.HasPrefix(op.Name, "cas/") {
				continue
			}
			if reads++; reads%race.Every(7) != 0 {
				continue
			}
			source := o.disk.Survivor(crashfs.Kill, 0)
			source.FailAt(k+1, syscall.ECONNRESET)
			to, _ := o.pull(t, source)
			if !source.Failed() {
				t.Errorf("%s at %q: no error", what, op)
			}
			if got := filesOf(t, to.FS()); got[note] != want[note] || got[replica.RepresentationsFile] != want[replica.RepresentationsFile] {
				t.Errorf("%s at %q: it is noted as %s\nwant %s", what, op, got[note], want[note])
			}
		}
	}
}

func TestAServerThatRefusesTheMarkOnceGetsNoMarkItself(t *testing.T) {
	for _, path := range []string{replica.MirrorMark, "prophet/rows", replica.LatestRepresentationFile, replica.RepresentationsFile, "prophet/former-uuids"} {
		o, r := learnt(t)
		mirror := crashfs.New()
		if err := publishFlat(r, mirror); err != nil {
			t.Fatal(err)
		}
		srv := webtest.Static(t, mirror, webtest.Status(path, 403))
		from, bob := openLocation(t, srv.URL), o.reader("bob")
		_, err := psync.Pull(t.Context(), bob, from, psync.Options{})
		asked := strings.Contains(strings.Join(srv.Log(), "\n"), path)
		if failed := err != nil && strings.Contains(err.Error(), path+": permission denied"); asked != failed && path != "prophet/rows" {
			t.Errorf("%s is refused: asked for it: %t; %v", path, asked, err)
		}
		pull(t, bob, from)
		peer, err := bob.Log().Peer(r.UUID())
		list, _ := r.Representations()
		if err != nil || peer.V1 || peer.Representations != list.Latest() {
			t.Errorf("%s: it is noted as %+v, %v", path, peer, err)
		}
	}
}
