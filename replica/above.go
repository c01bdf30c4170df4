package replica

import (
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
)

// Above is what stands above a row in its maker's own log and touches one record: of each origin the last ordinary changeset. It tells what a change
// in that row had seen, if it bears no parents.
type Above map[uuid.UUID]rowOf

// rowOf is where a changeset stands in the log.
type rowOf struct {
	row uint32
	id  changeset.ID
}

// Add notes an ordinary changeset in a row of that log, 1 or more. They can be added in any order.
func (a Above) Add(row uint32, id changeset.ID) {
	if row > a[id.Origin].row {
		a[id.Origin] = rowOf{row, id}
	}
}

// Parents returns them, sorted; none, and not nil, if nothing was added.
func (a Above) Parents() []changeset.ID {
	parents := make([]changeset.ID, 0, len(a))
	for _, last := range a {
		parents = append(parents, last.id)
	}
	slices.SortFunc(parents, changeset.ID.Compare)
	return parents
}
