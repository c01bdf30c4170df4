package replica

import (
	"github.com/google/uuid"

	"prophet/changeset"
)

// portionSize is how many bytes of values one changeset of our own holds when many changes are to be made at once.
const portionSize = changeset.MaxSize / 4

// portions divides changes among changesets: so that none names a UUID twice, and none is much larger than portionSize or has more changes than
// may be. A single change is never divided.
func portions(changes []changeset.Change) [][]changeset.Change {
	var all [][]changeset.Change
	var one []changeset.Change
	seen := map[uuid.UUID]bool{}
	size := 0
	for _, ch := range changes {
		n := changeSize(&ch)
		if len(one) > 0 && (seen[ch.Record.UUID] || size+n > portionSize || len(one) == changeset.MaxChanges) {
			all = append(all, one)
			one, seen, size = nil, map[uuid.UUID]bool{}, 0
		}
		one = append(one, ch)
		seen[ch.Record.UUID] = true
		size += n
	}
	if len(one) > 0 {
		all = append(all, one)
	}
	return all
}

// changeSize estimates the bytes of a change, encoded.
func changeSize(ch *changeset.Change) int {
	n := 120 + 48*len(ch.Parents)
	for name, pc := range ch.Props {
		n += 40 + len(name) + len(pc.Old.Text) + len(pc.New.Text)
	}
	return n
}
