package replica_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// listing returns the records that All yields, in its order, and their properties.
func listing(t *testing.T, r *replica.Replica, typ string) (order []changeset.RecordID, props map[changeset.RecordID]map[string]string) {
	t.Helper()
	props = map[changeset.RecordID]map[string]string{}
	for rec, err := range r.All(typ) {
		if err != nil {
			t.Fatal(err)
		}
		order, props[rec.ID] = append(order, rec.ID), rec.Props
	}
	if len(order) != len(props) {
		t.Errorf("%d records are listed as %d", len(props), len(order))
	}
	return order, props
}

// wantAlike has all records be listed with what each has that is read alone.
func wantAlike(t *testing.T, fsys afero.Fs) (living int) {
	t.Helper()
	r := replicatest.Open(t, fsys, replica.Options{})
	for _, typ := range []string{"", "Note", "Ticket", "Unknown"} {
		order, props := listing(t, r, typ)
		for i, id := range order {
			if typ != "" && id.Type != typ || i > 0 && order[i-1].Type == id.Type && order[i-1].Compare(id) >= 0 {
				t.Errorf("%s comes as number %d of type %q", id, i, typ)
			}
		}
		for _, id := range allRecords(t, r) {
			rec, err := r.Record(id)
			if err != nil {
				t.Fatal(err)
			}
			got, is := props[id]
			if typ != "" && id.Type != typ {
				continue
			}
			if is == rec.Deleted || !maps.Equal(got, rec.Props) {
				t.Errorf("%s is listed (%t) with %v, it has %v", id, is, got, rec.Props)
			}
			if is && typ == "" {
				living++
			}
		}
		for d, err := range r.Log().DigestRecords(t.Context(), typ) {
			if err != nil || d.Digest != replica.RecordDigest(d.ID, props[d.ID]) {
				t.Errorf("%s adds %v to the digest, %v; it has %v", d.ID, d.Digest, err, props[d.ID])
			}
			delete(props, d.ID)
		}
		if typ != "" && len(props) > 0 {
			t.Errorf("the digest of %s lacks %d records", typ, len(props))
		}
	}
	return living
}

// TestRecordsOfPartsAreListedAsEachIs has records in one part and in several, in parts and loose, deleted and brought back, and reads some, many or none of them together.
func TestRecordsOfPartsAreListedAsEachIs(t *testing.T) {
	replicatest.WithParts(t)
	parts.PackAll = ""
	for seed := range uint64(race.Part(2)) {
		fsys := directory(t)
		works(t, replicatest.Init(t, fsys, counted(5)), 60, seed)
		for _, few := range []struct{ records, bytes int }{{16384, 32 << 20}, {7, 32 << 20}, {1, 1}, {16384, 4000}} {
			replica.FewTogether(t, few.records, few.bytes)
			if n := wantAlike(t, fsys); n < 20 {
				t.Errorf("%d records live", n)
			}
			if err := replicatest.CheckHaving(replicatest.Open(t, fsys, replica.Options{}), 10); err != nil {
				t.Error(err)
			}
		}
	}
}

// What a part has of many records is not read once for each of them.
func TestAListOfPackedRecordsReadsFewPages(t *testing.T) {
	replicatest.WithParts(t)
	fsys := replicatest.Count(crashfs.New())
	grow(t, replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"}), 4000)
	r := replicatest.Open(t, fsys, replica.Options{})
	fsys.Reset()
	order, _ := listing(t, r, "Ticket")
	if n := fsys.Counts(); len(order) != 4000 || n.Ops() > 1500 {
		t.Errorf("a list of %d records takes %s", len(order), n)
	}
	r = replicatest.Open(t, fsys, replica.Options{})
	fsys.Reset()
	digests, err := r.Log().DigestTypes(t.Context())
	if n := fsys.Counts(); err != nil || len(digests) != 1 || digests[0].Records != 4000 || n.Ops() > 1500 {
		t.Errorf("the digests of types are %v, %v; they take %s", digests, err, n)
	}
}

// Who asks for a value has those records read that once had it, and the packs looked through in few pieces.
func TestFewRecordsAreReadForOneValue(t *testing.T) {
	replicatest.WithParts(t)
	fsys := replicatest.Count(crashfs.New())
	grow(t, replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"}), 4000)
	var sought changeset.RecordID
	odd := "\"sought\" is \\ in \x01 words\n"
	for _, value := range []string{"sought", "another"} { // the latter is on the way
		replicatest.Edit(t, replicatest.Open(t, fsys, replica.Options{}), func(e *replica.Edit) (err error) {
			_, err = e.Create("Ticket", map[string]string{"summary": value, "note": odd})
			if value == "sought" {
				sought, err = e.Create("Ticket", map[string]string{"summary": "once else", "status": value})
			}
			return err
		})
	}
	tests := map[replica.Having]int{
		{Property: "status", Value: "sought"}: 1, {Property: "summary", Value: "sought"}: 1, {Property: "summary", Value: "ough"}: 0,
		{Property: "note", Value: odd}: 2, {Property: "summary"}: 4003, {}: 4003,
	}
	for value, want := range tests {
		r := replicatest.Open(t, fsys, replica.Options{})
		fsys.Reset()
		found := 0
		for rec, err := range r.AllHaving("Ticket", value) {
			if err != nil {
				t.Fatal(err)
			}
			if found++; value.Property == "status" && rec.ID != sought {
				t.Errorf("%v is found for %v", rec.ID, value)
			}
		}
		if n := fsys.Counts(); found != want || want < 10 && n.Ops() > 200 {
			t.Errorf("%d records are found for %v, want %d; it takes %s", found, value, want, n)
		}
	}
}

// What is damaged is named by the list as by who reads the record alone.
func TestAListNamesADamagedPart(t *testing.T) {
	replicatest.WithParts(t)
	for _, ext := range []string{parts.PackExt, parts.TableExt} {
		fsys := directory(t)
		grow(t, replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"}), 300)
		damagePart(t, fsys, ext)
		var failed error
		for _, err := range replicatest.Open(t, fsys, replica.Options{}).All("Ticket") {
			if err != nil {
				failed = err
			}
		}
		if failed == nil {
			t.Errorf("a list of a damaged %s has no error", ext)
		}
		t.Log(failed)
	}
}

// damagePart changes a byte in the middle of the last file with that extension.
func damagePart(t *testing.T, fsys afero.Fs, ext string) {
	t.Helper()
	names, err := afero.Glob(fsys, "prophet/parts/*"+ext)
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	b, err := afero.ReadFile(fsys, names[len(names)-1])
	if err == nil {
		b[len(b)/2]++
		err = afero.WriteFile(fsys, names[len(names)-1], b, 0o666)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("damage %s: %w", names[len(names)-1], err))
	}
}
