package durable

import (
	"maps"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
)

// TestViewOfAReaderIsACommittedState crashes at every operation; what a reader sees within its view is one of the states, exactly.
func TestViewOfAReaderIsACommittedState(t *testing.T) {
	everyCrash(t, crashes(*seeds), func(t *testing.T, left *crashfs.FS, done int) {
		left.Record()
		v, err := Uncommitted(left)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range left.Ops() {
			if op.Changes() {
				t.Errorf("a reader did: %v", op)
			}
		}
		i, err := stateOf(left)
		if err != nil {
			t.Fatal(err)
		}
		aside := func(name, _ string) bool { return isReplaced(name) || strings.HasPrefix(name, "cas/") || IsTemp(name) }
		got, want := v.of(read(t, left).files()), maps.Clone(states[i])
		maps.DeleteFunc(got, aside)
		maps.DeleteFunc(want, aside)
		if !maps.Equal(got, want) {
			t.Errorf("a reader of state %d sees:%s\nwant:%s", i, got, want)
		}
	})
}

// of returns the part of the tree that a reader with this view sees.
func (v View) of(s tree) tree {
	for name, size := range v.Lengths {
		if size < 0 {
			delete(s, name)
		} else if int64(len(s[name])) > size {
			s[name] = s[name][:size]
		}
	}
	for name, text := range v.Points {
		s[name] = text
		if text == "" {
			delete(s, name)
		}
	}
	return s
}

func TestViewIsEmptyWhereNothingIsUnderWay(t *testing.T) {
	for name, journal := range map[string]string{"none": "", "empty": journalHead, "torn": example.text()[:60]} {
		fs := afero.NewMemMapFs()
		if journal != "" {
			put(t, fs, Journal, journal)
		}
		if v, err := Uncommitted(fs); err != nil || len(v.Lengths)+len(v.Points) > 0 {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}
