package replica

import (
	"prophet/changeset"
	"prophet/resolution"
)

// Node is an ordinary change to a record in the graph that all of them form.
type Node struct {
	Event
	Parents []int    // positions in the graph, all smaller than its own, by known parents and own chains
	Head    bool     // no other change has seen it
	Decides []string // properties whose open conflict it settled, "" for the record's existence; see [resolution.History.Graph]
}

// Link returns the ordinary changes in a record's [Replica.History] as the merge links them, parents before children, in the order T, which is the
// same in all replicas. Bookkeeping is not in it. The links are those of the best representations, the events are as the log has them.
func (r *Replica) Link(rec changeset.RecordID, history []Event) ([]Node, error) {
	var seqs []uint32
	rows := make(map[uint32]*changeset.Changeset, len(history))
	byID := make(map[changeset.ID]Event, len(history))
	for _, ev := range history {
		seqs = append(seqs, ev.Row.Seq)
		rows[ev.Row.Seq], byID[ev.Changeset.ID] = ev.Changeset, ev
	}
	entries, err := r.log.entries(rec, seqs, func(seq uint32) (*changeset.Changeset, error) { return r.log.reps.of(rows[seq]) })
	if err != nil {
		return nil, err
	}
	var nodes []Node
	for _, n := range resolution.NewHistory(entries).Graph() {
		nodes = append(nodes, Node{byID[n.ID], n.Parents, n.Head, n.Decides})
	}
	return nodes, nil
}

// Decisions returns what the change decided.
func (n *Node) Decisions() []Decision { return decisionsOf(n.Change, n.Decides) }
