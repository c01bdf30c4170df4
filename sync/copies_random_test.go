package sync_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/replica"
	psync "prophet/sync"
)

var copyHistories = flag.Int("copies", race.Part(10), "how many random histories with copies and restores are played")

// town is some replicas that are copied, restored from backups and edited at random. It keeps account of who has seen what, by the values that were
// written, each of which is written once.
type town struct {
	t     *testing.T
	rng   *rand.Rand
	clock time.Time
	homes []*home
	edits []write
	story []string
	moved int // changesets
	twice int // writes found to have two names
}

// home is a directory with a replica, and what was seen there.
type home struct {
	r      *replica.Replica
	seen   map[int]bool // edits
	backup *home
}

// write is an edit, and which ones its maker had seen.
type write struct {
	rec   changeset.RecordID
	prop  string
	value string
	seen  map[int]bool
}

func newTown(t *testing.T, seed uint64) *town {
	w := &town{t: t, rng: rand.New(rand.NewPCG(seed, 11)), clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.say("seed %d", seed)
	first, err := replica.Init(context.Background(), crashfs.New(), replica.Identity{}, w.options())
	w.check(err)
	w.homes = []*home{{r: first, seen: map[int]bool{}}}
	for range 1 + w.rng.IntN(3) {
		r, _, err := psync.Clone(context.Background(), crashfs.New(), first, w.options(), psync.Options{Adopt: true})
		w.check(err)
		w.homes = append(w.homes, &home{r: r, seen: map[int]bool{}})
	}
	return w
}

// options are those of the next replica. Its UUIDs depend on the seed alone.
func (w *town) options() replica.Options {
	rng := rand.New(rand.NewPCG(w.rng.Uint64(), 3))
	return replica.Options{
		Where:   fmt.Sprint("replica ", len(w.homes)),
		Creator: "ann@example.com", // all the same: a twin is not told by it
		Now:     func() time.Time { return w.clock },
		NewUUID: func() uuid.UUID {
			var u uuid.UUID
			for k := range u {
				u[k] = byte(rng.Uint32())
			}
			u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
			return u
		},
	}
}

func (w *town) say(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf(format, args...))
}

func (w *town) check(err error) {
	w.t.Helper()
	if err != nil {
		w.fatal("%v", err)
	}
}

func (w *town) fatal(format string, args ...any) {
	w.t.Helper()
	for _, s := range w.story {
		w.t.Log(s)
	}
	w.t.Fatalf(format, args...)
}

// copied copies a home as cp -r does.
func (w *town) copied(h *home) *home {
	r, err := replica.Open(copyTree(w.t, h.r.FS()), w.options())
	w.check(err)
	return &home{r: r, seen: maps.Clone(h.seen)}
}

func (w *town) step() {
	w.clock = w.clock.Add(time.Duration(w.rng.IntN(3)) * time.Second)
	i, j := w.rng.IntN(len(w.homes)), w.rng.IntN(len(w.homes))
	h := w.homes[i]
	switch what := w.rng.IntN(20); {
	case what < 7 && i != j:
		w.pull(i, j)
	case what == 7 && len(w.homes) < 5:
		w.say("%d is copied to %d", i, len(w.homes))
		w.homes = append(w.homes, w.copied(h))
	case what == 8:
		w.say("%d is backed up", i)
		h.backup = w.copied(h)
	case what == 9 && h.backup != nil:
		w.say("%d is restored", i)
		w.homes[i] = w.copied(h.backup)
		w.homes[i].backup = h.backup
	case what == 10 && w.rng.IntN(3) == 0:
		w.check(h.r.Reidentify(context.Background()))
		w.say("%d gets a new UUID, %s", i, h.r.UUID())
	default:
		w.edit(i)
	}
}

// edit writes a property of a record, a new one if there are few.
func (w *town) edit(i int) {
	h, n := w.homes[i], len(w.edits)
	e := write{prop: []string{"a", "b"}[w.rng.IntN(2)], value: fmt.Sprint("w", n), seen: maps.Clone(h.seen)}
	var recs []changeset.RecordID
	for k := range h.seen {
		recs = append(recs, w.edits[k].rec)
	}
	slices.SortFunc(recs, changeset.RecordID.Compare)
	recs = slices.Compact(recs)
	edited, err := h.r.Edit(context.Background(), func(edit *replica.Edit) (err error) {
		if len(recs) == 0 || len(recs) < 3 && w.rng.IntN(4) == 0 {
			e.rec, err = edit.Create("Ticket", map[string]string{e.prop: e.value})
			return err
		}
		e.rec = recs[w.rng.IntN(len(recs))]
		return edit.Update(e.rec, map[string]string{e.prop: e.value})
	})
	w.check(err)
	w.say("%d edits %s: %s=%s, %s", i, e.rec, e.prop, e.value, edited.ID)
	w.edits = append(w.edits, e)
	h.seen[n] = true
}

// pull pulls, and reports whether something came of it. A fork of others stops it.
func (w *town) pull(i, j int) (quiet bool) {
	from, err := replica.Open(w.homes[j].r.FS(), replica.Options{Where: fmt.Sprint("replica ", j)})
	w.check(err)
	tried, failed := w.try(i, from)
	report, err := psync.Pull(context.Background(), w.homes[i].r, from, psync.Options{})
	w.foretold(tried, report, failed, err)
	var fork *replica.ForkError
	if errors.As(err, &fork) {
		w.say("%d does not pull from %d: %v", i, j, err)
		return false
	}
	w.say("%d pulls from %d", i, j)
	w.check(err)
	for _, m := range report.Moved {
		w.say("  %+v", m)
		w.moved += m.Changesets
	}
	maps.Copy(w.homes[i].seen, w.homes[j].seen)
	return report.Integrated == 0 && report.Votes == 0 && len(report.Moved) == 0
}

// try makes some of the pulls as dry runs, before they are made.
func (w *town) try(i int, from *replica.Replica) (*psync.Report, error) {
	if w.rng.IntN(4) > 0 {
		return nil, nil
	}
	return psync.Pull(context.Background(), w.homes[i].r, from, psync.Options{DryRun: true})
}

// foretold checks that a dry run told what the pull did, but for random UUIDs.
func (w *town) foretold(tried, report *psync.Report, failed, err error) {
	if tried == nil && failed == nil {
		return
	}
	if fmt.Sprint(failed) != fmt.Sprint(err) {
		w.fatal("the dry run ended with %v, the pull with %v", failed, err)
	}
	if err != nil {
		return
	}
	told, done := *tried, *report
	told.Moved, done.Moved = unnamed(told.Moved), unnamed(done.Moved)
	if !reflect.DeepEqual(told, done) {
		w.fatal("the dry run told %+v, the pull did %+v", told, done)
	}
}

// unnamed are moves without random UUIDs.
func unnamed(moved []psync.Moved) (bare []psync.Moved) {
	for _, m := range moved {
		for _, u := range []*uuid.UUID{&m.From, &m.To} {
			if u.Version() != 5 {
				*u = uuid.Nil
			}
		}
		bare = append(bare, m)
	}
	return bare
}

// gossip lets everybody pull from everybody until nothing comes any more. Where that does not end a fork, as its makers are gone, somebody takes it apart.
func (w *town) gossip() {
	for round := range 30 {
		w.say("round %d", round)
		quiet := true
		for i := range w.homes {
			for j := range w.homes {
				if i != j && !w.pull(i, j) {
					quiet = false
					if round > 3 {
						w.reidentify(i, j)
					}
				}
			}
		}
		if quiet {
			return
		}
	}
	w.fatal("still not quiet")
}

func (w *town) reidentify(i, j int) {
	moved, err := psync.Reidentify(context.Background(), w.homes[i].r, w.homes[j].r, psync.Options{})
	w.say("%d is compared with %d: %+v", i, j, moved)
	w.check(err)
}

// compare checks that all show the same, and that each write holds, is a rival, or was replaced by somebody who had seen it.
func (w *town) compare() {
	all := map[int]bool{}
	for _, h := range w.homes {
		maps.Copy(all, h.seen)
	}
	want, err := w.homes[0].r.Digest(context.Background())
	w.check(err)
	for i, h := range w.homes {
		w.check(replica.Check(context.Background(), h.r.FS(), replica.Options{}, func(p replica.Problem) {
			w.fatal("%d: %s: %s", i, p.Path, p.Text)
		}, nil))
		if got, err := h.r.Digest(context.Background()); err != nil || got != want {
			w.fatal("%d shows %s (%v), 0 shows %s", i, got, err, want)
		}
		w.reckon(i, all)
	}
}

// reckon compares what a replica shows of every property with what must be, by the account of who had seen what.
func (w *town) reckon(i int, all map[int]bool) {
	rivals := map[string][]string{}
	for k := range all {
		e := w.edits[k]
		replaced := false
		for l := range all {
			other := w.edits[l]
			replaced = replaced || other.rec == e.rec && other.prop == e.prop && other.seen[k]
		}
		if !replaced {
			rivals[e.rec.String()+" "+e.prop] = append(rivals[e.rec.String()+" "+e.prop], e.value)
		}
	}
	for k := range all {
		e := w.edits[k]
		want := rivals[e.rec.String()+" "+e.prop]
		slices.Sort(want)
		result, err := w.homes[i].r.Merged(e.rec)
		w.check(err)
		var got []string
		if c := result.Conflict(e.prop); c != nil {
			for _, r := range c.Rivals {
				got = append(got, r.Value)
			}
			slices.Sort(got)
			got = slices.Compact(got)
		} else {
			got = []string{result.Props[e.prop]}
		}
		got = slices.DeleteFunc(got, func(value string) bool { return !slices.Contains(want, value) && w.namedTwice(i, e, value) })
		if !slices.Equal(got, want) {
			w.fatal("%d shows %v for %s of %s, want %v", i, got, e.prop, e.rec, want)
		}
	}
}

// namedTwice reports whether a write has two names. Of three copies that can happen, and then one of the two may be open although the other was replaced.
func (w *town) namedTwice(i int, e write, value string) bool {
	history, err := w.homes[i].r.History(e.rec)
	w.check(err)
	names := map[changeset.ID]bool{}
	for _, h := range history {
		if !h.Changeset.Bookkeeping() && h.Change.Props[e.prop].New.Text == value {
			names[h.Changeset.ID] = true
		}
	}
	if len(names) > 1 {
		w.twice++
	}
	return len(names) > 1
}

func TestCopiesAndRestoredReplicasLoseNothingAndComeTogether(t *testing.T) {
	moved, twice := 0, 0
	for n := range *copyHistories {
		if n == *copyHistories/2 {
			psync.SmallBatches(t, 3, 2000)
		}
		w := newTown(t, *seed+uint64(n))
		for range 30 {
			w.step()
		}
		w.gossip()
		w.compare()
		moved, twice = moved+w.moved, twice+w.twice
	}
	if t.Logf("%d changesets moved, %d found with two names", moved, twice); moved < *copyHistories/4 {
		t.Error("hardly anything was moved")
	}
}
