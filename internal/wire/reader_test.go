package wire

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
)

// long is a log of changesets of some 5 KB, and a mirror of it: several frames.
func long(t *testing.T, n uint32) (*made, *mirror) {
	t.Helper()
	log := &made{}
	for seq := uint32(1); seq <= n; seq++ {
		c := &changeset.Changeset{ID: id(seq), Created: "2026-11-23 04:00:00", Creator: changeset.Text("ann"), Changes: []changeset.Change{{
			Record: changeset.RecordID{Type: "Ticket", UUID: id(seq).Origin}, Kind: changeset.Update,
			Props: map[string]changeset.PropChange{"text": {New: changeset.Text(fmt.Sprint(seq, string(bytes.Repeat([]byte{byte('a' + seq%26)}, 5_000))))}},
		}}}
		log.add(c.ID, c.Encode())
	}
	m := newMirror()
	m.extend(t, log)
	return log, m
}

// held is how many bytes of changesets a reader holds.
func (r *reader) held() (n int) {
	for _, k := range r.frames {
		for _, text := range k.texts {
			n += len(text)
		}
	}
	return n
}

func object(t *testing.T, s *FS, it Entry) {
	t.Helper()
	b, err := afero.ReadFile(s, changeset.ObjectPath(changeset.ChangesetObjects, it.Row.Key))
	if err != nil || !bytes.Equal(b, it.Raw) {
		t.Fatalf("row %d: %d bytes, %v", it.Row.Seq, len(b), err)
	}
}

// A pull reads the rows of a window, and then each changeset once.
func TestWhatAPullHasReadIsNotHeld(t *testing.T) {
	log, m := long(t, 4_000)
	s := m.open(t)
	r := s.reader(Log)
	for after, last := uint32(0), log.Latest(); after < last; {
		end := s.Window(Log, after, last)
		if held := r.held(); held > 0 || len(r.frames) > 0 {
			t.Errorf("after row %d %d frames are held, with %d bytes", after, len(r.frames), held)
		}
		index, err := s.Open(changeset.IndexFile)
		check(t, err)
		rows := make([]byte, (end-after)*changeset.RowSize)
		if _, err := index.ReadAt(rows, int64(after)*changeset.RowSize); err != nil && err != io.EOF {
			t.Fatal(err)
		}
		most, size := max(frameJSON, windowBytes), 0
		for _, it := range log.entries[after:end] {
			size += len(it.Raw)
		}
		if held := r.held(); size > most || held > size || end < last && held < size {
			t.Errorf("of the window of %d rows after %d, %d bytes, %d are held before they are read", end-after, after, size, held)
		}
		for _, it := range log.entries[after:end] {
			object(t, s, it)
		}
		if held := r.held(); held > 0 {
			t.Errorf("%d bytes are held of the window up to row %d, which was read", held, end)
		}
		after = end
	}
	if len(r.seen) < 3 {
		t.Errorf("%d frames", len(r.seen))
	}
}

func TestAChangesetThatIsAskedForTwiceIsNotFetchedAgain(t *testing.T) {
	log, m := long(t, 500)
	s := m.open(t)
	r := s.reader(Log)
	if _, err := r.rows(1, log.Latest()); err != nil {
		t.Fatal(err)
	}
	check(t, m.fs.RemoveAll("prophet/packs"))
	for range 3 {
		for _, it := range log.entries {
			object(t, s, it)
		}
	}
	if r.held() == 0 { // each of them decoded the frame
		t.Error("a frame that was decoded again is not held")
	}
}
