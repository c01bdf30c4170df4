package resolution_test

import "testing"

func TestBareChangeHasSeenItsOriginsPreviousOne(t *testing.T) {
	merges{
		{"its own chain", "a1 create p=x; a2 update p=v>y", "lives p=y"},
		{"by numbers, not by clocks", "a2 update p=v>y @1; a1 create p=x @9", "lives p=y"},
		{"and all that it had seen", "a1 create < p=x; b1 update <a1 q=y; b2 update p=v>z", "lives p=z q=y"},
		{"the previous one alone", "a1 create < p=x; a2 update < q=v; a3 update p=w>y", "lives p=y q=v | p? a3=y a1=x"},
		{"not what others did", "a1 create p=x; b1 update p=v>y", "lives p=y | p? b1=y a1=x"},
		{"numbers may be missing between", "a3 create p=x; a9 update p=v>y", "lives p=y"},
		{"a change with known parents has those alone", "a1 create p=x; a2 update < p=y", "lives p=y | p? a2=y a1=x"},
	}.run(t)
}

func TestBareDeletionHasSeenAllThatIsEarlierInT(t *testing.T) {
	merges{
		{"an earlier edit", "a1 create < p=x; b1 delete", "deleted"},
		{"not a later one", "a1 create < p=x; b1 delete; a2 update <a1 p=x>y", "lives p=y | exists? keep a2 delete b1"},
		{"by the clock, whatever the order of the log", "a1 create < p=x; a2 update <a1 p=x>y @9; b1 delete @5", "lives p=y | exists? keep a2 delete b1"},
		{"all heads", "a1 create < p=x; c1 update <a1 q=y; d1 update <a1 r=z; b1 delete", "deleted"},
		{"also another bare deletion", "a1 create < p=x; b1 delete; c1 delete", "deleted"},
		{"a deletion with known parents has seen those alone", "a1 create < p=x; b1 delete <", "lives p=x | exists? keep a1 delete b1"},
		{"what it has seen, those who have seen it have seen", "a1 create < p=x; c1 update <a1 p=x>y; b1 delete; d1 update <b1 p=y>z", "lives p=z"},
		{"and what is later, they have not", "a1 create < p=x; b1 delete @5; c1 update <a1 p=x>y @6; d1 update <b1 p=x>z @7", "lives p=z | p? d1=z c1=y"},
		{"it overrules no write by itself", "a1 create < p=x; c1 update <a1 p=x>y; b1 delete; d1 update <a1 p=x>z", "lives p=z | p? d1=z c1=y | exists? keep d1 delete b1"},
		{"between two edits of another", "a1 create p=x; b1 delete; a2 update p=x>y", "lives p=y | exists? keep a2 delete b1"},
	}.run(t)
}

// What a bare deletion has seen shows T.
func TestTGoesByTimeOfCreationOfAncestorsThenDepthOriginAndNumber(t *testing.T) {
	const seen, unseen = "deleted", "lives | exists? keep "
	merges{
		{"time", "c1 update < @4; b1 delete @5", seen},
		{"time, the other way", "a1 update < @6; b1 delete @5", unseen + "a1 delete b1"},
		{"a parent's later time counts", "c1 create < @9; c2 update <c1 @1; b1 delete @5", unseen + "c2 delete b1"},
		{"an ancestor's later time counts", "c1 create < @9; c2 update <c1 @1; c3 update <c2 @2; b1 delete @5", unseen + "c3 delete b1"},
		{"so does that of the deletion's own chain", "b1 create @9; c1 update < @6; b2 delete @5", seen},
		{"an own chain's later time counts", "c1 create @9; c2 update @1; b1 delete @5", unseen + "c2 delete b1"},
		{"then depth", "c1 create < @5; c2 update <c1 @5; b1 create @5; b2 update @5; b3 delete @5", seen},
		{"then depth, the other way", "a1 create < @5; a2 update <a1 @5; b1 delete @5", unseen + "a2 delete b1"},
		{"the depth is the longest way", "b1 create < @5; a1 update <b1 @5; a2 update <a1,b1 @5; c1 create @5; c2 delete @5", unseen + "a2 delete c2"},
		{"then origin", "a1 update < @5; b1 delete @5", seen},
		{"then origin, the other way", "c1 update < @5; b1 delete @5", unseen + "c1 delete b1"},
		{"then number", "b3 update < @5; b9 delete @5; b2 update < @5", seen},
		{"a number is no text", "b9 update < @5; b10 delete @5; b8 update < @5", seen},
		{"what a deletion has seen by T adds nothing to its depth", "a1 update < @5; b1 delete @5; c1 update < @5", unseen + "c1 delete b1"},
	}.run(t)
}

func TestBareWriteBeatsTheValueThatItNames(t *testing.T) {
	merges{
		{"an earlier write of it", "a1 create < p=x; b1 update p=x>y", "lives p=y"},
		{"any earlier ones of it", "a1 create < p=x; c1 create < p=x; b1 update p=x>y", "lives p=y"},
		{"not another value", "a1 create < p=x; b1 update p=v>y", "lives p=y | p? b1=y a1=x"},
		{"not a later write", "b1 update p=x>y; a1 create < p=x", "lives p=x | p? a1=x b1=y"},
		{"for that property alone", "a1 create < p=x q=x; b1 update p=x>y q=v>z", "lives p=y q=z | q? b1=z a1=x"},
		{"and is beaten in turn", "a1 create < p=x; b1 update p=x>y; c1 update p=y>z", "lives p=z"},
		{"what beats one value leaves the others", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; d1 update p=z>w", "lives p=w | p? d1=w b1=y"},
		{"also when it was overruled itself", "a1 create < p=x; b1 update p=x>y; c1 update <b1 p=y>z", "lives p=z"},
		{"null beats null", "a1 create < p=x; a2 update <a1 p=x>; b1 update p=>y", "lives p=y"},
		{"the empty text is null", `a1 create < p=x; a2 update <a1 p=x>""; b1 update p=>y`, "lives p=y"},
		{"null is the empty text", `a1 create < p=x; a2 update <a1 p=x>; b1 update p="">y`, "lives p=y"},
		{"null that a re-creation implies", "a1 create < p=x; a2 delete <a1; a3 create <a2; b1 update p=>y", "lives p=y"},
		{"null that a bare re-creation implies beats nothing", "a1 create < p=x; b1 delete; a2 update <a1 p=x>; b2 create; c1 update <a1 p=x>z",
			"lives p=z | p? c1=z b2=null a2=null"},
		{"a value set to itself", "a1 create < p=x; b1 update p=x>x; c1 update <a1 p=x>y", "lives p=y | p? c1=y b1=x"},
		{"a write with known parents beats nothing", "a1 create < p=x; b1 update < p=x>y", "lives p=y | p? b1=y a1=x"},
		{"a deletion beats nothing", "a1 create < p=x; c1 update <a1 p=x>y @9; b1 delete p=y>z @5; b2 update q=v @5", "lives p=y q=v"},
	}.run(t)
}

func TestBareRecreationGoesByItsOwnChain(t *testing.T) {
	merges{
		{"over its own deletion", "a1 create p=x; a2 delete; a3 create q=y", "lives q=y"},
		{"clears what the deletion has seen by T", "b1 create < p=x; a1 update q=v; a2 delete; a3 create q=y", "lives q=y"},
		{"not what is later in T", "b1 create < p=x @9; a1 create q=v @1; a2 delete @2; a3 create q=y @3", "lives p=x q=y"},
		{"over its own edit it is an update", "a1 create p=x; a2 create q=y", "lives p=x q=y"},
		{"over another's deletion it is an update", "b1 create < p=x; b2 delete <b1; a1 create q=y", "lives p=x q=y | exists? keep a1 delete b2"},
		{"a known create over a bare deletion", "b1 create < p=x; a1 delete; c1 create <a1 q=y", "lives q=y"},
		{"goes by its parents, not by what was seen by T", "b1 create < p=x; a1 delete; c1 create <b1,a1 q=y", "lives p=x q=y"},
	}.run(t)
}
