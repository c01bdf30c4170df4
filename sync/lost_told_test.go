package sync_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// TestAnEditNamesTheLostChangesetThatItsRecordHangsOn: of several that are lost, what says that changes were copied names the one that they hang on, by another record too.
func TestAnEditNamesTheLostChangesetThatItsRecordHangsOn(t *testing.T) {
	l := withBob(t, 3)
	update(t, l.ann, l.recs[0], "status", "open") // row 4
	update(t, l.ann, l.recs[0], "owner", "ann")
	update(t, l.ann, l.recs[1], "status", "open") // row 6
	edits(t, l.ann, "owner", "ann", l.recs[1:]...)
	l.rows = []uint32{4, 6}
	for i, row := range []uint32{4, 6, 6} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			said, opts := "", at("ann", 12)
			opts.Warn = func(s string) { said += s + "\n" }
			update(t, replicatest.Open(t, l.takeAway(t).FS(), opts), l.recs[i], "status", "stalled")
			if lost := (changeset.ID{Origin: l.ann.UUID(), Seq: row}); strings.Count(said, "\n") != 1 || !strings.Contains(said, lost.String()+" of ann is lost: what the record became by it") {
				t.Errorf("said %q, and %s is lost", said, lost)
			}
		})
	}
}

// TestADecisionAboutWhatHangsOnALostChangesetIsToldOnce: what waits is copied in the middle of the edit, which then looks at the conflict once more.
func TestADecisionAboutWhatHangsOnALostChangesetIsToldOnce(t *testing.T) {
	l := withBob(t, 1)
	update(t, l.ann, l.recs[0], "status", "open")
	update(t, l.bob, l.recs[0], "status", "closed")
	pull(t, l.ann, l.bob)
	l.rows = []uint32{2}
	edited, err := l.takeAway(t).Edit(t.Context(), func(e *replica.Edit) error {
		return e.Update(l.recs[0], map[string]string{"status": "open"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []replica.Decision{{Record: l.recs[0], Prop: "status", Value: "open"}}; !slices.Equal(edited.Decided, want) {
		t.Errorf("decided %v, want %v", edited.Decided, want)
	}
}

// TestADeletionOfWhatNobodyElseKnowsCopiesNothing: of a record all of whose changes hang on a lost one only the deletion is logged; of one that others know, what hangs as well.
func TestADeletionOfWhatNobodyElseKnowsCopiesNothing(t *testing.T) {
	for known := range 2 {
		t.Run(fmt.Sprint(known, " records are known"), func(t *testing.T) {
			l := withBob(t, known)
			if known == 0 {
				l.recs = append(l.recs, newTicket(t, l.ann))
			} else {
				update(t, l.ann, l.recs[0], "status", "open")
			}
			l.rows = []uint32{l.ann.Latest()}
			update(t, l.ann, l.recs[0], "owner", "ann")
			ann := l.takeAway(t)
			before := ann.Latest()
			remove(t, ann, l.recs[0])
			if n := ann.Latest() - before; (n > 1) != (known > 0) {
				t.Errorf("%d rows were added", n)
			}
		})
	}
}

// TestAnUpdateOfWhatWasDeletedIsCopied: a program of another make may write an update where ours write a create.
func TestAnUpdateOfWhatWasDeletedIsCopied(t *testing.T) {
	l := withBob(t, 1)
	rec := l.recs[0]
	update(t, l.ann, rec, "owner", "ann")
	remove(t, l.ann, rec)
	c := madeUp(changeset.ID{Origin: uuid.New(), Seq: 1})
	c.Changes[0].Record, c.Changes[0].Kind, c.Changes[0].Parents = rec, changeset.Update, []changeset.ID{{Origin: l.ann.UUID(), Seq: 3}}
	if err := l.ann.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Integrate(c); return err }); err != nil {
		t.Fatal(err)
	}
	l.rows = []uint32{2}
	ann := l.takeAway(t)
	before := shows(t, ann)
	replicatest.Edit(t, ann, func(e *replica.Edit) error { return e.Update(rec, nil) })
	pull(t, l.bob, ann)
	if here, there := shows(t, ann), shows(t, l.bob); here != before || there != before {
		t.Errorf("it showed\n%s\nAnn shows\n%s\nand Bob\n%s", before, here, there)
	}
}

// TestWhoListsWhatWaitsIsWarnedOnce: what a record shows is read without its changesets, of which one is lost. Of what nobody waits for nothing is said.
func TestWhoListsWhatWaitsIsWarnedOnce(t *testing.T) {
	l := withBob(t, 2)
	edits(t, l.ann, "status", "open", l.recs...)
	l.rows = []uint32{3}
	fsys := l.takeAway(t).FS()
	for _, waits := range []int{1, 0} {
		for name, read := range map[string]func(r *replica.Replica) error{
			"all": func(r *replica.Replica) (err error) {
				for _, err = range r.All("") {
				}
				return err
			},
			"deletions": func(r *replica.Replica) (err error) {
				for _, err = range r.Deletions("") {
				}
				return err
			},
			"types":     func(r *replica.Replica) error { _, err := r.CountTypes(t.Context()); return err },
			"dump":      func(r *replica.Replica) error { return r.Dump(io.Discard, replica.DumpOptions{RecordsOnly: true}) },
			"of record": func(r *replica.Replica) error { return r.WarnOfLoss(l.recs[0]) },
		} {
			said, opts := []string{}, at("ann", 13)
			opts.Warn = func(s string) { said = append(said, s) }
			r := replicatest.Open(t, fsys, opts)
			if err := errors.Join(read(r), read(r)); err != nil || len(said) != waits || waits > 0 && !strings.Contains(said[0], "is lost, and what builds on it goes to nobody") {
				t.Errorf("%s: %d are to be warned, and %q is said, %v", name, waits, said, err)
			}
		}
		if _, err := replicatest.Open(t, fsys, at("ann", 14)).Release(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
}
