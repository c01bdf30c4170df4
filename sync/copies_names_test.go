package sync_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"prophet/replica"
	psync "prophet/sync"
)

// backToFront returns a family in which dave has what ann moved, and beside it what a third copy made later: that stands above it in his log. Carol
// has the same under its old name. Erin has pulled nothing since the beginning.
func backToFront(t *testing.T) (f *family, erin *replica.Replica) {
	t.Helper()
	f = newFamily(t)
	erin = f.clone("erin")
	third := reopen(t, copyTree(t, f.twin.FS()), "third")
	f.edit(f.carol, "by carol")
	pull(t, third, f.carol)
	f.edit(third, "by the third") // number 3, and it has no number 2
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	pull(t, f.carol, f.ann)
	pull(t, f.carol, third)
	pull(t, f.dave, third)
	pull(t, f.dave, f.carol) // which brings ann's number 2
	pull(t, f.ann, f.twin)
	pull(t, f.dave, f.ann)
	return f, erin
}

func TestAMoveIsKnownByItsLowestNumberWhereverThatStands(t *testing.T) {
	f, _ := backToFront(t)
	f.meet([]string{"by ann", "by the third", "by the twin"}, f.carol, f.dave, f.ann, f.twin)
}

// bringSecondName lets carol get what the third copy made under its new name too, and not the edit that proves the name.
func (f *family) bringSecondName(erin *replica.Replica) {
	f.t.Helper()
	psync.SmallBatches(f.t, 1, 1)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := psync.Pull(ctx, erin, f.dave, psync.Options{Progress: func(done, _ int) {
		if done == 4 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		f.t.Fatal(err)
	}
	pull(f.t, f.carol, erin)
}

func TestAnEditThatCameUnderBothNamesIsThereOnceAfterTheMove(t *testing.T) {
	f, erin := backToFront(t)
	f.bringSecondName(erin)
	f.meet([]string{"by ann", "by the third", "by the twin"}, f.carol, f.dave, f.ann, f.twin, erin)
}

// The decision names the edit as a parent, so a log that has it below the decision cannot be cloned.
func TestAnEditThatCameUnderBothNamesStaysAboveWhatWasMadeOnIt(t *testing.T) {
	f, erin := backToFront(t)
	f.edit(f.carol, "decided")
	f.bringSecondName(erin)
	f.meet([]string{"by the twin", "decided"}, f.carol, f.dave, f.ann, f.twin, erin)
	sound(t, f.carol.FS(), "carol")
	f.meet([]string{"by the twin", "decided"}, cloneOf(t, f.carol, "finn"), f.carol)
}

// bothNames returns a family in which dave has what ann moved under both names, as the original brings it, which knows of no moves. The twin knows it under the
// new one, name.
func bothNames(t *testing.T) (f *family, name uuid.UUID) {
	t.Helper()
	f = newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	pull(t, f.dave, f.ann)
	pull(t, f.ann, f.twin)
	pull(t, f.twin, f.ann)
	moved := changesetAt(t, f.ann, 2)
	put(t, f.dave, moved)
	return f, moved.ID.Origin
}

func TestAnEditThatTheOriginalBroughtUnderItsOtherNameIsThereOnce(t *testing.T) {
	f, _ := bothNames(t)
	f.meet([]string{"by ann", "by the twin"}, f.carol, f.dave, f.ann, f.twin)
}

func TestWhoReidentifiesGivesNoThirdName(t *testing.T) {
	f, name := bothNames(t)
	moved, err := psync.Reidentify(t.Context(), f.dave, f.twin, psync.Options{})
	if err != nil || len(moved) == 0 || moved[0].To != name {
		t.Errorf("moved %+v, %v, want the name %s", moved, err, name)
	}
	f.meet([]string{"by ann", "by the twin"}, f.carol, f.dave, f.ann, f.twin)
}
