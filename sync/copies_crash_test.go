package sync_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/replica"
	psync "prophet/sync"
)

// identity is all that a replica says of who made what: its UUIDs, former ones included, and the rows of both logs.
func identity(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	r, err := replica.Open(fsys, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, l := range []*replica.Log{r.Resolutions(), r.Log()} {
		former, err := l.Former()
		fmt.Fprintln(&b, l.UUID(), former, err)
		for row, err := range l.Rows(1, l.Latest()) {
			c, cerr := l.Changeset(row)
			if err != nil || cerr != nil {
				t.Fatal(err, cerr)
			}
			fmt.Fprintln(&b, row.Seq, row.ID)
			for _, ch := range c.Changes {
				fmt.Fprintln(&b, "  parents", ch.Parents)
			}
		}
	}
	return b.String() + state(t, fsys)
}

// forked makes a replica on a disk and a twin of it; both were edited and decided about a conflict.
func forked(t *testing.T) (disk *crashfs.FS, ticket changeset.RecordID, twin, bob *replica.Replica) {
	t.Helper()
	s := newScene(t)
	r := open(t, s.disk)
	pull(t, r, s.peer)
	pull(t, s.peer, r)
	twin = reopen(t, copyTree(t, s.disk), "twin")
	update(t, twin, s.ticket, "status", "decided by the twin")
	update(t, twin, s.ticket, "owner", "twin")
	update(t, r, s.ticket, "status", "decided")
	update(t, r, s.ticket, "owner", "ann")
	update(t, r, s.ticket, "owner", "zoe")
	return s.disk, s.ticket, twin, s.peer
}

// takeApart moves what a replica on a disk and its twin name alike.
func takeApart(fsys afero.Fs, twin *replica.Replica) error {
	n := byte(0)
	r, err := replica.Open(fsys, replica.Options{Where: "ann", NewUUID: func() uuid.UUID { n++; return uuid.UUID{n, 6: 0x40, 8: 0x80} }})
	if err == nil {
		_, err = psync.Reidentify(context.Background(), r, twin, psync.Options{})
	}
	return err
}

func TestACrashWhileChangesetsAreMovedLeavesTheStateBeforeOrAfter(t *testing.T) {
	disk, ticket, twin, bob := forked(t)
	states := []string{identity(t, disk)}
	points, seen := 0, map[string]bool{}
	for k := 1; ; k++ {
		cut := disk.Survivor(crashfs.Kill, 0)
		cut.CrashAt(k)
		err := takeApart(cut, twin)
		if !cut.Failed() {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		for _, mode := range []crashfs.Mode{crashfs.PowerCut, crashfs.Kill} {
			when := fmt.Sprintf("%s at operation %d", mode, k)
			left := cut.Survivor(mode, int64(k))
			if again(seen, left) {
				continue
			}
			points++
			if got := identity(t, left); !slices.Contains(states, got) {
				if states = append(states, got); len(states) > 3 { // before, the decisions moved, the edits too
					t.Fatalf("%s: state %d:\n%s\nthe one before:\n%s", when, len(states), got, states[len(states)-2])
				}
			}
			sound(t, left, when)
			finishMove(t, when, left, ticket, twin, bob)
		}
	}
	t.Logf("%d crash points", points)
	if points < 100 || len(states) != 3 {
		t.Errorf("%d operations and %d states: that does not test much", points, len(states))
	}
}

// finishMove goes on with a move that was cut off, and with work.
func finishMove(t *testing.T, when string, left *crashfs.FS, ticket changeset.RecordID, twin, bob *replica.Replica) {
	t.Helper()
	r := open(t, left)
	if _, err := psync.Pull(context.Background(), r, twin, psync.Options{}); err != nil {
		t.Errorf("%s: the next pull: %v", when, err)
		return
	}
	if _, err := psync.Pull(context.Background(), r, bob, psync.Options{}); err != nil {
		t.Errorf("%s: the pull after that: %v", when, err)
	}
	update(t, r, ticket, "note", "life goes on")
	sound(t, left, when+", after the next pull and edit")
	result, err := r.Merged(ticket)
	if err != nil || len(result.Conflicts) != 2 || len(result.Conflict("owner").Rivals) != 2 || result.Props["note"] == "" {
		t.Errorf("%s: merged %+v, %v", when, result, err)
	}
}
