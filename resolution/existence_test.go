package resolution_test

import "testing"

func TestRecordIsDeletedIfAllItsHeadsAreDeletions(t *testing.T) {
	merges{
		{"no change was made", "", "deleted"},
		{"one deletion that has seen all", "a1 create < p=x; a2 delete <a1", "deleted"},
		{"two deletions", "a1 create < p=x; b1 delete <a1; c1 delete <a1", "deleted"},
		{"an edit beside a deletion", "a1 create < p=x; b1 delete <a1; c1 update <a1 p=x>y", "lives p=y | exists? keep c1 delete b1"},
		{"an edit before a deletion", "a1 create < p=x; a2 update <a1 p=x>y; b1 delete <a2", "deleted"},
		{"an edit after a deletion", "a1 create < p=x; b1 delete <a1; a2 update <b1 p=x>y", "lives p=y"},
		{"an edit beside several deletions", "a1 create < p=x; b1 delete <a1; c1 delete <a1; d1 update <a1 q=z",
			"lives p=x q=z | exists? keep d1 delete c1 b1"},
		{"several edits beside a deletion", "a1 create < p=x; b1 delete <a1; c1 update <a1 q=y; d1 update <a1 r=z",
			"lives p=x q=y r=z | exists? keep d1 c1 delete b1"},
		{"a deletion of what was never made", "a1 delete <", "deleted"},
		{"a deletion beside a create", "a1 create < p=x; b1 delete <", "lives p=x | exists? keep a1 delete b1"},
		{"the heads alone count", "a1 create < p=x; b1 delete <a1; c1 update <a1 p=x>y; d1 delete <b1,c1", "deleted"},
		{"an edit that has no property", "a1 create < p=x; b1 delete <a1; c1 update <a1", "lives p=x | exists? keep c1 delete b1"},
		{"the later of the two does not win", "a1 create < p=x; b1 delete <a1 @9; c1 update <a1 p=x>y @2", "lives p=y | exists? keep c1 delete b1"},
	}.run(t)
}

func TestDeletionWritesNoProperty(t *testing.T) {
	merges{
		{"a survivor has all its properties", "a1 create < p=x q=y r=z; b1 delete <a1; c1 update <a1 p=x>w", "lives p=w q=y r=z | exists? keep c1 delete b1"},
		{"an update of what was deleted finds all", "a1 create < p=x q=y; b1 delete <a1; a2 update <b1", "lives p=x q=y"},
		{"property changes in a deletion count for nothing", "a1 create < p=x; b1 delete <a1 p=x>y q=z; a2 update <b1 r=w", "lives p=x r=w"},
		{"a conflict from before a deletion is open after it", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; a2 delete <b1,c1; a3 update <a2",
			"lives p=z | p? c1=z b1=y"},
		{"an edit that knew the deletion says nothing of other properties", "a1 create < p=x; b1 update <a1 p=x>y; a2 delete <a1; c1 update <a2,b1 q=z",
			"lives p=y q=z"},
	}.run(t)
}

func TestExistenceIsOpenUntilAChangeHasSeenBothSides(t *testing.T) {
	const open = "a1 create < p=x; b1 delete <a1; c1 update <a1 p=x>y; "
	merges{
		{"any edit keeps it", open + "a2 update <b1,c1 q=z", "lives p=y q=z"},
		{"an edit with no property keeps it", open + "a2 update <b1,c1", "lives p=y"},
		{"a create keeps it, as an update does", open + "a2 create <b1,c1 q=z", "lives p=y q=z"},
		{"a deletion deletes it", open + "a2 delete <b1,c1", "deleted"},
		{"an edit that has seen the edit alone leaves it open", open + "a2 update <c1 q=z", "lives p=y q=z | exists? keep a2 delete b1"},
		{"a deletion that has seen the deletion alone leaves it open", open + "a2 delete <b1", "lives p=y | exists? keep c1 delete a2"},
		{"a deletion that has seen the edit alone settles it: no head edits", open + "a2 delete <c1", "deleted"},
		{"two decisions may clash", open + "a2 update <b1,c1; d1 delete <b1,c1", "lives p=y | exists? keep a2 delete d1"},
		{"an edit that was not seen opens it again", open + "a2 delete <b1,c1; d1 update <c1 p=y>z", "lives p=z | exists? keep d1 delete a2"},
	}.run(t)
}

func TestRecreationClearsWhatItDoesNotName(t *testing.T) {
	const gone = "a1 create < p=x q=y; a2 delete <a1; "
	merges{
		{"a create over a deletion", gone + "b1 create <a2 p=z", "lives p=z"},
		{"with no property", gone + "b1 create <a2", "lives"},
		{"over two deletions", "a1 create < p=x q=y; a2 delete <a1; b1 delete <a1; c1 create <a2,b1 q=z", "lives q=z"},
		{"clears what any ancestor wrote", "a1 create < p=x; a2 update <a1 q=y; b1 update <a2 r=z; b2 delete <b1; c1 create <b2 s=w", "lives s=w"},
		{"clears what is in conflict", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; a2 delete <b1,c1; d1 create <a2 q=w", "lives q=w"},
		{"clears what an earlier re-creation wrote", gone + "b1 create <a2 r=z; b2 delete <b1; c1 create <b2 s=w", "lives s=w"},
		{"a value named as null is null", gone + "b1 create <a2 p= q=z", "lives q=z"},
		{"a value named as the empty text is null", gone + `b1 create <a2 p="" q=z`, "lives q=z"},
		{"an update over a deletion clears nothing", gone + "b1 update <a2 p=z", "lives p=z q=y"},
	}.run(t)
}

func TestCreateThatHasSeenSomeEditAsAHeadIsAnUpdate(t *testing.T) {
	merges{
		{"a parent is an edit", "a1 create < p=x q=y; b1 create <a1 p=z", "lives p=z q=y"},
		{"one of two parents is an edit", "a1 create < p=x q=y; a2 delete <a1; b1 update <a1; c1 create <a2,b1 p=z", "lives p=z q=y"},
		{"it knew no change", "a1 create < p=x q=y; b1 create < q=z", "lives p=x q=z | q? b1=z a1=y"},
		{"it knew no change, and the other was deleted", "a1 create < p=x q=y; a2 delete <a1; b1 create < q=z",
			"lives p=x q=z | q? b1=z a1=y | exists? keep b1 delete a2"},
	}.run(t)
}

func TestRecreationLeavesAloneWhatItHasNotSeen(t *testing.T) {
	merges{
		{"a property that only the other wrote", "a1 create < p=x; a2 delete <a1; b1 create <a2 p=z; c1 update <a1 s=w",
			"lives p=z s=w"},
		{"a property that both wrote", "a1 create < p=x; a2 delete <a1; b1 create <a2 p=z; c1 update <a1 p=x>w", "lives p=w | p? c1=w b1=z"},
		{"a property that it clears", "a1 create < p=x; a2 delete <a1; b1 create <a2 q=z; c1 update <a1 p=x>w", "lives p=w q=z | p? c1=w b1=null"},
		{"a property that it clears, later", "a1 create < p=x; a2 delete <a1; b1 create <a2 q=z; c1 update <a1 p=x>w @2", "lives q=z | p? b1=null c1=w"},
		{"two re-creations", "a1 create < p=x q=y; a2 delete <a1; b1 create <a2 p=v; c1 create <a2 q=w", "lives q=w | p? c1=null b1=v | q? c1=w b1=null"},
		{"two that clear the same agree", "a1 create < p=x; a2 delete <a1; b1 create <a2; c1 create <a2", "lives"},
	}.run(t)
}
