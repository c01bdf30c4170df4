package replica_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// counted are options under which two replicas give the same UUIDs and times.
func counted(packFrom int) replica.Options {
	n, now := 0, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return replica.Options{Where: "here", Creator: "ann@example.com", PackFrom: packFrom,
		NewUUID: func() uuid.UUID { n++; return uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)) },
		Now:     func() time.Time { now = now.Add(time.Second); return now }}
}

// works makes transactions of one to ten edits, which create, update, empty, delete and bring back records.
func works(t *testing.T, r *replica.Replica, transactions int, seed uint64) {
	t.Helper()
	draw := rand.New(rand.NewPCG(seed, 1))
	recs := allRecords(t, r)
	for range transactions {
		edits := 1 + draw.IntN(10)
		err := r.Update(context.Background(), func(tx *replica.Tx) error {
			for range edits {
				if _, err := tx.Edit(func(e *replica.Edit) error { return edit(e, draw, &recs) }); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// edit makes one of these edits.
func edit(e *replica.Edit, draw *rand.Rand, recs *[]changeset.RecordID) error {
	props := map[string]string{"status": fmt.Sprint("is ", draw.IntN(5)), "note": strings.Repeat("x", draw.IntN(20))}
	if len(*recs) == 0 || draw.IntN(3) == 0 {
		rec, err := e.Create([]string{"Ticket", "Note"}[draw.IntN(2)], props)
		*recs = append(*recs, rec)
		return err
	}
	rec := (*recs)[draw.IntN(len(*recs))]
	_, lives, err := e.Props(rec)
	switch {
	case err != nil:
		return err
	case !lives:
		return e.Restore(rec, props)
	case draw.IntN(5) == 0:
		return e.Delete(rec)
	}
	return e.Update(rec, props)
}

// dumped is all that a replica holds.
func dumped(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	var b bytes.Buffer
	if err := replicatest.Open(t, fsys, replica.Options{}).Dump(&b, replica.DumpOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// allVersions are the bytes of all versions of all records.
func allVersions(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	var b strings.Builder
	l := replicatest.Open(t, fsys, replica.Options{}).Log()
	for _, rec := range allRecords(t, replicatest.Open(t, fsys, replica.Options{})) {
		versions, err := l.Versions(rec)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range versions {
			text := []byte("deleted")
			if !v.Deleted() {
				if text, err = l.RawRecord(rec, v); err != nil || sha1.Sum(text) != v.Key {
					t.Fatalf("%s as of row %d: %q, %v", rec, v.Seq, text, err)
				}
			}
			fmt.Fprintf(&b, "%s %d %x %s\n", rec, v.Seq, v.Key, text)
		}
	}
	return b.String()
}

// TestPartsHoldWhatLooseFilesHold has the same edits made in a replica of either format, where in that with parts small transactions stay loose: so parts
// and loose files take turns in the history of each record.
func TestPartsHoldWhatLooseFilesHold(t *testing.T) {
	for seed := uint64(0); seed < 6; seed += uint64(race.Every(2)) {
		loose, packed := directory(t), directory(t)
		replicatest.OnFormat1(t)
		works(t, replicatest.Init(t, loose, counted(0)), 40, seed)
		replicatest.OnFormat2(t)
		works(t, replicatest.Init(t, packed, counted(5)), 40, seed)
		list := partsOf(t, packed, "")
		if len(list) < 5 || len(list) == 40 {
			t.Errorf("seed %d: %d parts", seed, len(list))
		}
		if dumped(t, packed) != dumped(t, loose) {
			t.Errorf("seed %d: the dumps differ", seed)
		}
		if got, want := allVersions(t, packed), allVersions(t, loose); got != want {
			t.Errorf("seed %d: the versions differ:\n%s\nwant\n%s", seed, got, want)
		}
		if found := problems(t, packed); found != "" {
			t.Errorf("seed %d: fsck says\n%s", seed, found)
		}
	}
}

// partsOf reads the list of a log.
func partsOf(t *testing.T, fsys afero.Fs, prefix string) parts.List {
	t.Helper()
	b, err := afero.ReadFile(fsys, prefix+parts.ListFile)
	if err != nil {
		t.Fatal(err)
	}
	list, err := parts.ParseList(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAPartIsWrittenFromSoManyChangesetsOn(t *testing.T) {
	replicatest.OnFormat2(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(0))
	grow(t, r, 63)
	if list := partsOf(t, fsys, ""); len(list) > 0 {
		t.Error("63 changesets are in a part")
	}
	grow(t, r, 64)
	if list := partsOf(t, fsys, ""); len(list) != 1 || list[0].First != 64 || list[0].Last != 127 {
		t.Errorf("parts %v", list)
	}
	if files, err := afero.ReadDir(fsys, "prophet/parts"); err != nil || len(files) != 3 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

func TestFormat2IsRefusedByNobodyButOlderVersions(t *testing.T) {
	replicatest.WithParts(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(0))
	for _, name := range []string{"replica-version", "resolutions/replica-version"} {
		if b, err := afero.ReadFile(fsys, name); string(b) != "2" || err != nil {
			t.Errorf("%s holds %q, %v", name, b, err)
		}
	}
	if r.Format() != replica.FormatParts {
		t.Errorf("its format is %q", r.Format())
	}
	afero.WriteFile(fsys, "replica-version", []byte("1"), 0o666)
	r = replicatest.Open(t, fsys, replica.Options{})
	_, err := r.Edit(t.Context(), func(e *replica.Edit) error {
		_, err := e.Create("Ticket", map[string]string{"a": "b"})
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "replica-version is damaged: it holds 1, prophet/identity says 2") {
		t.Errorf("an edit of a replica whose format was changed: %v", err)
	}
}

// TestACommitOfAPartIsMadeOrNot cuts the power, or kills, at each operation of a transaction that writes a part, and of the next one.
func TestACommitOfAPartIsMadeOrNot(t *testing.T) {
	replicatest.WithParts(t)
	start := crashfs.New()
	works(t, replicatest.Init(t, start, counted(0)), 3, 1)
	before := dumped(t, start)
	crashes := 0
	for _, mode := range []crashfs.Mode{crashfs.PowerCut, crashfs.Kill} {
		for k := 1; ; k++ {
			fsys := start.Survivor(crashfs.Kill, 0)
			fsys.CrashAt(k)
			err := more(replicatest.Open(t, fsys, counted(0)))
			survivor := fsys.Survivor(mode, int64(k))
			now := dumped(t, survivor)
			switch {
			case err == nil && now == before:
				t.Errorf("%s at %d: what was done is gone", mode, k)
			case err != nil && now != before && !strings.Contains(now, "crash at last"):
				t.Errorf("%s at %d: it is neither as before nor as after", mode, k)
			}
			if err := more(replicatest.Open(t, survivor, counted(0))); err != nil {
				t.Errorf("%s at %d: the next edit: %v", mode, k, err)
			}
			if found := problems(t, survivor); strings.Contains(strings.ReplaceAll(found, "(harmless)\n", ""), "\n") {
				t.Errorf("%s at %d: fsck says\n%s", mode, k, found)
			}
			if err == nil {
				break
			}
			crashes++
		}
	}
	if crashes < 20 {
		t.Errorf("%d crashes", crashes)
	}
}

// more makes an edit in a part of its own.
func more(r *replica.Replica) error {
	_, err := r.Edit(context.Background(), func(e *replica.Edit) error {
		_, err := e.Create("Ticket", map[string]string{"summary": "crash at last"})
		return err
	})
	return err
}

// TestWhatPartsHaveOfALogThatWasTurnedBackIsKept puts a backup of the log back, but not of its parts. An edit is refused, which would give the numbers again of what these have; a repair takes that up.
func TestWhatPartsHaveOfALogThatWasTurnedBackIsKept(t *testing.T) {
	replicatest.WithParts(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(0))
	grow(t, r, 100)
	was := dumped(t, fsys)
	kept := map[string][]byte{}
	for _, name := range []string{"latest-sequence-no", "changesets.idx", "prophet/rows", "prophet/ids", "prophet/digests", "prophet/conflicts"} {
		if b, err := afero.ReadFile(fsys, name); err == nil {
			kept[name] = b
		}
	}
	works(t, r, 5, 3)
	want := dumped(t, fsys)
	for name, b := range kept {
		if err := afero.WriteFile(fsys, name, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if dumped(t, fsys) != was {
		t.Error("it does not show what the backup had")
	}
	before := files(t, fsys)
	if err := more(replicatest.Open(t, fsys, counted(0))); !errors.Is(err, replica.ErrUncounted) || !strings.Contains(err.Error(), "--repair") {
		t.Errorf("an edit comes to %v", err)
	}
	if after := files(t, fsys); after != before {
		t.Errorf("the edit changed\n%s", otherLines(before, after))
	}
	if did := repaired(t, fsys); dumped(t, fsys) != want {
		t.Errorf("a repair does not bring back what parts have: %s", did)
	}
	sound(t, fsys)
	works(t, replicatest.Open(t, fsys, counted(0)), 1, 7)
	allVersions(t, fsys)
}

// TestDamageOfAPartIsTold damages each file of a part: whoever needs it says which, and nothing is shown that was not there.
func TestDamageOfAPartIsTold(t *testing.T) {
	replicatest.WithParts(t)
	whole := directory(t).(*crashfs.FS)
	works(t, replicatest.Init(t, whole, counted(0)), 3, 1)
	ref := partsOf(t, whole, "")[0]
	for _, name := range []string{ref.PackFile(), ref.TableFile(), parts.ListFile} {
		for what, damage := range map[string]func(fsys afero.Fs) error{
			"missing": func(fsys afero.Fs) error { return fsys.Remove(name) },
			"emptied": func(fsys afero.Fs) error { return afero.WriteFile(fsys, name, nil, 0o666) },
			"flipped": func(fsys afero.Fs) error {
				b, err := afero.ReadFile(fsys, name)
				b[40] ^= 4
				return errors.Join(err, afero.WriteFile(fsys, name, b, 0o666))
			},
		} {
			fsys := whole.Survivor(crashfs.Kill, 0)
			if err := damage(fsys); err != nil {
				t.Fatal(err)
			}
			found := problems(t, fsys)
			if !strings.Contains(found, name) {
				t.Errorf("%s %s: fsck says\n%s", name, what, found)
			}
		}
	}
}

// TestAPartKeepsEveryEighthVersion makes sure that no version takes many changes to make, however long the history of its record is.
func TestAPartKeepsEveryEighthVersion(t *testing.T) {
	replicatest.WithParts(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(0))
	rec := create(t, r)
	err := r.Update(t.Context(), func(tx *replica.Tx) error {
		for i := range 40 {
			if _, err := tx.Edit(func(e *replica.Edit) error { return e.Update(rec, map[string]string{"n": fmt.Sprint(i)}) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	touches, err := parts.Open(fsys, "", partsOf(t, fsys, "")[1], &parts.Cache{}).Touches(rec)
	if err != nil || touches.Len() != 40 {
		t.Fatalf("%d versions, %v", touches.Len(), err)
	}
	for i := range 40 {
		if _, kept, err := touches.At(i); err != nil || kept != (i%8 == 0) {
			t.Errorf("version %d: kept %t, %v", i, kept, err)
		}
	}
	allVersions(t, fsys)
}

// create makes a record.
func create(t *testing.T, r *replica.Replica) (rec changeset.RecordID) {
	t.Helper()
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"n": "first"})
		return err
	})
	return rec
}

// TestAVersionThatIsTooLargeToKeepIsMadeFromWhatIsBeforeItsPart has two records of which a part has room for the text of one.
func TestAVersionThatIsTooLargeToKeepIsMadeFromWhatIsBeforeItsPart(t *testing.T) {
	replicatest.WithParts(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(0))
	one, two := create(t, r), create(t, r)
	for _, props := range []map[string]string{{"large": strings.Repeat("y", 700_000)}, {"n": "last"}} {
		replicatest.Edit(t, r, func(e *replica.Edit) error { return errors.Join(e.Update(one, props), e.Update(two, props)) })
	}
	kept := 0
	p := parts.Open(fsys, "", partsOf(t, fsys, "")[3], &parts.Cache{})
	for _, rec := range []changeset.RecordID{one, two} {
		touches, err := p.Touches(rec)
		if err != nil || touches.Len() != 1 {
			t.Fatalf("%d versions, %v", touches.Len(), err)
		}
		if _, is, _ := touches.At(0); is {
			kept++
		}
		props, ok, err := replicatest.Open(t, fsys, replica.Options{}).Log().Props(rec)
		if err != nil || !ok || props["n"] != "last" || len(props["large"]) != 700_000 {
			t.Errorf("%s shows n %q and %d bytes, %t, %v", rec, props["n"], len(props["large"]), ok, err)
		}
	}
	if kept != 1 {
		t.Errorf("%d texts are kept", kept)
	}
	allVersions(t, fsys)
}

// TestAPartIsThereBeforeTheListAndTheListBeforeTheNumber holds the order in which a commit puts its files in place.
func TestAPartIsThereBeforeTheListAndTheListBeforeTheNumber(t *testing.T) {
	replicatest.WithParts(t)
	fsys := crashfs.New()
	r := replicatest.Init(t, fsys, counted(0))
	fsys.Record()
	if err := more(r); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, op := range fsys.Ops() {
		text := op.String()
		for _, what := range []string{parts.PackExt, parts.TableExt, "prophet/journal", "changesets.idx", parts.ListFile, "latest-sequence-no"} {
			if strings.HasPrefix(text, "rename ") && strings.HasSuffix(text, what) || strings.HasPrefix(text, "write ") && strings.Contains(text, what) && !strings.Contains(text, ".tmp") {
				order = append(order, what)
			}
		}
	}
	want := "prophet/journal .pack .table changesets.idx prophet/parts/list latest-sequence-no"
	if got := strings.Join(order, " "); !strings.HasPrefix(got, want) {
		t.Errorf("the order is %s, want %s", got, want)
		for _, op := range fsys.Ops() {
			t.Log(op)
		}
	}
}
