package sync_test

import (
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// learnt is a replica of ours that knew an author through others, and read his log afterwards: it has a list.
func learnt(t *testing.T) (o *originals, r *replica.Replica) {
	o = newOriginals(t, "random-2")
	names := o.names
	r = o.reader("ann", names[2:]...)
	pull(t, r, o.open(names[0]))
	if list, err := r.Representations(); err != nil || list.Latest() == 0 {
		t.Fatalf("no list: %v", err)
	}
	return o, r
}

func TestAMirrorAndACopyCarryTheList(t *testing.T) {
	for name, write := range map[string]func(o *originals, r *replica.Replica, dest *crashfs.FS) error{
		"published": func(o *originals, r *replica.Replica, dest *crashfs.FS) error {
			_, err := psync.Publish(t.Context(), r, dest, psync.PublishOptions{Flat: true, NoPacks: true})
			return err
		},
		"exported": func(o *originals, r *replica.Replica, dest *crashfs.FS) error {
			return psync.Export(t.Context(), r, dest, nil)
		},
	} {
		o, r := learnt(t)
		dest := crashfs.New()
		if err := write(o, r, dest); err != nil {
			t.Fatal(err)
		}
		sound(t, dest, name)
		o.reader("bob")
		pull(t, o.ours[1], reopen(t, dest, name))
		replicatest.Alike(t, name, o.ours...)
	}
}

func TestAMirrorWithAListIsReadOverTheWeb(t *testing.T) {
	o, r := learnt(t)
	dest := crashfs.New()
	publish := func() *psync.Published {
		p, err := psync.Publish(t.Context(), r, dest, psync.PublishOptions{Flat: true, NoPacks: true})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	publish()
	if p := publish(); p.Wrote {
		t.Errorf("with nothing new: %+v", p)
	}
	srv := webtest.Static(t, dest)
	bob := o.reader("bob")
	pull(t, bob, openLocation(t, srv.URL))
	replicatest.Alike(t, "cloned", o.ours...)

	opened := openLocation(t, srv.URL) // before the publication: the list is newer than these logs
	if report := pull(t, r, o.open(o.names[1])); report.Represented == 0 {
		t.Errorf("nothing new for the list: %+v", report)
	}
	publish()
	pull(t, bob, opened)
	replicatest.Alike(t, "pulled", o.ours...)

	for want := range 2 { // the mark says how long the list is; that of an older mirror does not
		srv.Reset()
		pull(t, bob, openLocation(t, srv.URL))
		asked := 0
		for _, line := range srv.Log() {
			if strings.Contains(line, "representation") {
				asked++
			}
		}
		if asked != want {
			t.Errorf("with nothing new the list was asked for %d times: %v", asked, srv.Log())
		}
		if err := afero.WriteFile(dest, replica.MirrorMark, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAMirrorOfTheOriginalIsNotAskedForAList(t *testing.T) {
	o := newOriginals(t, "three-laptops")
	srv := webtest.Static(t, o.root)
	r := o.reader("ann")
	for round, most := range []int{1, 0} {
		srv.Reset()
		pull(t, r, openLocation(t, srv.URL+"/"+fixture.Replicas("three-laptops")[0]))
		asked := 0
		for _, line := range srv.Log() {
			if strings.Contains(line, "representation") {
				t.Errorf("asked for %s", line)
			}
			if strings.Contains(line, replica.MirrorMark) {
				asked++
			}
		}
		if asked > most {
			t.Errorf("round %d: asked %d times whether it is ours, want %d", round, asked, most)
		}
	}
}
