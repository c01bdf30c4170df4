package replica_test

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// records returns what a replica shows, by record.
func records(t *testing.T, r *replica.Replica) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for rec, err := range r.All("") {
		if err != nil {
			t.Fatal(err)
		}
		all[rec.ID.String()] = rec.Props
	}
	return all
}

// leftPart reports whether a problem is that of a part that a writer left who was cut off. The next gc removes it.
func leftPart(p replica.Problem) bool { return p.Harmless && strings.Contains(p.Text, unlistedPart) }

const unlistedPart = "no list names it: it is left of a writer that was cut off"

func sound(t *testing.T, fsys afero.Fs) {
	t.Helper()
	if err := replica.Check(t.Context(), fsys, replica.Options{}, func(p replica.Problem) {
		if !durable.IsTemp(p.Path) && !leftPart(p) { // those are of writers that a test killed
			t.Errorf("%s: %s", p.Path, p.Text)
		}
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestTheFirstEditOfAReplicaOfTheOriginalKeepsWhatItShows(t *testing.T) {
	for _, scenario := range fixture.Names() {
		root := afero.NewMemMapFs()
		fixture.Unpack(t, root, "", scenario)
		for _, name := range fixture.Replicas(scenario) {
			if fixture.IsExport(name) {
				continue
			}
			fsys := afero.NewBasePathFs(root, name)
			r := replicatest.Open(t, fsys, replica.Options{Where: name})
			before := records(t, r)
			ids := oldIDs(t, fsys)
			var rec changeset.RecordID
			if _, err := r.Edit(t.Context(), func(e *replica.Edit) (err error) {
				rec, err = e.Create("Ticket", map[string]string{"summary": "the first of ours"})
				return err
			}); err != nil {
				t.Fatalf("%s/%s: %v", scenario, name, err)
			}
			after := records(t, r)
			if after[rec.String()]["summary"] != "the first of ours" {
				t.Errorf("%s/%s: the new record is %v", scenario, name, after[rec.String()])
			}
			delete(after, rec.String())
			if !maps.EqualFunc(before, after, maps.Equal[map[string]string, map[string]string]) {
				t.Errorf("%s/%s shows %v, before the edit %v", scenario, name, after, before)
			}
			now, err := r.LocalIDs()
			if err != nil {
				t.Fatal(err)
			}
			for u, id := range ids {
				if parsed, err := changeset.ParseUUID(u); err != nil || now[parsed] != id {
					t.Errorf("%s/%s: %s has the local id %d, the original gave it %d", scenario, name, u, now[parsed], id)
				}
			}
			sound(t, fsys)
		}
	}
}

// oldIDs reads the original's local ids as it writes them.
func oldIDs(t *testing.T, fsys afero.Fs) map[string]uint32 {
	b, err := afero.ReadFile(fsys, "userdata/local-id-cache")
	if err != nil {
		return nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	delete(raw, "_meta")
	ids := map[string]uint32{}
	for u, n := range raw {
		var id uint32
		if err := json.Unmarshal(n, &id); err != nil {
			t.Fatal(err)
		}
		ids[u] = id
	}
	return ids
}

func TestAnExportedCopyIsNotEdited(t *testing.T) {
	root := afero.NewMemMapFs()
	fixture.Unpack(t, root, "", "three-laptops")
	r := replicatest.Open(t, afero.NewBasePathFs(root, "bob-export"), replica.Options{Where: "bob-export"})
	_, err := r.Edit(t.Context(), func(e *replica.Edit) error {
		_, err := e.Create("Ticket", nil)
		return err
	})
	if !errors.Is(err, replica.ErrExported) {
		t.Errorf("the edit gave %v, want ErrExported", err)
	}
}

// asTheOriginal appends a changeset to a replica the way the original does, which knows nothing of our notes.
func asTheOriginal(t *testing.T, fsys afero.Fs, c *changeset.Changeset, props map[string]string) {
	t.Helper()
	write := func(name string, b []byte, add bool) {
		if add {
			old, err := afero.ReadFile(fsys, name)
			if err != nil && !errors.Is(err, afero.ErrFileNotFound) {
				t.Fatal(err)
			}
			b = append(old, b...)
		}
		if err := afero.WriteFile(fsys, name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, record := c.Encode(), changeset.EncodeRecord(props)
	write(changeset.ObjectPath(changeset.ChangesetObjects, cas.Sum(text)), text, false)
	write(changeset.ObjectPath(changeset.RecordObjects, cas.Sum(record)), record, false)
	write(changeset.IndexFile, changeset.AppendRow(nil, changeset.Row{Seq: c.ID.Seq, ID: c.ID, Key: cas.Sum(text)}), true)
	write(changeset.RecordPath(c.Changes[0].Record), changeset.AppendVersion(nil, changeset.Version{Seq: c.ID.Seq, Key: cas.Sum(record)}), true)
	write(changeset.LatestFile, []byte(json.Number(jsonNumber(c.ID.Seq)).String()), false)
	if own := readFile(t, fsys, changeset.ReplicaUUIDFile); own != c.ID.Origin.String() {
		write("local_metadata/last-changeset-from-"+c.ID.Origin.String(), []byte(jsonNumber(c.ID.Seq)), false)
	}
}

func jsonNumber(n uint32) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestRowsThatTheOriginalAddsToOurReplicaAreCaughtUpWith(t *testing.T) {
	fsys := afero.NewMemMapFs()
	r := replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"})
	var rec changeset.RecordID
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"status": "new"})
		return err
	})
	props, _, err := r.Log().Props(rec)
	if err != nil {
		t.Fatal(err)
	}
	props["status"] = "open"
	asTheOriginal(t, fsys, &changeset.Changeset{ID: changeset.ID{Origin: r.UUID(), Seq: 2}, Created: "2026-02-02 02:02:02",
		Changes: []changeset.Change{{Record: rec, Kind: changeset.Update,
			Props: map[string]changeset.PropChange{"status": {Old: changeset.Text("new"), New: changeset.Text("open")}}}}}, props)
	made := changeset.RecordID{Type: "Note", UUID: rec.UUID}
	made.UUID[0] ^= 0xff
	asTheOriginal(t, fsys, &changeset.Changeset{ID: changeset.ID{Origin: r.UUID(), Seq: 3}, Created: "2026-02-02 02:02:03",
		Changes: []changeset.Change{{Record: made, Kind: changeset.Create,
			Props: map[string]changeset.PropChange{"text": {New: changeset.Text("by the original")}}}}}, map[string]string{"text": "by the original"})

	again := replicatest.Open(t, afero.NewReadOnlyFs(fsys), replica.Options{})
	if found, err := again.Find("2"); err != nil || found != made {
		t.Errorf("a reader finds %v as record 2 (%v), want %v", found, err, made)
	}
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		return e.Update(rec, map[string]string{"status": "closed"})
	})
	if got, _, err := r.Log().Props(rec); err != nil || got["status"] != "closed" {
		t.Errorf("after the next edit the record is %v (%v)", got, err)
	}
	if r.Latest() != 4 {
		t.Errorf("the log has %d rows, want 4: an edit that follows another needs no bookkeeping", r.Latest())
	}
	sound(t, fsys)
}
