package wire

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/race"
)

// made is a log in memory.
type made struct{ entries []Entry }

func (m *made) Latest() uint32 { return uint32(len(m.entries)) }

func (m *made) Entries(from uint32) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, it := range m.entries[from-1:] {
			if !yield(it, nil) {
				return
			}
		}
	}
}

func (m *made) Collect(from, to uint32) (rows []changeset.Row, err error) {
	for _, it := range m.entries[from-1 : to] {
		rows = append(rows, it.Row)
	}
	return rows, nil
}

// add adds the bytes of a changeset with that ID.
func (m *made) add(id changeset.ID, raw []byte) {
	m.entries = append(m.entries, Entry{changeset.Row{Seq: m.Latest() + 1, ID: id, Key: sha1.Sum(raw)}, raw})
}

func id(n uint32) changeset.ID {
	return changeset.ID{Origin: uuid.NewSHA1(uuid.Nil, []byte{byte(n % 3)}), Seq: n}
}

// more adds so many changesets, some of which change what others made, and some of which are odd.
func (m *made) more(n int, rnd *rand.Rand) {
	word := func() string {
		return strings.Repeat(string(rune('a'+rnd.IntN(26))), rnd.IntN(5)) + fmt.Sprint(rnd.IntN(1000))
	}
	for range n {
		c := &changeset.Changeset{ID: id(m.Latest() + 1), Created: time.Unix(rnd.Int64N(2e9), 0).UTC().Format(changeset.TimeFormat), Creator: changeset.Text("ann")}
		for range 1 + rnd.IntN(2) {
			rec := changeset.RecordID{Type: "Ticket", UUID: uuid.NewSHA1(uuid.Nil, []byte{1, byte(rnd.IntN(100))})}
			if c.Change(rec) != nil {
				continue
			}
			ch := changeset.Change{Record: rec, Kind: changeset.Kind(1 + rnd.IntN(3)), Props: map[string]changeset.PropChange{}}
			switch rnd.IntN(4) {
			case 0:
				ch.Parents = []changeset.ID{}
			case 1:
				ch.Parents = []changeset.ID{id(uint32(1 + rnd.IntN(50)))}
			}
			if rnd.IntN(20) == 0 {
				ch.CopyOf = id(m.Latest() + 2)
			}
			for range rnd.IntN(4) {
				ch.Props[word()[:1]] = changeset.PropChange{Old: changeset.TextOrNull(word()), New: changeset.TextOrNull(word())}
			}
			c.Changes = append(c.Changes, ch)
		}
		switch rnd.IntN(20) {
		case 0:
			c.Created = "some day"
		case 1:
			c.Nullification, c.Creator = true, changeset.Value{}
		case 2:
			c.Resolution = true
		}
		raw := c.Encode()
		switch rnd.IntN(20) {
		case 0: // as the original passes it on
			raw = bytes.Replace(raw, fmt.Appendf(nil, `_no":%d,`, c.ID.Seq), fmt.Appendf(nil, `_no":"%d",`, c.ID.Seq), 1)
		case 1: // lost
			m.add(c.ID, raw)
			m.entries[len(m.entries)-1].Raw = nil
			continue
		}
		m.add(c.ID, raw)
	}
}

func newRand(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(1, 2))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestChangesetsComeOutOfAFrameAsTheyAre(t *testing.T) {
	var m made
	m.more(2000, newRand(t))
	packed, s, err := seal(m.entries)
	check(t, err)
	f, err := unseal(packed, 1, s)
	check(t, err)
	lost, odd := 0, 0
	for i, it := range m.entries {
		if f.Rows[i] != it.Row || !bytes.Equal(f.Raw(i), it.Raw) {
			t.Fatalf("row %d is %v, %q\nwant %v, %q", i+1, f.Rows[i], f.Raw(i), it.Row, it.Raw)
		}
		if it.Raw == nil {
			lost++
		} else if bytes.Contains(it.Raw, []byte(`_no":"`)) {
			odd++
		}
	}
	if lost == 0 || odd == 0 {
		t.Errorf("%d lost ones and %d odd ones: too few", lost, odd)
	}
}

func TestWhatFollowsIsNotSent(t *testing.T) {
	var m made
	last := changeset.Value{}
	for n := range uint32(1000) {
		next := changeset.Text(fmt.Sprintf("a value that nobody can guess: %x", sha1.Sum([]byte{byte(n), byte(n >> 8)})))
		c := &changeset.Changeset{ID: changeset.ID{Origin: uuid.NewSHA1(uuid.Nil, nil), Seq: n + 1}, Created: "2026-11-22 05:03:05", Creator: changeset.Text("ann")}
		ch := changeset.Change{Record: changeset.RecordID{Type: "Ticket", UUID: uuid.NewSHA1(uuid.Nil, []byte("x"))}, Kind: changeset.Update, Parents: []changeset.ID{},
			Props: map[string]changeset.PropChange{"status": {Old: last, New: next}}}
		if n > 0 {
			ch.Parents = append(ch.Parents, changeset.ID{Origin: c.ID.Origin, Seq: n})
		}
		c.Changes = []changeset.Change{ch}
		m.add(c.ID, c.Encode())
		last = next
	}
	packed, _, err := seal(m.entries)
	check(t, err)
	if each := len(packed) / 1000; each > 27 { // 40 digits in hex are 20 bytes
		t.Errorf("%d bytes for each changeset of which 20 do not follow", each)
	}
}

// mirror is a head beside packs.
type mirror struct {
	fs   afero.Fs
	head Head
}

func newMirror() *mirror { return &mirror{fs: afero.NewMemMapFs()} }

// extend brings it up to date, and returns how many bytes of packs that took.
func (m *mirror) extend(t testing.TB, from *made) (written int64) {
	t.Helper()
	before := map[string]bool{}
	for _, p := range m.head.Logs[Log].Packs {
		before[p.Name] = true
	}
	next, err := Extend(context.Background(), m.fs, Log, m.head.Logs[Log], from, InHead)
	check(t, err)
	m.head.Logs[Log] = next
	m.head.Files = map[string]string{changeset.LatestFile: fmt.Sprint(from.Latest())}
	check(t, afero.WriteFile(m.fs, HeadFile, m.head.Encode(), 0o666))
	for _, p := range next.Packs {
		if !before[p.Name] {
			written += p.Bytes
		}
	}
	return written
}

func (m *mirror) open(t testing.TB) *FS {
	t.Helper()
	s, err := Open(m.fs)
	check(t, err)
	return s
}

// shows makes sure that the mirror shows a log.
func (m *mirror) shows(t testing.TB, from *made) {
	t.Helper()
	s := m.open(t)
	b, err := afero.ReadFile(s, changeset.IndexFile)
	check(t, err)
	rows, err := changeset.ParseRows(b, 1)
	check(t, err)
	if len(rows) != len(from.entries) {
		t.Fatalf("%d rows, want %d", len(rows), len(from.entries))
	}
	for i, it := range from.entries {
		if rows[i] != it.Row {
			t.Fatalf("row %d is %v, want %v", i+1, rows[i], it.Row)
		}
		raw, err := afero.ReadFile(s, changeset.ObjectPath(changeset.ChangesetObjects, it.Row.Key))
		if it.Raw == nil && !errors.Is(err, fs.ErrNotExist) || it.Raw != nil && !bytes.Equal(raw, it.Raw) {
			t.Fatalf("changeset of row %d: %q, %v\nwant %q", i+1, raw, err, it.Raw)
		}
	}
}

func TestAMirrorThatGrowsShowsItsLog(t *testing.T) {
	var log made
	rnd, m := newRand(t), newMirror()
	for _, n := range []int{0, 1, 3, 200, 1, 5000, 100, 100, 2000, 1} {
		log.more(n, rnd)
		if n > 0 {
			m.extend(t, &log)
			m.shows(t, &log)
		}
		if written := m.extend(t, &log); written > 0 {
			t.Errorf("%d bytes with nothing new", written)
		}
	}
}

// Each publication of k changesets costs O(k log n) bytes; so does what is written in all for each byte that there is at the end.
func TestPublishingAgainAndAgainCostsLittle(t *testing.T) {
	var log made
	rnd, m := newRand(t), newMirror()
	var written int64
	most := 0
	for range race.Part(150) {
		log.more(50, rnd)
		written += m.extend(t, &log)
		most = max(most, len(m.head.Logs[Log].Packs))
	}
	var size int64
	for _, p := range m.head.Logs[Log].Packs {
		size += p.Bytes
	}
	t.Logf("%d bytes written for %d, at most %d packs", written, size, most)
	if written > 7*size || most > 5 {
		t.Errorf("%d bytes written for %d, at most %d packs", written, size, most)
	}
}

// A superseded pack stays for 30 days, and no pack that the head names is ever removed.
func TestSupersededPacksStayForAMonth(t *testing.T) {
	var log made
	rnd, m := newRand(t), newMirror()
	day := time.Date(2026, 11, 22, 5, 3, 5, 0, time.UTC)
	publish := func(n int, prune bool) (removed int) {
		t.Helper()
		log.more(n, rnd)
		old := m.head
		m.extend(t, &log)
		expired, err := Retire(m.fs, &old, &m.head, day, prune)
		check(t, err)
		check(t, Remove(m.fs, expired))
		m.shows(t, &log)
		return len(expired)
	}
	packs := func() (n int) {
		infos, err := afero.ReadDir(m.fs, packDir)
		check(t, err)
		return len(infos)
	}
	publish(500, false)
	publish(500, false)
	if removed := publish(500, false); removed > 0 || packs() != 3 || len(m.head.Logs[Log].Packs) != 1 {
		t.Fatalf("%d removed, %d packs, %+v", removed, packs(), m.head.Logs[Log])
	}
	day = day.AddDate(0, 0, 30)
	if removed := publish(500, false); removed > 0 || packs() != 4 {
		t.Errorf("after 30 days %d were removed, and %d are left", removed, packs())
	}
	day = day.AddDate(0, 0, 1)
	if removed := publish(0, false); removed != 2 || packs() != 2 {
		t.Errorf("after 31 days %d were removed, and %d are left", removed, packs())
	}
	check(t, afero.WriteFile(m.fs, PackFile(strings.Repeat("0", 64)), nil, 0o666)) // of a publication that was cut off
	if removed := publish(0, true); removed != 2 || packs() != 1 {
		t.Errorf("pruned: %d were removed, and %d are left", removed, packs())
	}
	if b, err := afero.ReadFile(m.fs, supersededFile); err != nil || len(b) > 0 {
		t.Errorf("the list is %q, %v", b, err)
	}
}
