package accidents

import (
	"context"
	"path"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/durable"
	"prophet/replica"
)

// repairs are what mends damage: of a replica in which changesets are missing, which another one has, and a record's version and notes of ours are damaged; and of
// one in which a record's index is.
func repairs(t *testing.T) []*operation {
	s := newScene(t).fight()
	s.pull("ann", "bob")
	from := s.replica("bob")
	whole := s.open("ann")
	version, _, err := whole.Log().Present(s.ticket)
	s.check(err)
	for row, err := range whole.Log().Rows(1, whole.Latest()) {
		s.check(err)
		if row.ID.Origin == from.UUID() {
			s.damage("ann/"+changeset.ObjectPath(changeset.ChangesetObjects, row.Key), "")
		}
	}
	s.damage("ann/"+changeset.ObjectPath(changeset.RecordObjects, version.Key), "bits that flipped")
	s.damage("ann/prophet/ids", "no ids")
	several := s.only("ann")
	again := newScene(t).fight()
	again.pull("ann", "bob")
	again.damage("ann/"+changeset.RecordPath(again.note), "")
	repair := func(w *work) error {
		return replica.Repair(context.Background(), dir(w.fs, "ann"), options("ann", march, w.seed), replica.RepairOptions{
			Sources: func(context.Context) []*replica.Replica { return []*replica.Replica{from} },
		})
	}
	row := func(name string, start *crashfs.FS) *operation {
		return &operation{name: name, safe: true, start: start, do: repair, state: mended("ann"), end: views("ann"),
			sound: func(fs afero.Fs, worked bool) []string {
				if !worked {
					return nil // the state tells
				}
				return sound("ann")(fs, true)
			}}
	}
	return []*operation{row("repair", several), row("repair of an index", again.only("ann"))}
}

// damage gives a file another content, or takes it away.
func (s *scene) damage(name, content string) {
	s.t.Helper()
	if content == "" {
		s.check(s.disk.Remove(name))
		s.check(durable.SyncDir(s.disk, path.Dir(name)))
		return
	}
	s.check(durable.WriteFile(s.disk, name, []byte(content)))
}

// mended is views of a replica in which nothing is damaged any more.
func mended(who string) func(fs afero.Fs) (string, error) {
	return func(fs afero.Fs) (string, error) {
		if len(sound(who)(fs, false)) > 0 {
			return "it is damaged", nil
		}
		return views(who)(fs)
	}
}
