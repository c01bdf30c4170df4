package sync_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/v1peer"
	"prophet/replica"
	psync "prophet/sync"
)

// mixed is some replicas of ours, which have the first numbers, and some of the original, of one database.
type mixed struct {
	t        *testing.T
	rng      *rand.Rand
	clock    time.Time
	story    []string
	replicas []*replica.Replica
	peers    []*v1peer.Peer
	links    links
}

// links says who ever pulls from whom.
type links string

const (
	all  links = "everybody meets everybody"
	far  links = "ours know all but one of the original through that one alone"
	door links = "only one of ours meets the original"
)

func (l links) meet(i, j, ours int) bool {
	i, j = min(i, j), max(i, j)
	switch {
	case i == j:
		return false
	case i >= ours || j < ours:
		return true
	case l == far:
		return j == ours
	case l == door:
		return i == 0
	}
	return true
}

func newMixed(t *testing.T, seed uint64, ours, peers int, links links) *mixed {
	m := &mixed{t: t, rng: rand.New(rand.NewPCG(seed, 8)), clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), links: links}
	m.say("seed %d: %d replicas of ours, %d of the original, %s", seed, ours, peers, links)
	first, err := replica.Init(t.Context(), afero.NewMemMapFs(), replica.Identity{}, m.options(0))
	m.must(err)
	m.replicas = append(m.replicas, first)
	m.edit(0, func(e *replica.Edit) error {
		_, err := e.Create("Ticket", map[string]string{"a": "0", "b": "0"})
		return err
	})
	for i := 1; i < ours; i++ {
		r, _, err := psync.Clone(t.Context(), afero.NewMemMapFs(), first, m.options(i), psync.Options{Adopt: true})
		m.must(err)
		m.replicas = append(m.replicas, r)
	}
	importText(t, first, line(change("create", 1, "a", "0", "b", "")))
	for i := range peers {
		o := m.options(ours + i)
		p, err := v1peer.Clone(afero.NewMemMapFs(), first.FS(), v1peer.Options{Creator: o.Creator, Now: o.Now, NewUUID: o.NewUUID, Rand: m.rng})
		m.must(err)
		m.peers = append(m.peers, p)
	}
	return m
}

// options gives a replica a clock that is some seconds wrong, and UUIDs that depend on the seed alone.
func (m *mixed) options(i int) replica.Options {
	return replica.Options{
		Where:   fmt.Sprint("replica ", i),
		Creator: fmt.Sprintf("user%d@example.com", i),
		Now:     func() time.Time { return m.clock.Add(time.Duration(i*3) * time.Second) },
		NewUUID: func() (u uuid.UUID) {
			for k := range u {
				u[k] = byte(m.rng.Uint32())
			}
			u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
			return u
		},
	}
}

func (m *mixed) ours() int { return len(m.replicas) }
func (m *mixed) size() int { return len(m.replicas) + len(m.peers) }

func (m *mixed) say(format string, args ...any) {
	m.story = append(m.story, fmt.Sprintf(format, args...))
}

func (m *mixed) fatal(format string, args ...any) {
	m.t.Helper()
	for _, s := range m.story {
		m.t.Log(s)
	}
	m.t.Fatalf(format, args...)
}

func (m *mixed) must(err error) {
	m.t.Helper()
	if err != nil {
		m.fatal("%v", err)
	}
}

func (m *mixed) fs(i int) afero.Fs {
	if i < m.ours() {
		return m.replicas[i].FS()
	}
	return m.peers[i-m.ours()].FS()
}

func (m *mixed) open(i int) *replica.Replica {
	r, err := replica.Open(m.fs(i), replica.Options{Where: fmt.Sprint("replica ", i)})
	m.must(err)
	return r
}

// step does one random thing.
func (m *mixed) step() {
	m.clock = m.clock.Add(time.Duration(m.rng.IntN(3)) * time.Second)
	i, j := m.rng.IntN(m.size()), m.rng.IntN(m.size())
	switch {
	case m.rng.IntN(2) == 0:
		if m.links.meet(i, j, m.ours()) {
			m.pull(i, j, []psync.Prefer{psync.PreferNone, psync.PreferNone, psync.PreferFrom, psync.PreferTo}[m.rng.IntN(4)])
		}
	case i < m.ours():
		m.change(i)
	default:
		m.changePeer(i, m.peers[i-m.ours()])
	}
}

// record returns a record that a replica of ours has had, whichever, and something to write to it.
func (m *mixed) record() (rec changeset.RecordID, props map[string]string) {
	var recs []changeset.RecordID
	for rec, err := range m.replicas[m.rng.IntN(m.ours())].Log().Records("Ticket") {
		m.must(err)
		recs = append(recs, rec)
	}
	name, value := []string{"a", "b"}[m.rng.IntN(2)], []string{"", "1", "2", "3"}[m.rng.IntN(4)]
	return recs[m.rng.IntN(len(recs))], map[string]string{name: value}
}

// change lets a replica of ours edit a record or make one.
func (m *mixed) change(i int) {
	rec, props := m.record()
	what := m.rng.IntN(8)
	m.edit(i, func(e *replica.Edit) error {
		_, exists, err := e.Props(rec)
		switch {
		case err != nil:
			return err
		case what == 0 && exists:
			m.say("%d deletes %s", i, rec)
			return e.Delete(rec)
		case what == 1:
			rec, err := e.Create("Ticket", props)
			m.say("%d creates %s with %v", i, rec, props)
			return err
		case !exists:
			m.say("%d restores %s with %v", i, rec, props)
			return e.Restore(rec, props)
		}
		m.say("%d updates %s with %v", i, rec, props)
		return e.Update(rec, props)
	})
}

func (m *mixed) edit(i int, f func(e *replica.Edit) error) {
	_, err := m.replicas[i].Edit(m.t.Context(), f)
	m.must(err)
}

// changePeer lets a replica of the original edit a record or make one, also one that others have made already, as an application with fixed UUIDs does.
func (m *mixed) changePeer(i int, p *v1peer.Peer) {
	rec, props := m.record()
	_, exists, err := p.Props(rec)
	m.must(err)
	switch what := m.rng.IntN(8); {
	case what == 0 && exists:
		m.say("%d deletes %s", i, rec)
		err = p.Delete(rec)
	case what == 1:
		rec, err = p.Create("Ticket", props)
		m.say("%d creates %s with %v", i, rec, props)
	case !exists:
		m.say("%d makes %s with %v", i, rec, props)
		err = p.CreateRecord(rec, props)
	default:
		m.say("%d updates %s with %v", i, rec, props)
		err = p.Update(rec, props)
	}
	m.must(err)
}

// pull lets i pull from j and reports whether something came.
func (m *mixed) pull(i, j int, prefer psync.Prefer) bool {
	m.say("%d pulls from %d, prefer %q", i, j, prefer)
	if i >= m.ours() {
		return m.pullPeer(m.peers[i-m.ours()], j, prefer)
	}
	report, err := psync.Pull(m.t.Context(), m.replicas[i], m.open(j), psync.Options{Prefer: prefer})
	m.must(err)
	return report.Integrated+report.Votes > 0
}

// pullPeer lets a replica of the original pull, from a replica of ours or from the mirror that it publishes. A pull may die, as they do.
func (m *mixed) pullPeer(p *v1peer.Peer, j int, prefer psync.Prefer) bool {
	from, resolve := m.fs(j), v1peer.To
	if prefer == psync.PreferFrom {
		resolve = v1peer.From
	}
	if j < m.ours() && m.rng.IntN(2) == 0 {
		dest := afero.NewMemMapFs()
		published, err := psync.Publish(m.t.Context(), m.replicas[j], dest, psync.PublishOptions{})
		m.must(err)
		from = afero.NewBasePathFs(dest, published.Path)
		m.say("  by way of its mirror")
	}
	report, err := p.Pull(from, resolve)
	if errors.Is(err, v1peer.ErrNotResolved) {
		m.say("  and dies")
		err = nil
	}
	m.must(err)
	return report.Integrated+report.Votes > 0
}
