package parts

import (
	"bytes"
	"errors"
	"testing"
)

// full takes so many bytes.
type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// A table ends where the disk is full, at whichever page that is.
func TestATableThatCannotBeWrittenEnds(t *testing.T) {
	fsys, ref := build(t, 1, sample(3000))
	info, err := fsys.Stat(ref.TableFile())
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	for room := 0; room < int(info.Size()); room += pageSize {
		var pack bytes.Buffer
		w := NewWriter(&pack, 1)
		for _, r := range sample(3000) {
			if err := w.Add(r.object, r.touches); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Close(&full{room}); !errors.Is(err, errFull) {
			t.Fatalf("with room for %d bytes of %d: %v", room, info.Size(), err)
		}
		pages++
	}
	if pages < 10 {
		t.Errorf("a table of %d pages", pages)
	}
}
