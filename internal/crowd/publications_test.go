package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/internal/webtest"
	"prophet/internal/wire"
	"prophet/replica"
	"prophet/resolution"
	psync "prophet/sync"
)

const place = "/srv/mirror"

// publications is ann, who publishes again and again what she, bob and zed, who uses the original, have edited.
type publications struct {
	t        *testing.T
	rng      *rand.Rand
	annDisk  *crashfs.FS
	ann, bob *replica.Replica
	zed      *v1peer.Peer
	recs     []changeset.RecordID
	mirror   *recorder
	after    []int          // of each publication, the state of the mirror after it
	states   map[string]int // fingerprints of what was published, with the number of the publication
	readers  []reader
	opts     psync.PublishOptions
}

// reader is who has pulled after a publication.
type reader struct {
	disk  *crashfs.FS
	after int // state of the mirror
}

func newPublications(t *testing.T, rng *rand.Rand, opts psync.PublishOptions) *publications {
	t.Helper()
	p := &publications{t: t, rng: rng, opts: opts, annDisk: crashfs.New(), mirror: newRecorder(crashfs.New()), states: map[string]int{}}
	p.ann = replicatest.Init(t, p.annDisk, replica.Options{Creator: "ann@example.com"})
	p.create(p.ann)
	p.bob = replicatest.Clone(t, p.ann, replica.Options{Creator: "bob@example.com"})
	zed, err := v1peer.Clone(crashfs.New(), p.ann.FS(), v1peer.Options{Creator: "zed@example.com"})
	check(t, err)
	p.zed = zed
	p.write()
	return p
}

func (p *publications) create(r *replica.Replica) {
	replicatest.Edit(p.t, r, func(e *replica.Edit) error {
		rec, err := e.Create("Ticket", map[string]string{"status": "new", "votes": "0"})
		p.recs = append(p.recs, rec)
		return err
	})
}

// set writes a property, if the record lives there.
func (p *publications) set(r *replica.Replica, rec changeset.RecordID, name, value string) {
	if _, ok, err := r.Log().Props(rec); err != nil || !ok {
		check(p.t, err)
		return
	}
	replicatest.Edit(p.t, r, func(e *replica.Edit) error { return e.Update(rec, map[string]string{name: value}) })
}

func (p *publications) pull(to, from *replica.Replica) {
	p.t.Helper()
	_, err := psync.Pull(context.Background(), to, from, psync.Options{})
	check(p.t, err)
}

// publish edits something, of one kind or several, and publishes it.
func (p *publications) publish() {
	p.t.Helper()
	for range 1 + p.rng.IntN(3) {
		p.edit()
	}
	p.write()
}

func (p *publications) edit() {
	rec, number := p.recs[p.rng.IntN(len(p.recs))], fmt.Sprint(p.rng.IntN(1000))
	switch p.rng.IntN(8) {
	case 0:
		p.create(p.ann)
	case 1:
		p.set(p.ann, rec, "status", number)
	case 2:
		if _, ok, err := p.ann.Log().Props(rec); ok && err == nil {
			replicatest.Edit(p.t, p.ann, func(e *replica.Edit) error { return e.Delete(rec) })
		}
	case 3: // rivals
		p.pull(p.bob, p.ann)
		p.set(p.bob, rec, "votes", number)
		p.set(p.ann, rec, "votes", number+"0")
		p.pull(p.ann, p.bob)
	case 4: // a vote, or several
		_, err := p.ann.Edit(context.Background(), func(e *replica.Edit) error { return p.decide(e) })
		check(p.t, err)
	case 5: // what the original forwards comes first, then what it was made from: a representation
		p.pull(p.bob, p.ann)
		p.set(p.bob, rec, "status", "by bob "+number)
		_, err := p.zed.Pull(p.bob.FS(), v1peer.To)
		check(p.t, err)
		p.pull(p.ann, replicatest.Open(p.t, p.zed.FS(), replica.Options{Where: "zed"}))
		p.pull(p.ann, p.bob)
	case 6: // a rule
		rule := []resolution.Rule{resolution.RuleSum, resolution.RuleMax, resolution.RuleLatest}[p.rng.IntN(3)]
		replicatest.Edit(p.t, p.ann, func(e *replica.Edit) error { return e.SetRule("Ticket", "votes", rule) })
	case 7: // several at once
		for range 5 {
			p.create(p.ann)
		}
	}
}

// decide decides a conflict, if there is one.
func (p *publications) decide(e *replica.Edit) error {
	open, err := p.ann.Conflicts()
	if err != nil || len(open) == 0 {
		return err
	}
	return e.Take(open[p.rng.IntN(len(open))].Record, replica.TakeLatest)
}

// write publishes, and lets somebody read that.
func (p *publications) write() {
	p.t.Helper()
	before := len(p.mirror.states)
	_, err := psync.Publish(context.Background(), p.ann, p.mirror, p.opts)
	check(p.t, err)
	if len(p.mirror.states) == before {
		return
	}
	p.after = append(p.after, len(p.mirror.states)-1)
	now := fingerprint(p.t, replicatest.Open(p.t, p.ann.FS(), replica.Options{}))
	if _, again := p.states[now]; !again {
		p.states[now] = len(p.after) - 1
	}
	p.note([]string{place, webtest.PipeURL}[len(p.after)%2])
}

// note lets somebody read what was published last, at a place.
func (p *publications) note(where string) {
	p.t.Helper()
	fsys := p.mirror.Fs
	if p.opts.NoTree {
		shown, err := wire.Open(fsys)
		check(p.t, err)
		fsys = shown
	}
	from := replicatest.Open(p.t, fsys, replica.Options{Where: where, Mirror: p.opts.NoTree})
	disk := crashfs.New()
	_, _, err := psync.Clone(context.Background(), disk, from, replica.Options{}, quick)
	check(p.t, err)
	p.readers = append(p.readers, reader{disk, p.after[len(p.after)-1]})
}

// move gives changesets of ann's another name, because a copy of her replica was edited as well and has met bob.
func (p *publications) move() {
	p.t.Helper()
	copied := replicatest.Open(p.t, p.annDisk.Survivor(crashfs.Kill, 0), replica.Options{Where: "copy", Creator: "ann@example.com"})
	p.set(p.ann, p.recs[0], "status", "by ann")
	p.set(copied, p.recs[0], "status", "by the copy of ann")
	p.create(copied)
	p.write()
	was := p.ann.UUID()
	p.pull(p.ann, copied)
	if p.ann.UUID() == was {
		p.t.Fatal("nothing was moved")
	}
}

// all returns the numbers of the states in a range.
func (p *publications) all(from, to int) (steps []int) {
	for i := from; i < to; i++ {
		steps = append(steps, i)
	}
	return steps
}

// latestAt returns the number of the publication that was the latest one at a state of the mirror.
func (p *publications) latestAt(state int) int {
	i, found := slices.BinarySearch(p.after, state)
	if !found {
		i--
	}
	return i
}
