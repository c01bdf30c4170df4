package sync

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// errNamedAnew is the error of a transaction whose target another process gave other names meanwhile.
var errNamedAnew = errors.New("another process gave the replica a new UUID meanwhile, and perhaps other names to what it holds: try again")

// names are the UUIDs of a replica's logs. With every move, its log gets another one: as long as they stay, changesets keep their names.
type names struct{ main, votes uuid.UUID }

func namesOf(r *replica.Replica) names { return names{r.UUID(), r.Resolutions().UUID()} }

// stillNamed returns an error if a replica got other names for what it holds while it was read, which says what to do.
func stillNamed(r *replica.Replica, do string) error {
	renamed, err := r.Renamed()
	if err == nil && renamed {
		err = fmt.Errorf("%s got another UUID while it was read: %s", r.Where(), do)
	}
	return err
}

// update runs a transaction, unless the target has other names than it had when it was looked at, or than the last transaction gave it. Then it
// fails with errNamedAnew and changes nothing.
func (in *intake) update(ctx context.Context, f func(tx *replica.Tx) error) error {
	err := in.to.Update(ctx, func(tx *replica.Tx) error {
		if main, votes := tx.Renewed(); in.names != (names{main, votes}) {
			return errNamedAnew
		}
		return f(tx)
	})
	if err == nil {
		in.names = namesOf(in.to)
	}
	return err
}

// restart takes the target as it is now.
func (in *intake) restart() { in.names, in.chosen = namesOf(in.to), map[disputed][]changeset.ID{} }
