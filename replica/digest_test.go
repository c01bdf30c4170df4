package replica_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// digestOf opens a replica and returns its digests, which must be those that its records have.
func digestOf(t *testing.T, fsys afero.Fs, when string) replica.Digests {
	t.Helper()
	r, err := replica.Open(fsys, replica.Options{})
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	got, err := r.Digest(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if want := replicatest.Digest(t, r); got != want {
		t.Errorf("%s: the digest is %s, that of the records is %s", when, got, want)
	}
	return got
}

// digestNoted reports whether both logs have an entry for their last row.
func digestNoted(t *testing.T, fsys afero.Fs) bool {
	t.Helper()
	r := replicatest.Open(t, fsys, replica.Options{})
	for _, l := range []*replica.Log{r.Log(), r.Resolutions()} {
		if entry, err := l.DigestEntry(); err != nil || entry == nil && l.Latest() > 0 {
			return false
		}
	}
	return true
}

// settings returns a changeset of somebody else that writes a record of the database's settings.
func settings(r *replica.Replica, content string) *changeset.Changeset {
	rec := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(r.Database(), []byte("a setting"))}
	return &changeset.Changeset{ID: changeset.ID{Origin: uuid.New(), Seq: 1}, Created: "2026-02-02 02:02:02",
		Changes: []changeset.Change{{Record: rec, Kind: changeset.Create, Parents: []changeset.ID{},
			Props: map[string]changeset.PropChange{"content": {New: changeset.Text(content)}}}}}
}

// randomEdit does one random thing to random records, or fails after it has.
func randomEdit(t *testing.T, r *replica.Replica, rng *rand.Rand) {
	t.Helper()
	recs := allRecords(t, r)
	fails := errors.New("on purpose")
	err := r.Update(t.Context(), func(tx *replica.Tx) error {
		for range 1 + rng.IntN(3) {
			if rng.IntN(8) == 0 {
				if _, err := tx.Integrate(settings(r, fmt.Sprint(rng.IntN(4)))); err != nil {
					return err
				}
			}
			if _, err := tx.Edit(func(e *replica.Edit) error { return changeAny(e, rng, recs) }); err != nil {
				return err
			}
		}
		if rng.IntN(5) == 0 {
			return fails
		}
		return nil
	})
	if err != nil && !errors.Is(err, fails) {
		t.Fatal(err)
	}
}

// changeAny creates a record or changes one: an update, a deletion, or a creation over that.
func changeAny(e *replica.Edit, rng *rand.Rand, recs []changeset.RecordID) error {
	props := map[string]string{[]string{"a", "b"}[rng.IntN(2)]: []string{"", "1", "2", "é \"<\n"}[rng.IntN(4)]}
	if len(recs) == 0 || rng.IntN(4) == 0 {
		_, err := e.Create([]string{"Ticket", "Note"}[rng.IntN(2)], props)
		return err
	}
	rec := recs[rng.IntN(len(recs))]
	_, exists, err := e.Props(rec)
	switch {
	case err != nil || rec.Type == changeset.SettingsType:
		return err
	case !exists:
		return e.Restore(rec, props)
	case rng.IntN(4) == 0:
		return e.Delete(rec)
	}
	return e.Update(rec, props)
}

func TestTheDigestThatIsKeptIsThatOfTheRecords(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 10))
		fsys := afero.NewMemMapFs()
		r := replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"})
		if got := digestOf(t, fsys, "a new replica").String(); got != "state none  votes none  settings none" {
			t.Error(got)
		}
		removed := false
		for n := range 25 {
			when, rows := fmt.Sprintf("seed %d, step %d", seed, n), r.Latest()
			randomEdit(t, r, rng)
			digestOf(t, fsys, when)
			if removed = removed && r.Latest() == rows; !removed && !digestNoted(t, fsys) {
				t.Errorf("%s: it is not kept", when)
			}
			if rng.IntN(8) == 0 {
				removed = fsys.Remove(replica.DigestsFile) == nil || removed
				digestOf(t, fsys, when+", the file removed")
			}
		}
		replicatest.Sound(t, fsys, "at last")
	}
}

func TestTheDigestChangesWithOneByteOfOneValueAndWithNothingElse(t *testing.T) {
	id := replica.Identity{Database: uuid.New(), Votes: uuid.New()}
	rec := changeset.RecordID{Type: "Ticket", UUID: uuid.New()}
	make := func(from uuid.UUID, values ...string) replica.Digests {
		fsys := afero.NewMemMapFs()
		r, err := replica.Init(t.Context(), fsys, id, replica.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, value := range values {
			if err := r.Update(t.Context(), func(tx *replica.Tx) error {
				_, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: from, Seq: uint32(i + 1)}, Created: "2026-02-02 02:02:02",
					Changes: []changeset.Change{{Record: rec, Kind: changeset.Update, Props: map[string]changeset.PropChange{"status": {New: changeset.Text(value)}}}}})
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		return digestOf(t, fsys, fmt.Sprint(values))
	}
	one := make(uuid.New(), "open")
	if other := make(uuid.New(), "closed", "new", "open"); other != one {
		t.Errorf("two replicas show the same: %s and %s", one, other)
	}
	if other := make(uuid.New(), "opem"); other.State == one.State || other.Votes != one.Votes || other.Settings != one.Settings {
		t.Errorf("the state differs in one byte: %s and %s", one, other)
	}
}

func TestTheDigestOfReplicasOfTheOriginal(t *testing.T) {
	for _, scenario := range fixture.Names() {
		root := afero.NewMemMapFs()
		fixture.Unpack(t, root, "", scenario)
		for _, name := range fixture.Replicas(scenario) {
			fsys, when := afero.NewBasePathFs(root, name), scenario+"/"+name
			if fixture.IsExport(name) {
				continue
			}
			before := digestOf(t, fsys, when)
			if ok, _ := afero.DirExists(root, name+"-export"); ok { // its decisions have no records; they are replayed
				if copied := readDigest(t, afero.NewBasePathFs(root, name+"-export")); copied != before {
					t.Errorf("%s: %s, its exported copy has %s", when, before, copied)
				}
			}
			r := replicatest.Open(t, fsys, replica.Options{Creator: "ann@example.com"})
			var rec changeset.RecordID
			for _, f := range []func(e *replica.Edit) error{
				func(e *replica.Edit) (err error) { rec, err = e.Create("Ticket", nil); return err },
				func(e *replica.Edit) error { return e.Delete(rec) },
			} {
				if _, err := r.Edit(t.Context(), f); err != nil {
					t.Fatal(err)
				}
				digestOf(t, fsys, when+" after an edit")
				if !digestNoted(t, fsys) {
					t.Errorf("%s: an edit did not note it", when)
				}
			}
			if after := digestOf(t, fsys, when+" after both edits"); after.State != before.State {
				t.Errorf("%s: %s; after a record came and went %s", when, before, after)
			}
			sound(t, fsys)
		}
	}
}

func readDigest(t *testing.T, fsys afero.Fs) replica.Digests {
	t.Helper()
	r := replicatest.Open(t, fsys, replica.Options{})
	d, err := r.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDigestCountsWhatTheOriginalAddsToOurReplica(t *testing.T) {
	r, fsys, recs := twoTickets(t)
	before := digestOf(t, fsys, "at first")
	props, _, err := r.Log().Props(recs[0])
	if err != nil {
		t.Fatal(err)
	}
	props["x"] = "3"
	asTheOriginal(t, fsys, &changeset.Changeset{ID: changeset.ID{Origin: r.UUID(), Seq: 3}, Created: "2026-02-02 02:02:02",
		Changes: []changeset.Change{{Record: recs[0], Kind: changeset.Update,
			Props: map[string]changeset.PropChange{"x": {Old: changeset.Text("1"), New: changeset.Text("3")}}}}}, props)
	if digestNoted(t, fsys) || digestOf(t, fsys, "after the original wrote").State == before.State {
		t.Error("what the original wrote is not seen")
	}
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(recs[1], map[string]string{"x": "4"}) })
	if digestOf(t, fsys, "after the next edit"); !digestNoted(t, fsys) {
		t.Error("the next edit did not note it")
	}
	sound(t, fsys)
}

func TestAReaderFindsTheDigestOfWhatItSees(t *testing.T) {
	r, fsys, _ := twoTickets(t)
	reader := replicatest.Open(t, fsys, replica.Options{})
	want := replicatest.Digest(t, reader)
	grow(t, r, 1)
	grow(t, r, 1)
	if got, err := reader.Digest(t.Context()); err != nil || got != want {
		t.Errorf("after others wrote, a reader has %s (%v), at first %s", got, err, want)
	}
	if entry, err := reader.Log().DigestEntry(); err != nil || entry == nil {
		t.Errorf("it has to read the records for that: %v", err)
	}
}

func TestADamagedDigestDoesNotLiveOn(t *testing.T) {
	for at := range 72 {
		r, fsys, recs := twoTickets(t)
		change(t, fsys, replica.DigestsFile, func(b []byte) []byte { b[72+at] ^= 1; return b })
		if found := problems(t, fsys); !strings.HasPrefix(found, "prophet/digests: entry 2 does not have the checksum that it bears; a repair makes it again\n") {
			t.Errorf("byte %d: fsck says %q", at, found)
		}
		digestOf(t, fsys, "damaged")
		replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Delete(recs[0]) })
		if digestOf(t, fsys, "after the next edit"); !digestNoted(t, fsys) {
			t.Error("the next edit did not note it")
		}
		sound(t, fsys)
	}
}

func TestFsckComparesTheDigestWithTheRecords(t *testing.T) {
	_, fsys, _ := twoTickets(t)
	_, other, _ := twoTickets(t)
	foreign, err := afero.ReadFile(other, replica.DigestsFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		damage func(b []byte) []byte
		want   string
	}{
		{func([]byte) []byte { return foreign }, "prophet/digests: the entry of row 2 says state "},
		{func(b []byte) []byte { return b[:72] }, "prophet/digests: its last entry is of row 1, the log has 2; the next edit catches up (harmless)\n"},
		{func(b []byte) []byte { return append(b[72:], b[:72]...) }, "prophet/digests: entry 2 is of row 1, one before it of row 2; a repair makes it again"},
		{add("xyz"), "prophet/digests: 3 bytes at its end are no rows of it"},
	} {
		was, err := afero.ReadFile(fsys, replica.DigestsFile)
		if err != nil {
			t.Fatal(err)
		}
		change(t, fsys, replica.DigestsFile, tt.damage)
		if found := problems(t, fsys); !strings.HasPrefix(found, tt.want) {
			t.Errorf("fsck says %q, want %q", found, tt.want)
		}
		change(t, fsys, replica.DigestsFile, func([]byte) []byte { return was })
	}
	if err := fsys.Remove(replica.DigestsFile); err != nil {
		t.Fatal(err)
	}
	replicatest.Sound(t, fsys, "at last") // without the file it is made again
}

func TestADamagedRecordDoesNotKeepAnEditFromBeingMade(t *testing.T) {
	replicatest.WithLooseEdits(t)
	r, fsys, recs := twoTickets(t)
	v, _, err := r.Log().Present(recs[0])
	if err != nil {
		t.Fatal(err)
	}
	change(t, fsys, changeset.ObjectPath(changeset.RecordObjects, v.Key), func([]byte) []byte { return []byte("{}") })
	if err := fsys.Remove(replica.DigestsFile); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Update(recs[1], map[string]string{"x": "9"}) }); err != nil {
		t.Error(err)
	}
	if _, err := fsys.Stat(replica.DigestsFile); err == nil {
		t.Error("a digest was noted that cannot be known")
	}
}

func TestTheDigestIsRightAfterACrashAtEveryOperation(t *testing.T) {
	start := crashfs.New()
	r := replicatest.Init(t, start, replica.Options{})
	grow(t, r, 2)
	rec := allRecords(t, r)[0]
	work := func(fsys afero.Fs) error {
		r, err := replica.Open(fsys, replica.Options{})
		if err != nil {
			return err
		}
		for range 2 { // the second one finds what the first one left
			if _, err = r.Edit(t.Context(), func(e *replica.Edit) error {
				if _, exists, err := e.Props(rec); err != nil || !exists {
					return err
				}
				if _, err := e.Create("Note", map[string]string{"text": "one more"}); err != nil {
					return err
				}
				return e.Delete(rec)
			}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, mode := range []crashfs.Mode{crashfs.PowerCut, crashfs.Kill} {
		for k := 1; ; k++ {
			disk := start.Survivor(crashfs.Kill, 0)
			disk.CrashAt(k)
			_ = work(disk)
			if !disk.Failed() {
				break
			}
			when, left := fmt.Sprintf("%s at operation %d", mode, k), disk.Survivor(mode, int64(k))
			digestOf(t, left, when)
			if err := work(left); err != nil {
				t.Errorf("%s: the next edit: %v", when, err)
			}
			if digestOf(t, left, when+", after the next edit"); !digestNoted(t, left) {
				t.Errorf("%s: the next edit did not note it", when)
			}
			sound(t, left)
		}
	}
}

func TestTheDigestCostsTheSameAtAnySize(t *testing.T) {
	ops := map[int]int{}
	for _, size := range []int{100, 10_000} {
		disk := crashfs.New()
		r := replicatest.Init(t, disk, replica.Options{})
		grow(t, r, size)
		for range size / 50 { // a transaction each, so an entry each
			grow(t, r, 1)
		}
		disk.Record()
		grow(t, r, 1)
		for _, op := range disk.Ops() {
			if strings.HasSuffix(op.Name, replica.DigestsFile) {
				ops[size]++
			}
		}
	}
	if ops[100] == 0 || ops[100] > 10 || ops[10_000] != ops[100] {
		t.Errorf("a create does so many operations on the file of digests, by the size of the replica: %v", ops)
	}
	t.Log(ops)
}
