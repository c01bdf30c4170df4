package replicatest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"prophet/replica"
	psync "prophet/sync"
)

// rounds is in how many rounds of everybody pulling from everybody all must be quiet.
const rounds = 10

// Gossip lets each of to pull from each of from, round after round, until a round brings no news.
func Gossip[M comparable](to, from []M, pull func(to, from M) (news bool, err error)) error {
	for range rounds {
		quiet := true
		for _, m := range to {
			for _, other := range from {
				if m == other {
					continue
				}
				news, err := pull(m, other)
				if err != nil {
					return err
				}
				quiet = quiet && !news
			}
		}
		if quiet {
			return nil
		}
	}
	return ErrNotQuiet
}

// ErrNotQuiet says that pulling does not come to an end.
var ErrNotQuiet = fmt.Errorf("something comes in every one of %d rounds", rounds)

// News reports whether a pull brought anything or changed anything.
func News(r *psync.Report) bool {
	return r.Integrated+r.Votes+r.Represented+r.Adopted+len(r.Opened)+len(r.Decided)+len(r.Moved) > 0
}

// Meet lets everybody pull from everybody until nothing comes any more, each from what another process would find. Then all must be alike. A fork stops a
// pull, but not those that mend it.
func Meet(t testing.TB, rs ...*replica.Replica) {
	t.Helper()
	var forked error
	err := Gossip(rs, rs, func(to, from *replica.Replica) (bool, error) {
		source, err := replica.Open(from.FS(), replica.Options{Where: from.Where()})
		if err != nil {
			return false, err
		}
		report, err := psync.Pull(context.Background(), to, source, psync.Options{})
		if fork := (*replica.ForkError)(nil); errors.As(err, &fork) {
			forked = err
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", to.Where(), err)
		}
		return News(report), nil
	})
	if err != nil {
		t.Fatal(errors.Join(err, forked))
	}
	Alike(t, "when all have met", rs...)
}
