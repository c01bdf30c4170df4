package sync_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/replica"
)

// The original empties latest-sequence-no and then writes the next number into it. Where it dies in between, after a commit of ours was cut off, the refusal says
// which number to write.
func TestAnEmptyNumberAfterACutOffIsNamed(t *testing.T) {
	replicatest.OnFormat1(t)
	s := newScene(t)
	points := 0
	for start, accidents := range s.cutOffs(t) {
		before, _ := logged(t, start)
		for _, a := range accidents {
			calm := start.Survivor(crashfs.Kill, 0)
			if err := a.do(t, open(t, calm)); err != nil {
				t.Fatalf("%s: %v", a.name, err)
			}
			ours, _ := logged(t, calm)
			maps.DeleteFunc(ours, func(key [20]byte, _ bool) bool { return before[key] })
			for k := 1; ; k += race.Every(7) {
				disk := start.Survivor(crashfs.Kill, 0)
				r := open(t, disk)
				disk.CrashAt(k)
				err := a.do(t, r)
				if !disk.Failed() {
					break
				}
				for _, name := range []string{changeset.LatestFile, changeset.ResolutionsDir + "/" + changeset.LatestFile} {
					if name != changeset.LatestFile && points%3 > 0 {
						continue
					}
					points++
					v := visit{ticket: s.ticket, left: disk.Survivor(crashfs.Kill, 0), ours: ours, reported: err == nil,
						when: fmt.Sprintf("%s at operation %d, %s", a.name, k, name)}
					if k%2 == 0 {
						v.strangerUpdates(t)
					}
					writeAdvised(t, v.left, name, v.when)
					v.check(t, "")
					replicatest.Edit(t, replicatest.Open(t, v.left, replica.Options{}), func(e *replica.Edit) error { _, err := e.Create("Note", nil); return err })
					v.check(t, ", after the next edit")
				}
			}
		}
	}
	if points < 200/race.Every(7) {
		t.Errorf("%d points: that does not test much", points)
	}
}

// strangerUpdates lets the stranger make a whole edit, if it can.
func (v *visit) strangerUpdates(t *testing.T) {
	t.Helper()
	p, err := v1peer.Open(v.left, v1peer.Options{Creator: outsider})
	if err != nil {
		t.Fatal(err)
	}
	v.when += ", after an edit of the stranger"
	v.want = "updated"
	v.made, err = made(p.Update(v.ticket, map[string]string{"stranger": v.want}))
	v.did = err == nil
}

func TestAnEmptyNumberInTheMiddleOfAMoveIsNamed(t *testing.T) {
	disk, ticket, twin, _ := forked(t)
	for k, left := range cutOffs(t, disk, func(disk *crashfs.FS) error { return takeApart(disk, twin) }) {
		if k%race.Every(3) != 0 {
			continue
		}
		when := fmt.Sprintf("operation %d", k)
		writeAdvised(t, left, changeset.LatestFile, when)
		update(t, open(t, left), ticket, "note", "life goes on")
		if err := takeApart(left, twin); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		sound(t, left, when)
	}
}

// writeAdvised empties a latest-sequence-no, and does what the refusal says: it repairs, or writes the number into it.
func writeAdvised(t *testing.T, fsys afero.Fs, name, when string) {
	t.Helper()
	if err := afero.WriteFile(fsys, name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := replica.Open(fsys, replica.Options{Sleep: func(time.Duration) {}})
	if strings.Contains(fmt.Sprint(err), ": a repair sets it to ") {
		if err := replica.Repair(t.Context(), fsys, replica.Options{Sleep: func(time.Duration) {}}, replica.RepairOptions{}); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		return
	}
	advice := regexp.MustCompile(`write (\d+) into ` + name + `$`).FindStringSubmatch(fmt.Sprint(err))
	if advice == nil {
		t.Fatalf("%s: %v", when, err)
	}
	if err := afero.WriteFile(fsys, name, []byte(advice[1]), 0o644); err != nil {
		t.Fatal(err)
	}
}
