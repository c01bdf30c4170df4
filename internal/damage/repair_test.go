package damage_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/damage"
	"prophet/replica"
)

func TestABadSourceIsPassedOverWithAWord(t *testing.T) {
	s := damage.New(t)
	want := contents(t, s.Replica)
	bad := s.Copy().Peer
	names, err := damage.Files(bad)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "cas/changesets/") {
			if err := afero.WriteFile(bad, name, []byte(`{"changes":{}}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	ann := open(t, s.Replica, damage.AnnAt)
	file := changeset.ObjectPath(changeset.ChangesetObjects, rowOf(t, ann, lastOf(t, ann, s.Records.Quiet)).Key)
	if err := s.Replica.Remove(file); err != nil {
		t.Fatal(err)
	}
	var warned, fetched []string
	opts := damage.AnnOptions(3)
	opts.Warn = func(text string) { warned = append(warned, text) }
	err = replica.Repair(ctx, s.Replica, opts, replica.RepairOptions{
		Sources: func(context.Context) []*replica.Replica {
			return []*replica.Replica{open(t, bad, "/bad"), open(t, s.Peer, damage.CarolAt)}
		},
		Report: func(m replica.Mended) { fetched = append(fetched, m.Path+" "+m.Text) },
	})
	if err != nil || !slices.Equal(fetched, []string{file + " from " + damage.CarolAt}) {
		t.Errorf("%v, %v", err, fetched)
	}
	if !slices.ContainsFunc(warned, func(text string) bool { return strings.HasPrefix(text, "passed over in /bad: "+file+" is damaged") }) {
		t.Errorf("warned of %q", warned)
	}
	if other := otherFiles(want, contents(t, s.Replica)); len(other) > 0 {
		t.Errorf("differ %v", other)
	}
}

// TestTheIndexFollowsFromTheChangesets: without anybody to ask, the index of the log comes out byte for byte from the changesets, the versions of records, and the notes.
func TestTheIndexFollowsFromTheChangesets(t *testing.T) {
	whole := damage.New(t)
	want := contents(t, whole.Replica)
	index := []byte(want[changeset.IndexFile])
	others, err := afero.ReadFile(whole.Peer, changeset.IndexFile)
	if err != nil {
		t.Fatal(err)
	}
	backwards := slices.Clone(index)
	for i := 0; i < len(index); i += changeset.RowSize {
		copy(backwards[len(index)-i-changeset.RowSize:], index[i:i+changeset.RowSize])
	}
	for name, text := range map[string][]byte{"nothing": nil, "half of it": index[:len(index)/2], "Carol's": others, "backwards": backwards,
		"zeros": make([]byte, len(index)), "more": append(slices.Clone(index), others...)} {
		s := whole.Copy()
		if err := afero.WriteFile(s.Replica, changeset.IndexFile, text, 0o600); err != nil {
			t.Fatal(err)
		}
		mended, err := repair(s, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if other := otherFiles(want, contents(t, s.Replica)); len(other) > 0 {
			t.Errorf("%s: differ %v: %v", name, other, mended)
		}
		if kept, err := afero.ReadFile(s.Replica, replica.SetAsideDir+"/"+changeset.IndexFile); err != nil || string(kept) != string(text) {
			t.Errorf("%s: set aside are %d bytes of %d, %v", name, len(kept), len(text), err)
		}
	}
}

func TestAMirrorIsNotRepaired(t *testing.T) {
	s := damage.New(t)
	before := s.Mirror.Print()
	err := replica.Repair(ctx, s.MirrorTree(), replica.Options{}, replica.RepairOptions{})
	if err == nil || !strings.Contains(err.Error(), "it is a mirror") || s.Mirror.Print() != before {
		t.Errorf("%v", err)
	}
}
