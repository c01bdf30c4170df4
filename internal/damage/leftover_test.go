package damage_test

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/damage"
	"prophet/replica"
	psync "prophet/sync"
)

// leaveOver puts an object into the store that bears the ID of a row's changeset and sets a property to something else, as an edit that was cut off leaves it.
func leaveOver(t *testing.T, s *damage.Scene, row changeset.Row) (file string) {
	t.Helper()
	c, err := open(t, s.Replica, damage.AnnAt).Log().Changeset(row)
	if err != nil {
		t.Fatal(err)
	}
	other := *c
	other.Changes = slices.Clone(c.Changes)
	other.Changes[0].Props = map[string]changeset.PropChange{"status": {Old: changeset.Text("new"), New: changeset.Text("never committed")}}
	text := other.Encode()
	file = changeset.ObjectPath(changeset.ChangesetObjects, cas.Sum(text))
	write(t, s.Replica, file, text)
	return file
}

func write(t *testing.T, fsys afero.Fs, name string, text []byte) {
	t.Helper()
	if err := fsys.MkdirAll(path.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(fsys, name, text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestALeftoverTakesNoPlace: the object of an edit that was never committed bears the ID of one that was. When the object of that is lost or damaged, and perhaps what else tells of it, it is never
// replaced by the other.
func TestALeftoverTakesNoPlace(t *testing.T) {
	whole := damage.New(t)
	ann := open(t, whole.Replica, damage.AnnAt)
	for _, row := range []uint32{lastOf(t, ann, whole.Records.Quiet), lastOf(t, ann, whole.Records.Listed) - 2} { // her own, and one of Bob's
		id := rowOf(t, ann, row)
		object := changeset.ObjectPath(changeset.ChangesetObjects, id.Key)
		c, err := ann.Log().Changeset(id)
		if err != nil {
			t.Fatal(err)
		}
		index := changeset.RecordPath(c.Changes[0].Record)
		for _, tt := range []struct {
			name      string
			showsLess bool // alone, of her own: what the record became is lost with it; Bob's has another representation, which tells
			hurt      func(fsys afero.Fs)
		}{
			{"removed", false, func(fsys afero.Fs) { remove(t, fsys, object) }},
			{"cut", false, func(fsys afero.Fs) { write(t, fsys, object, []byte("{")) }},
			{"and the record's index", true, func(fsys afero.Fs) { remove(t, fsys, object, index) }},
			{"cut, and the record's too", true, func(fsys afero.Fs) { write(t, fsys, object, []byte("{")); cut(t, fsys, index, changeset.VersionSize) }},
			{"and the index has junk", false, func(fsys afero.Fs) { remove(t, fsys, object); junk(t, fsys, changeset.IndexFile) }},
		} {
			s := whole.Copy()
			file := leaveOver(t, s, id)
			want := contents(t, s.Replica)
			shown := look(t, open(t, s.Replica, damage.AnnAt))
			tt.hurt(s.Replica)
			if _, err := repair(s, false); err != nil {
				t.Fatal(err)
			}
			if is := look(t, open(t, s.Replica, damage.AnnAt)); (is != shown) != (tt.showsLess && id.ID.Origin == ann.UUID()) {
				t.Errorf("row %d, %s, alone: it shows\n%s\nand not\n%s", row, tt.name, is, shown)
			}
			if got := rowOf(t, open(t, s.Replica, damage.AnnAt), row); got != id {
				t.Errorf("row %d, %s, alone: the row is %+v, was %+v", row, tt.name, got, id)
			}
			mended, err := repair(s, true)
			if other := slices.DeleteFunc(otherFiles(want, contents(t, s.Replica)), excused); err != nil || len(other) > 0 {
				t.Errorf("row %d, %s: %v, differ %v: %v (left over %s)", row, tt.name, err, other, mended, file)
			}
		}
	}
}

// TestARowWithHalfANameIsFound: the row of a lost changeset lost a part of its name too; who has the changeset tells the rest.
func TestARowWithHalfANameIsFound(t *testing.T) {
	s := damage.New(t)
	want := contents(t, s.Replica)
	ann := open(t, s.Replica, damage.AnnAt)
	row := rowOf(t, ann, lastOf(t, ann, s.Records.Quiet))
	if err := s.Replica.Remove(changeset.ObjectPath(changeset.ChangesetObjects, row.Key)); err != nil {
		t.Fatal(err)
	}
	index := []byte(want[changeset.IndexFile])
	copy(index[int(row.Seq)*changeset.RowSize-8:], "damaged!")
	write(t, s.Replica, changeset.IndexFile, index)
	mended, err := repair(s, true)
	if other := otherFiles(want, contents(t, s.Replica)); err != nil || len(other) > 0 {
		t.Errorf("%v, differ %v: %v", err, other, mended)
	}
}

// remove takes files away, which must be there.
func remove(t *testing.T, fsys afero.Fs, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := fsys.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func cut(t *testing.T, fsys afero.Fs, name string, n int) {
	t.Helper()
	b, err := afero.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, fsys, name, b[:len(b)-n])
}

func junk(t *testing.T, fsys afero.Fs, name string) {
	t.Helper()
	b, err := afero.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, fsys, name, append(bytes.Clone(b), "junk"...))
}

// TestAnotherEditUnderALostIDIsNotTaken: a copy of the replica was edited, and so has another edit under the ID of one that is lost here; so has who pulled from that.
func TestAnotherEditUnderALostIDIsNotTaken(t *testing.T) {
	s := damage.New(t)
	twin := s.Copy()
	for at, value := range map[*damage.Scene]string{s: "true", twin: "a lie"} {
		if err := update(open(t, at.Replica, damage.AnnAt), s.Records.Quiet, "status", value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := psync.Pull(ctx, open(t, s.Peer, damage.CarolAt), open(t, twin.Replica, "/twin"), psync.Options{}); err != nil {
		t.Fatal(err)
	}
	ann := open(t, s.Replica, damage.AnnAt)
	row := rowOf(t, ann, ann.Latest())
	shown := look(t, ann)
	if err := s.Replica.Remove(changeset.ObjectPath(changeset.ChangesetObjects, row.Key)); err != nil {
		t.Fatal(err)
	}
	for where, fsys := range map[string]*crashfs.FS{"/twin": twin.Replica, damage.CarolAt: s.Peer} {
		for _, index := range []bool{true, false} {
			work := s.Copy()
			if !index {
				remove(t, work.Replica, changeset.RecordPath(s.Records.Quiet))
			}
			told := ""
			how := replica.RepairOptions{Report: func(m replica.Mended) { told += m.Text + "\n" },
				Sources: func(context.Context) []*replica.Replica { return []*replica.Replica{open(t, fsys, where)} }}
			if err := replica.Repair(ctx, work.Replica, damage.AnnOptions(9), how); err != nil {
				t.Fatal(err)
			}
			hurt := open(t, work.Replica, damage.AnnAt)
			if is := look(t, hurt); index && is != shown || strings.Contains(is, "a lie") {
				t.Errorf("from %s, with the record's index %v: it shows\n%s", where, index, is)
			}
			if !strings.Contains(told, where+" has another edit as changeset "+row.ID.String()) {
				t.Errorf("from %s, with the record's index %v: told %s", where, index, told)
			}
		}
	}
}

// TestWithoutALostRivalARecordShowsWhatItDid: what is left of a lost changeset wins and loses as it did, though nobody knows when it was made, nor what its maker had seen.
func TestWithoutALostRivalARecordShowsWhatItDid(t *testing.T) {
	for name, rivals := range map[string]struct {
		ann, bob, carol func(e *replica.Edit, rec changeset.RecordID) error
	}{
		"values":                 {set("ann"), set("bob"), set("carol")},
		"a deletion and an edit": {(*replica.Edit).Delete, set("bob"), (*replica.Edit).Delete},
		"an edit, two deletions": {set("ann"), (*replica.Edit).Delete, (*replica.Edit).Delete},
	} {
		s := damage.New(t)
		bob := crashfs.New()
		ann := openIn(t, s.Replica, damage.AnnAt, time.April)
		opts := damage.AnnOptions(21)
		opts.Where = damage.BobAt
		if _, _, err := psync.Clone(ctx, bob, ann, opts, psync.Options{Adopt: true}); err != nil {
			t.Fatal(err)
		}
		rec, first := s.Records.Quiet, ann.Latest()
		for _, edit := range []error{
			do(openIn(t, s.Peer, damage.CarolAt, time.June), rec, rivals.carol), do(ann, rec, rivals.ann), do(openIn(t, bob, damage.BobAt, time.May), rec, rivals.bob),
		} {
			if edit != nil {
				t.Fatal(edit)
			}
		}
		for _, from := range []*replica.Replica{open(t, s.Peer, damage.CarolAt), open(t, bob, damage.BobAt)} {
			if _, err := psync.Pull(ctx, ann, from, psync.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		for row := first + 1; row <= ann.Latest(); row++ {
			work := s.Copy()
			before := look(t, ann)
			lose(t, work, row)
			hurt := open(t, work.Replica, damage.AnnAt)
			if after := look(t, hurt); !sameWords(after, before) { // which of the losers is the latest nothing tells
				t.Errorf("%s, without row %d: it shows\n%s\nand not\n%s", name, row, after, before)
			}
			if hurt.Latest() != ann.Latest() {
				t.Errorf("%s, without row %d: the log grew", name, row)
			}
		}
	}
}

// openIn opens a replica whose clock stands in a month.
func openIn(t *testing.T, fsys afero.Fs, where string, month time.Month) *replica.Replica {
	t.Helper()
	opts := damage.AnnOptions(uint64(month))
	opts.Where, opts.Now = where, func() time.Time { return time.Date(2026, month, 1, 12, 0, 0, 0, time.UTC) }
	r, err := replica.Open(fsys, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func do(r *replica.Replica, rec changeset.RecordID, f func(e *replica.Edit, rec changeset.RecordID) error) error {
	_, err := r.Edit(ctx, func(e *replica.Edit) error { return f(e, rec) })
	return err
}

func sameWords(a, b string) bool {
	words := func(text string) []string {
		return slices.Sorted(strings.FieldsSeq(strings.ReplaceAll(text, ",", " ")))
	}
	return slices.Equal(words(a), words(b))
}

// set returns an edit that sets the status.
func set(value string) func(e *replica.Edit, rec changeset.RecordID) error {
	return func(e *replica.Edit, rec changeset.RecordID) error {
		return e.Update(rec, map[string]string{"status": value})
	}
}

// TestAnotherEditThatMadeTheSameIsNotTaken: the object of another's edit, which a pull that was cut off left, makes the very version that a lost one made. The row of that is whole, so it is lost, and
// not the other edit. Where the row is gone too, another's bookkeeping takes no place in it either.
func TestAnotherEditThatMadeTheSameIsNotTaken(t *testing.T) {
	whole := damage.New(t)
	ann, carol := open(t, whole.Replica, damage.AnnAt), open(t, whole.Peer, damage.CarolAt)
	for _, row := range []uint32{lastOf(t, ann, whole.Records.Quiet), lastOf(t, ann, whole.Records.Listed) - 2} { // her own, and one of Bob's
		for _, books := range []bool{false, true} {
			s, id := whole.Copy(), rowOf(t, ann, row)
			c, err := ann.Log().Changeset(id)
			if err != nil {
				t.Fatal(err)
			}
			other := *c
			other.ID, other.Resolution = changeset.ID{Origin: carol.UUID(), Seq: carol.Latest() + 1}, books
			if books {
				other.Changes = slices.Clone(c.Changes)
				for i := range other.Changes {
					other.Changes[i].Parents = nil
				}
				zero(t, s.Replica, changeset.IndexFile, row)
				remove(t, s.Replica, "prophet/rows")
			}
			text := other.Encode()
			write(t, s.Replica, changeset.ObjectPath(changeset.ChangesetObjects, cas.Sum(text)), text)
			remove(t, s.Replica, changeset.ObjectPath(changeset.ChangesetObjects, id.Key))
			mended, err := repair(s, false)
			if err != nil {
				t.Fatal(err)
			}
			if books {
				if index := contents(t, s.Replica)[changeset.IndexFile]; strings.Contains(index, string(other.ID.Origin[:])+"\x00\x00\x00"+string(rune(other.ID.Seq))) {
					t.Errorf("row %d: another's bookkeeping stands in the log: %v", row, mended)
				}
				continue
			}
			if got := rowOf(t, open(t, s.Replica, damage.AnnAt), row); got != id {
				t.Errorf("row %d: it is %+v, and was %+v: %v", row, got, id, mended)
			}
			if list := problems(t, s.Replica); !saysLost(list, 1) {
				t.Errorf("row %d: check says %v", row, list)
			}
		}
	}
}
