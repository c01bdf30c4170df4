package replica

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
)

// ErrNoChangeset is wrapped by errors that say that a changeset is not in the log.
var ErrNoChangeset = errors.New("no such changeset")

// AmbiguousChangesetError says that a name fits more than one changeset.
type AmbiguousChangesetError struct {
	Name string
	IDs  []changeset.ID // some of them
}

func (e *AmbiguousChangesetError) Error() string {
	const shown = 3
	var names []string
	for _, id := range e.IDs[:min(len(e.IDs), shown)] {
		names = append(names, id.String())
	}
	if len(e.IDs) > shown {
		names = append(names, "…")
	}
	return fmt.Sprintf("%.100q is the name of more than one changeset: %s", e.Name, strings.Join(names, ", "))
}

// FindChangeset returns the row of the changeset that a name stands for: the number of the row; the ID; or the beginning of the origin, of four characters
// or more, with ":" and the number there, which may be missing if the origin has made but one. Digits alone are a row first. ErrNoChangeset is
// wrapped if there is none.
func (r *Replica) FindChangeset(name string) (changeset.Row, error) {
	if seq, err := changeset.ParseSeq(name); err == nil && seq <= r.log.latest {
		return r.log.Row(seq)
	}
	origin, digits, numbered := strings.Cut(strings.ToLower(name), ":")
	var seq uint32
	if numbered {
		var err error
		if seq, err = changeset.ParseSeq(digits); err != nil {
			return changeset.Row{}, fmt.Errorf("changeset %.100q: %w: %w", name, err, ErrNoChangeset)
		}
	}
	if len(origin) < minPrefix || len(origin) > 36 || strings.Trim(origin, "0123456789abcdef-") != "" {
		return changeset.Row{}, fmt.Errorf("changeset %.100q: %w", name, ErrNoChangeset)
	}
	found, err := r.log.byBeginning(origin, seq)
	switch {
	case err != nil:
		return changeset.Row{}, err
	case len(found) == 0:
		return changeset.Row{}, fmt.Errorf("changeset %.100q: %w", name, ErrNoChangeset)
	case len(found) > 1:
		e := &AmbiguousChangesetError{Name: name}
		for _, row := range found {
			e.IDs = append(e.IDs, row.ID)
		}
		return changeset.Row{}, e
	}
	return found[0], nil
}

// byBeginning returns the rows, up to ten, of changesets whose origin begins so and whose number there is seq, or any if that is 0.
func (l *Log) byBeginning(origin string, seq uint32) (found []changeset.Row, err error) {
	if origin == l.uuid.String() && 0 < seq && seq <= l.latest { // it can be in one place only, unless the replica got a new UUID
		row, err := l.Row(seq)
		if err != nil || row.ID == (changeset.ID{Origin: l.uuid, Seq: seq}) {
			return []changeset.Row{row}, err
		}
	}
	fits := map[uuid.UUID]bool{}
	for row, err := range l.Rows(1, l.latest) {
		if err != nil {
			return nil, err
		}
		if seq > 0 && row.ID.Seq != seq {
			continue
		}
		fit, known := fits[row.ID.Origin]
		if !known {
			fit = strings.HasPrefix(row.ID.Origin.String(), origin)
			fits[row.ID.Origin] = fit
		}
		if fit {
			if found = append(found, row); len(found) == 10 {
				break
			}
		}
	}
	return slices.Clip(found), nil
}
