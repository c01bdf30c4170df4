package v1peer

import (
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/race"
)

// crowd is some peers of one database that a random history is played on.
type crowd struct {
	t         *testing.T
	rng       *rand.Rand
	now       time.Time
	peers     []*Peer
	recs      []changeset.RecordID
	deletions bool
	died      bool // a pull did
}

func newCrowd(t *testing.T, seed uint64, n int, deletions bool) *crowd {
	c := &crowd{t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), deletions: deletions}
	first, err := Init(afero.NewMemMapFs(), c.options("user0"))
	c.must(err)
	c.peers = []*Peer{first}
	for range 2 {
		rec, err := first.Create("Ticket", props{"a": "0", "b": "0"})
		c.must(err)
		c.recs = append(c.recs, rec)
	}
	for i := 1; i < n; i++ {
		p, err := Clone(afero.NewMemMapFs(), first.FS(), c.options("user"+string(rune('0'+i))))
		c.must(err)
		c.peers = append(c.peers, p)
	}
	return c
}

func (c *crowd) options(creator string) Options {
	return Options{Creator: creator, Rand: c.rng, Now: func() time.Time { return c.now }, NewUUID: func() (u uuid.UUID) {
		binary.NativeEndian.PutUint64(u[:8], c.rng.Uint64())
		binary.NativeEndian.PutUint64(u[8:], c.rng.Uint64())
		return u
	}}
}

func (c *crowd) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// step edits or pulls, one as often as the other.
func (c *crowd) step() {
	c.now = c.now.Add(time.Second)
	i, j := c.rng.IntN(len(c.peers)), c.rng.IntN(len(c.peers))
	if c.rng.IntN(2) == 0 {
		c.edit(c.peers[i])
	} else if i != j {
		c.pull(i, j)
	}
}

func (c *crowd) edit(p *Peer) {
	rec := c.recs[c.rng.IntN(len(c.recs))]
	_, exists, err := p.Props(rec)
	c.must(err)
	if !exists {
		rec, err = p.Create("Ticket", props{"a": "0", "b": "0"})
		c.must(err)
		c.recs = append(c.recs, rec)
	}
	if c.deletions && c.rng.IntN(5) == 0 {
		c.must(p.Delete(rec))
		return
	}
	c.must(p.Update(rec, props{[]string{"a", "b"}[c.rng.IntN(2)]: []string{"1", "2", "3"}[c.rng.IntN(3)]}))
}

func (c *crowd) pull(i, j int) {
	_, err := c.peers[i].Pull(c.peers[j].FS(), []Resolver{To, From}[c.rng.IntN(2)])
	if errors.Is(err, ErrNotResolved) {
		c.died = true
		return
	}
	c.must(err)
}

// round lets everybody pull from everybody.
func (c *crowd) round() {
	for i := range c.peers {
		for j := range c.peers {
			if i != j {
				c.pull(i, j)
			}
		}
	}
}

func (c *crowd) agree() bool {
	first, err := c.peers[0].State()
	c.must(err)
	return !slices.ContainsFunc(c.peers[1:], func(p *Peer) bool {
		state, err := p.State()
		c.must(err)
		return !maps.EqualFunc(first, state, maps.Equal[props, props])
	})
}

// Measured on the original, with 150 histories of 3 replicas, 15 random steps and four full rounds: 41 ended with replicas that disagree, 109 when records
// were also deleted, and in 45 of those a pull died. How often what was done there is not known, so the figures here cannot be the same.
func TestPeersDriftApartAsTheOriginalDoes(t *testing.T) {
	for _, test := range []struct {
		deletions              bool
		leastApart, mostApart  int
		leastDeaths, mostDeath int
	}{
		{false, 20, 80, 0, 0},
		{true, 60, 140, 20, 120},
	} {
		apart, died := 0, 0
		histories := race.Part(150)
		for seed := range uint64(histories) {
			c := newCrowd(t, seed, 3, test.deletions)
			for range 15 {
				c.step()
			}
			for range 4 {
				c.round()
			}
			if !c.agree() {
				apart++
			}
			if c.died {
				died++
			}
		}
		t.Logf("deletions %v: of %d histories %d ended apart, in %d a pull died", test.deletions, histories, apart, died)
		of150 := func(n int) int { return n * 150 / histories }
		if of150(apart) < test.leastApart || of150(apart) > test.mostApart || of150(died) < test.leastDeaths || of150(died) > test.mostDeath {
			t.Errorf("deletions %v: of %d histories %d ended apart, in %d a pull died, which is not like the original", test.deletions, histories, apart, died)
		}
	}
}

func TestTheSameSeedGivesTheSameFiles(t *testing.T) {
	play := func() (all []map[string][]byte) {
		c := newCrowd(t, 1, 3, true)
		for range 30 {
			c.step()
		}
		for _, p := range c.peers {
			all = append(all, files(t, p.FS()))
		}
		return all
	}
	if !reflect.DeepEqual(play(), play()) {
		t.Error("two runs with one seed gave other files")
	}
}
