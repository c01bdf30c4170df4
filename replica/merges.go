package replica

import (
	"fmt"
	"sync"

	"prophet/changeset"
	"prophet/resolution"
)

// maxMerges is how many bytes of changesets, about, the merges that are kept were made from at most.
const maxMerges = 16 << 20

// merges are what the last transactions of a replica came to where records are not settled, so that whoever tells of them need not read all changes to them again.
// They hold as long as the replica is what the last of the transactions made of it.
type merges struct {
	mu    sync.Mutex
	of    stateOf
	lists string // the lengths and times of the lists of what is lost, and of representations: a repair by somebody else changes them without a row
	by    map[changeset.RecordID]keptMerge
	bytes int // of all
}

// keptMerge is what the changes to a record came to.
type keptMerge struct {
	result *resolution.Result
	bytes  int // of the changesets from which it was made, about
}

// stateOf is all on which the state of the records depends, at a moment.
type stateOf struct {
	main, votes logState
	list        string // of representations: its number
}

func (r *Replica) stateOf() stateOf {
	s := stateOf{main: logState{r.log.uuid, r.log.latest}, votes: logState{r.votes.uuid, r.votes.latest}}
	if r.log.reps != nil {
		s.list = r.log.reps.text
	}
	return s
}

// drop forgets them.
func (m *merges) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
}

func (m *merges) forget() { m.of, m.by, m.bytes = stateOf{}, nil, 0 }

// dropAfterRepair forgets what is merged if somebody wrote the lists anew that the last transaction left. It is called under the lock, and looks at nothing where nothing is kept.
func (r *Replica) dropAfterRepair() {
	m := &r.merges
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.by) > 0 && m.lists != r.listsNow() {
		m.forget()
	}
}

// listsNow tells one writing of the lists from another: by their lengths and times.
func (r *Replica) listsNow() (now string) {
	for _, name := range []string{LostFile, changeset.ResolutionsDir + "/" + LostFile, RepresentationsFile} {
		info, err := r.fs.Stat(name)
		if err != nil {
			now += "none "
			continue
		}
		now += fmt.Sprint(info.Size(), " ", info.ModTime().UnixNano(), " ")
	}
	return now
}

// at returns what is kept of a record of a replica in a state, nil if nothing is. Nobody may change it.
func (m *merges) at(state stateOf, rec changeset.RecordID) *resolution.Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of != state {
		return nil
	}
	return m.by[rec].result
}

// follow takes up what a transaction came to, that led from one state to another, with these lists. Where votes, rules or other representations came, or something is lost, or came back, nothing is kept.
func (m *merges) follow(tx *Tx, before, after stateOf) {
	m.mu.Lock()
	defer m.mu.Unlock()
	stays := before.votes == after.votes && before.list == after.list && !tx.settledAnew && tx.regained == nil && tx.main.hang == nil
	if m.of != before || !stays {
		m.by, m.bytes = nil, 0
	}
	if m.of = after; !stays {
		return
	}
	for rec, s := range tx.main.states {
		if len(s.rows) == 0 {
			continue
		}
		m.bytes -= m.by[rec].bytes
		delete(m.by, rec)
		if s.merged == nil || !s.light || s.bytes > maxMerges {
			continue
		}
		if m.by == nil || m.bytes+s.bytes > maxMerges { // all others go
			m.by, m.bytes = map[changeset.RecordID]keptMerge{}, 0
		}
		m.by[rec] = keptMerge{s.merged, s.bytes}
		m.bytes += s.bytes
	}
	if len(m.by) > 0 {
		m.lists = tx.r.listsNow()
	}
}

// weigh notes that one of the changes to the record is from a changeset. Of many changes it is too much to keep for one record.
func (s *state) weigh(c *changeset.Changeset) {
	if s.light = s.light && len(c.Changes) < manyChanges; !s.light {
		return
	}
	for i := range c.Changes {
		s.bytes += 200
		for name, pc := range c.Changes[i].Props {
			s.bytes += 100 + len(name) + len(pc.Old.Text) + len(pc.New.Text)
		}
	}
}
