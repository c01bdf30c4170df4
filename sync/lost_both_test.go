package sync_test

import "testing"

// What both have lost may stand in another row here than there.
func TestWhatBothHaveLostHoldsNoPullUp(t *testing.T) {
	l := withBob(t, 2)
	update(t, l.bob, l.recs[0], "owner", "bob")
	bob := (&loss{ann: l.bob, rows: []uint32{3}}).takeAway(t)
	update(t, bob, l.recs[1], "owner", "bob")
	pull(t, l.ann, bob)
	if at := l.ann.Latest(); at != 3 || bob.Latest() != 4 {
		t.Fatalf("row 4 there is row %d here", at)
	}
	bob = (&loss{ann: bob, rows: []uint32{4}}).takeAway(t)
	l.rows = []uint32{3}
	ann := l.takeAway(t)
	newTicket(t, bob)
	if report := pull(t, ann, bob); report.Integrated != 1 {
		t.Errorf("report %+v", *report)
	}
}
