package crowd

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

var (
	torn = flag.Int("torn", 8, "read a mirror in the middle of its publications at `N` moments for each way to read it, all there are if less than 0")
	seed = flag.Uint64("seed", 1, "of the random numbers")
)

// newRNG returns random numbers, and prints what they come from.
func newRNG(t *testing.T) *rand.Rand {
	t.Helper()
	t.Logf("-seed %d", *seed)
	return rand.New(rand.NewPCG(*seed, 0))
}

// How mirrors are published: with packs, also of a few changesets, beside the v1 tree or alone.
var (
	withTree = psync.PublishOptions{Flat: true, InHead: 400}
	alone    = psync.PublishOptions{Flat: true, InHead: 400, NoTree: true}
)

const lastStates = 10 // that a reader may see files of

// Each file is shown as it was after one of the last ten operations, or after one of the last ten publications. Whoever clones then, or pulls with an older state,
// gets what was published at one moment, as a whole.
func TestWhoReadsAMirrorInTheMiddleGetsAPublishedState(t *testing.T) {
	rng := newRNG(t)
	p := newPublications(t, rng, withTree)
	for range race.Part(50) {
		p.publish()
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			steps := p.after
			if way.operations {
				steps = p.all(p.after[0], len(p.mirror.states))
			}
			n := p.readAt(t, rng, way, some(rng, steps, *torn))
			t.Logf("%d operations of %d publications; at %d moments: %s", len(p.mirror.states), len(p.after), n.moments, n)
			if n.clones > 0 {
				t.Errorf("%d clones found no published state", n.clones)
			}
		})
	}
}

// The same of a mirror that has nothing but packs and their head. A clone that finds the packs of no state of the head that it sees is told so.
func TestWhoReadsPacksInTheMiddleOfAPublicationGetsAPublishedState(t *testing.T) {
	rng := newRNG(t)
	p := newPublications(t, rng, alone)
	for range race.Part(50) {
		p.publish()
	}
	for _, way := range ways {
		if way.directory {
			continue
		}
		t.Run(way.name, func(t *testing.T) {
			steps := p.after
			if way.operations {
				steps = p.all(p.after[0], len(p.mirror.states))
			}
			n := p.readAt(t, rng, way, some(rng, steps, *torn))
			t.Logf("%d operations of %d publications; at %d moments: %s", len(p.mirror.states), len(p.after), n.moments, n)
			if n.latest+n.older == 0 || n.clones > 0 && way.operations {
				t.Errorf("%d clones found no published state, of %s", n.clones, n)
			}
		})
	}
}

// The same while a replica gets another UUID in between, and changesets of it other names. In the midst of that nothing may be whole; then the reader is told so, and
// nothing is changed.
func TestWhoReadsAMirrorThatMovesGetsAPublishedStateOrIsTold(t *testing.T) {
	rng := newRNG(t)
	p := newPublications(t, rng, withTree)
	for range 5 {
		p.publish()
	}
	from := len(p.mirror.states)
	p.move()
	p.write()
	for range 3 {
		p.publish()
	}
	check(t, p.ann.Reidentify(context.Background()))
	p.write()
	p.publish()
	got, latest := 0, 0
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			steps := p.after
			if way.operations {
				steps = p.all(from, len(p.mirror.states))
			}
			n := p.readAt(t, rng, way, some(rng, steps, *torn))
			t.Logf("at %d moments: %s", n.moments, n)
			got, latest = got+n.latest+n.older, latest+n.latest
		})
	}
	if got == 0 || latest == 0 {
		t.Errorf("%d readers got a published state, %d of them the latest", got, latest)
	}
}

// way is a way to read a mirror.
type way struct {
	name       string
	operations bool // the states are those after operations, else those after publications
	fixed      bool // a file stays of one state while somebody reads, else it is of another one each time that it is asked for
	directory  bool // it is read as a directory, else from a web server
}

var ways = []way{
	{"web, operations, anew", true, false, false},
	{"web, operations, fixed", true, true, false},
	{"web, publications, anew", false, false, false},
	{"web, publications, fixed", false, true, false},
	{"directory, operations, anew", true, false, true},
	{"directory, operations, fixed", true, true, true},
	{"directory, publications, fixed", false, true, true},
}

// tally counts what readers got.
type tally struct{ moments, latest, older, earlier, torn, clones int }

func (n tally) String() string {
	return fmt.Sprintf("%d got the latest state, %d one before it, %d were told that they have a later one, %d that none is whole", n.latest, n.older, n.earlier, n.torn)
}

// some draws as many of the steps as are asked for, in their order.
func some(rng *rand.Rand, steps []int, n int) []int {
	if n < 0 || n >= len(steps) {
		return steps
	}
	drawn := slices.Clone(steps)
	rng.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	slices.Sort(drawn[:n])
	return drawn[:n]
}

// readAt lets somebody clone, and somebody with an older state pull, at each of the moments, which are states of the mirror.
func (p *publications) readAt(t *testing.T, rng *rand.Rand, way way, moments []int) (n tally) {
	for _, at := range moments {
		var window []files
		if way.operations {
			window = p.mirror.states[max(p.after[0], at-lastStates+1) : at+1]
		} else {
			i, _ := slices.BinarySearch(p.after, at)
			for _, after := range p.after[max(0, i-lastStates+1) : i+1] {
				window = append(window, p.mirror.states[after])
			}
		}
		n.moments++
		when := fmt.Sprintf("state %d of %d", at, len(p.mirror.states))
		p.read(t, &n, when+", clone", at, func(to afero.Fs) (*replica.Replica, error) {
			from, err := way.open(t, rng, window)
			if err != nil {
				return nil, err
			}
			r, _, err := psync.Clone(context.Background(), to, from, replica.Options{}, quick)
			return r, err
		})
		old := p.readers[rng.IntN(len(p.readers))]
		for old.after > at {
			old = p.readers[rng.IntN(len(p.readers))]
		}
		p.read(t, &n, when+", pull", at, func(to afero.Fs) (*replica.Replica, error) {
			from, err := way.open(t, rng, window)
			if err != nil {
				return nil, err
			}
			r := replicatest.Open(t, old.disk.Survivor(crashfs.Kill, 0), replica.Options{})
			_, err = psync.Pull(context.Background(), r, from, quick)
			return r, err
		})
	}
	return n
}

var quick = psync.Options{Sleep: func(context.Context, time.Duration) error { return nil }}

// open opens a mirror of which each file is of one of the states.
func (w way) open(t *testing.T, rng *rand.Rand, window []files) (*replica.Replica, error) {
	var mu sync.Mutex
	chosen := map[string]int{}
	from := newShown(window, func(name string) int {
		mu.Lock()
		defer mu.Unlock()
		i, ok := chosen[name]
		if !ok || !w.fixed {
			i = rng.IntN(len(window))
			chosen[name] = i
		}
		return i
	})
	if w.directory {
		return replica.Open(from, replica.Options{Where: place, Sleep: func(time.Duration) {}})
	}
	ctx := t.Context()
	srv, dial := webtest.StaticPipe(t, from)
	return psync.Carriers{"http": psync.Web(psync.WebOptions{Dial: dial})}.Open(ctx, srv.URL, replica.Options{})
}

// read checks what a reader got.
func (p *publications) read(t *testing.T, n *tally, when string, at int, get func(to afero.Fs) (*replica.Replica, error)) {
	t.Helper()
	r, err := get(crashfs.New())
	var none *psync.TornError
	var back *psync.WentBackError
	switch {
	case errors.As(err, &back): // who pulls has a later one
		n.earlier++
		return
	case errors.As(err, &none):
		if n.torn++; strings.HasSuffix(when, "clone") {
			n.clones++
		}
		return
	case err != nil:
		t.Errorf("%s: %v", when, err)
		return
	}
	got := fingerprint(t, r)
	published, ok := p.states[got]
	switch {
	case !ok:
		t.Errorf("%s: what came was never published:\n%.2000s", when, got)
	case published == p.latestAt(at):
		n.latest++
	default:
		n.older++
	}
}

// fingerprint is all that counts of a replica.
func fingerprint(t *testing.T, r *replica.Replica) string {
	t.Helper()
	view, err := replicatest.Look(r, changeset.RecordID.String)
	check(t, err)
	var ids []changeset.ID
	for _, l := range []*replica.Log{r.Log(), r.Resolutions()} {
		for row, err := range l.Rows(1, l.Latest()) {
			check(t, err)
			c, err := l.Changeset(row)
			check(t, err)
			if !c.Bookkeeping() {
				ids = append(ids, c.ID)
			}
		}
	}
	slices.SortFunc(ids, changeset.ID.Compare)
	return view.String() + replicatest.IDs(ids)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
