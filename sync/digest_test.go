package sync_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// digestOf returns the digests of a replica, which must be those of its records.
func digestOf(t *testing.T, r *replica.Replica, when string) replica.Digests {
	t.Helper()
	got, err := r.Digest(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if want := replicatest.Digest(t, r); got != want {
		t.Errorf("%s: the digest is %s, that of the records is %s", when, got, want)
	}
	return got
}

// trio returns three replicas of one database.
func trio(t *testing.T) []*replica.Replica {
	t.Helper()
	first := replicatest.Init(t, crashfs.New(), replica.Options{Where: "ann"})
	return []*replica.Replica{first, cloneOf(t, first, "bob"), cloneOf(t, first, "carol")}
}

// clash creates, changes, deletes or brings back one of few records, so that replicas that do so apart have conflicts, and decides some.
func clash(e *replica.Edit, rng *rand.Rand) error {
	rec := changeset.RecordID{Type: "Ticket", UUID: uuid.NewSHA1(uuid.Nil, []byte{byte(rng.IntN(3))})}
	_, exists, err := e.Props(rec)
	props := map[string]string{[]string{"a", "b"}[rng.IntN(2)]: fmt.Sprint(rng.IntN(4))}
	switch {
	case err != nil:
		return err
	case !exists:
		return e.Restore(rec, props)
	case rng.IntN(5) == 0:
		return e.Delete(rec)
	}
	return e.Update(rec, props)
}

func TestDigestsAreEqualWhereReplicasAre(t *testing.T) {
	psync.SmallBatches(t, 3, 2000)
	voted := false
	for seed := uint64(0); seed < 8; seed += uint64(race.Every(2)) {
		rng, all := rand.New(rand.NewPCG(seed, 10)), trio(t)
		for n := range 60 {
			i, j := rng.IntN(3), rng.IntN(3)
			if i != j && rng.IntN(3) == 0 {
				pull(t, all[i], reopen(t, all[j].FS(), "another process"))
			} else {
				replicatest.Edit(t, all[i], func(e *replica.Edit) error { return clash(e, rng) })
			}
			digestOf(t, all[i], fmt.Sprintf("seed %d, step %d", seed, n))
		}
		replicatest.Meet(t, all...)
		want := digestOf(t, all[0], "the first")
		voted = voted || want.Votes != replica.Digest{}
		for i, r := range all {
			digestOf(t, r, "when all have met")
			if entry, err := r.Log().DigestEntry(); err != nil || entry == nil {
				t.Errorf("seed %d: replica %d has not noted it: %v", seed, i, err)
			}
		}
	}
	if !voted {
		t.Error("nobody decided anything")
	}
}

func TestAMirrorOnTheWebTellsItsDigest(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	for _, opts := range []psync.PublishOptions{{}, {Flat: true}} {
		dest := crashfs.New()
		w.publish(dest, opts)
		srv := webtest.Static(t, dest)
		mirror := openLocation(t, srv.URL)
		srv.Reset()
		got, err := mirror.Digest(t.Context())
		if want := digestOf(t, w.ann, "here"); err != nil || got != want {
			t.Errorf("the mirror has %s (%v), the replica %s", got, err, want)
		}
		if srv.Requests() > 2 {
			t.Errorf("it took %v", srv.Log())
		}
	}
}

func TestAMirrorThatIsBehindItsDigestSaysSo(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	dest := crashfs.New()
	w.publish(dest, psync.PublishOptions{Flat: true, NoPacks: true})
	old := filesOf(t, dest)
	w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
	w.publish(dest, psync.PublishOptions{Flat: true, NoPacks: true})
	w.write(dest, "latest-sequence-no", old["latest-sequence-no"]) // as in the middle of the publication
	srv := webtest.Static(t, dest)
	if got, err := openLocation(t, srv.URL).Digest(t.Context()); !errors.Is(err, replica.ErrNoDigest) {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestPublishDoesNotReadAllForADigest(t *testing.T) {
	root := crashfs.New()
	fixture.Unpack(t, root, "", "three-laptops")
	alice := replicatest.Open(t, afero.NewBasePathFs(root, "alice"), replica.Options{})
	dest := crashfs.New()
	if _, err := psync.Publish(t.Context(), alice, dest, psync.PublishOptions{Flat: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := dest.Stat(replica.DigestsFile); err == nil {
		t.Error("the mirror has a digest that nobody had noted")
	}
	mirror := openLocation(t, webtest.Static(t, dest).URL)
	if got, err := mirror.Digest(t.Context()); !errors.Is(err, replica.ErrNoDigest) {
		t.Errorf("got %s, %v", got, err)
	}
	nearby, err := openAt(dest, ".")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := nearby.Digest(t.Context()); err != nil || got != digestOf(t, alice, "alice") {
		t.Errorf("the directory of the mirror has %s (%v)", got, err)
	}
	replicatest.Edit(t, alice, func(e *replica.Edit) error {
		_, err := e.Create("Ticket", map[string]string{"status": "new"})
		return err
	})
	if _, err := psync.Publish(t.Context(), alice, dest, psync.PublishOptions{Flat: true}); err != nil {
		t.Fatal(err)
	}
	mirror = openLocation(t, webtest.Static(t, dest).URL)
	if got, err := mirror.Digest(t.Context()); err != nil || got != digestOf(t, alice, "alice after an edit") {
		t.Errorf("the mirror has %s (%v) after an edit", got, err)
	}
}

func TestFsckComparesTheDigestOfAMirrorWithItsRecords(t *testing.T) {
	r := trio(t)[0]
	rng := rand.New(rand.NewPCG(1, 10))
	edit := func(f func(e *replica.Edit) error) {
		if _, err := r.Edit(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		edit(func(e *replica.Edit) error { return clash(e, rng) })
	}
	before := digestOf(t, r, "before the last edit")
	edit(func(e *replica.Edit) error {
		_, err := e.Create("Ticket", nil)
		return err
	})
	mirror := crashfs.New()
	if _, err := psync.Publish(t.Context(), r, mirror, psync.PublishOptions{Flat: true}); err != nil {
		t.Fatal(err)
	}
	sound(t, mirror, "the mirror")

	entry, err := afero.ReadFile(mirror, replica.DigestsFile)
	if err != nil {
		t.Fatal(err)
	}
	copy(entry[8:], before.State[:])
	binary.BigEndian.PutUint32(entry[4:], crc32.Checksum(slices.Concat(entry[:4], entry[8:]), crc32.MakeTable(crc32.Castagnoli)))
	if err := afero.WriteFile(mirror, replica.DigestsFile, entry, 0o666); err != nil {
		t.Fatal(err)
	}
	var found []string
	if err := replica.Check(t.Context(), mirror, replica.Options{}, func(p replica.Problem) { found = append(found, p.Path+": "+p.Text) }, nil); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%s: the entry of row %d says state %s", replica.DigestsFile, r.Latest(), before.State.Short())
	if len(found) != 1 || !strings.HasPrefix(found[0], want) {
		t.Errorf("fsck of a mirror with a false digest says %q, want %q", found, want)
	}
}
