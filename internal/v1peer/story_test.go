package v1peer

import (
	"bytes"
	"os"
	"path"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/fixture"
)

// stage is where a story is played: a clock, and the UUIDs that will be given next.
type stage struct {
	t     *testing.T
	now   time.Time
	uuids []uuid.UUID
}

// at sets the clock, on the day of the fixtures.
func (s *stage) at(clock string) {
	s.t.Helper()
	now, err := time.Parse(changeset.TimeFormat, "2026-11-21 "+clock)
	if err != nil {
		s.t.Fatal(err)
	}
	s.now = now
}

// next says which UUIDs are given next.
func (s *stage) next(uuids ...string) {
	for _, u := range uuids {
		s.uuids = append(s.uuids, uuid.MustParse(u))
	}
}

func (s *stage) options(creator string) Options {
	return Options{Creator: creator, Now: func() time.Time { return s.now }, NewUUID: func() uuid.UUID {
		u := s.uuids[0]
		s.uuids = s.uuids[1:]
		return u
	}}
}

// do fails the test if a step of the story failed.
func (s *stage) do(_ any, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) clone(from *Peer, creator string) *Peer {
	s.t.Helper()
	p, err := Clone(afero.NewMemMapFs(), from.FS(), s.options(creator))
	s.do(p, err)
	return p
}

type props = map[string]string

// TestThreeLaptopsWriteTheBytesThatTheOriginalWrote plays the story of the archive three-laptops. The logs tell it: who made what when stands
// in the changesets, who pulled from whom and in which order, in the marks and in the order of the rows. Two things no log tells, and they
// make no difference: whether carol pulled from bob before alice did, and what was preferred in the pulls that found every conflict voted on.
func TestThreeLaptopsWriteTheBytesThatTheOriginalWrote(t *testing.T) {
	s := &stage{t: t}
	record := func(typ, u string) changeset.RecordID { return changeset.RecordID{Type: typ, UUID: uuid.MustParse(u)} }
	printer := record("Ticket", "894d7354-2c7c-424e-99a0-c8fc2e34da25")
	cafe := record("Ticket", "09c7cb4b-b168-42d5-9adc-22a9f4feccdd")

	// Alice makes two tickets and a comment.
	s.at("01:29:20")
	s.next("7a54db62-bdb9-4f7e-a3b9-4d1476248095", "f738aecc-33a0-43c9-9a71-29e2a12122a8") // the database and alice
	s.next("272dcba6-8b91-4397-a530-ce9cd696fe33", "7cb39217-7f9e-4e7f-887d-dbbbb031e757") // their resolutions
	alice, err := Init(afero.NewMemMapFs(), s.options("alice@example.com"))
	s.do(alice, err)
	s.next("894d7354-2c7c-424e-99a0-c8fc2e34da25", "09c7cb4b-b168-42d5-9adc-22a9f4feccdd", "8dfc75a8-6d9c-4937-8b52-989c651572c0")
	s.do(alice.Create("Ticket", props{"summary": "Printer on fire", "status": "new", "priority": "3"}))
	s.at("01:29:21")
	s.do(alice.Create("Ticket", props{"summary": "Café déjà vu — naïve ☃ 日本語 🚀", "status": "new", "body": "tab\t\"quoted\" back\\slash /slash"}))
	s.do(alice.Create("Comment", props{"body": "ctl:\x01\x7f end", "number": "42", "float": "1.50"}))
	s.do(nil, alice.Update(printer, props{"status": "open", "owner": "bob"}))

	// Bob and carol clone, and all three edit.
	s.at("01:29:22")
	s.next("4b595084-a47b-4994-a73d-7687ba9106fb", "9543ea20-b094-4bf8-b737-b0a2ec954eb5")
	bob := s.clone(alice, "bob@example.com")
	s.next("67ad6d65-40a8-4fc8-82d6-40d9c2e62eea", "ee624e82-fb53-4f58-a30f-43e490de2c59")
	carol := s.clone(alice, "carol@example.com")
	s.do(nil, bob.Update(printer, props{"status": "stalled"}))
	s.at("01:29:23")
	s.do(nil, alice.Update(printer, props{"status": "resolved"}))
	s.next("03427ac7-2624-4b21-a5ff-894dd5fbde60")
	s.do(carol.Create("Ticket", props{"summary": "Carol's own", "status": "new"}))
	s.do(nil, carol.Delete(cafe))
	s.at("01:29:24")
	s.do(nil, alice.Update(cafe, props{"status": "open"}))

	// Bob prefers his own status, and votes for it. Carol and alice meet the same conflict and follow his vote, whatever they
	// prefer. Alice's edit of the ticket that carol has deleted brings it back there, with one property; alice deletes it.
	s.do(bob.Pull(alice.FS(), To))
	s.at("01:29:25")
	s.do(carol.Pull(bob.FS(), To))
	s.do(alice.Pull(bob.FS(), From))
	s.do(alice.Pull(carol.FS(), From))
	s.do(bob.Pull(carol.FS(), From))
	s.do(bob.Pull(alice.FS(), From))
	exported := afero.NewMemMapFs()
	s.do(nil, bob.Export(exported))

	root := afero.NewMemMapFs()
	fixture.Unpack(t, root, "", "three-laptops")
	for name, fs := range map[string]afero.Fs{"alice": alice.FS(), "bob": bob.FS(), "carol": carol.FS(), "bob-export": exported} {
		sameFiles(t, name, fs, afero.NewBasePathFs(root, name))
	}
}

// sameFiles compares all files of a replica, but those in userdata, which no changeset is about.
func sameFiles(t *testing.T, name string, got, want afero.Fs) {
	t.Helper()
	g, w := files(t, got), files(t, want)
	for file, b := range w {
		if !bytes.Equal(g[file], b) {
			t.Errorf("%s%s is\n%.300q, the original has\n%.300q", name, file, g[file], b)
		}
	}
	for file := range g {
		if w[file] == nil {
			t.Errorf("%s%s is not in the original's: %.300q", name, file, g[file])
		}
	}
}

func files(t *testing.T, fs afero.Fs) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	if err := afero.Walk(fs, "", func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || path.Base(path.Dir(name)) == "userdata" {
			return err
		}
		b, err := afero.ReadFile(fs, name)
		all[path.Clean("/"+name)] = b
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
