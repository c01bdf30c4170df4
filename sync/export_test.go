package sync

import (
	"github.com/google/uuid"

	"prophet/changeset"
)

// ParseLine is parseLine, for the fuzz test.
var ParseLine = parseLine

// CheckLines checks lines of a source as Import does when it must know the exact size of a record, and returns the number of the first that is wrong.
func CheckLines(rec uuid.UUID, lines []string) (uint32, error) {
	p := newPast(rec, map[uuid.UUID]bool{rec: true})
	for i, line := range lines {
		c, err := parseLine([]byte(line), changeset.ID{Origin: rec, Seq: uint32(i + 1)})
		if err == nil {
			err = p.add(c, len(line))
		}
		if err != nil {
			return uint32(i + 1), err
		}
	}
	return 0, nil
}
