package v1peer

import (
	"errors"
	"maps"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
)

// pair is two peers of one database with one ticket.
func pair(t *testing.T) (alice, bob *Peer, ticket changeset.RecordID) {
	t.Helper()
	alice, err := Init(afero.NewMemMapFs(), Options{Creator: "alice"})
	must(t, err)
	ticket, err = alice.Create("Ticket", props{"status": "new"})
	must(t, err)
	bob, err = Clone(afero.NewMemMapFs(), alice.FS(), Options{Creator: "bob"})
	must(t, err)
	return alice, bob, ticket
}

func TestAPullThatDiesKeepsWhatCameBeforeAndGoesOnWithAnotherPreference(t *testing.T) {
	alice, bob, ticket := pair(t)
	other, err := alice.Create("Ticket", nil)
	must(t, err)
	must(t, alice.Update(ticket, props{"status": "open"}))
	must(t, bob.Delete(ticket))

	report, err := bob.Pull(alice.FS(), From)
	if !errors.Is(err, ErrNotResolved) || report.Conflicts != 1 {
		t.Fatalf("pull: %+v, %v; want it to die", report, err)
	}
	if _, ok, err := bob.Props(other); !ok || err != nil {
		t.Errorf("what came before is not there (%v)", err)
	}
	if latest, err := bob.Latest(); latest != 3 || err != nil {
		t.Errorf("the log has %d rows (%v), want 3: nothing of what it died of", latest, err)
	}
	report, err = bob.Pull(alice.FS(), To)
	must(t, err)
	got, ok, err := bob.Props(ticket)
	if report != (Report{Integrated: 1, Conflicts: 1}) || !ok || err != nil || !maps.Equal(got, props{"status": "open"}) {
		t.Errorf("the next pull gave %+v and %v (%v), want what the edit wrote and nothing else", report, got, err)
	}
}

func TestWhatIsForwardedHasLostWhatTheOriginalDoesNotKnow(t *testing.T) {
	alice, bob, ticket := pair(t)
	fresh := changeset.RecordID{Type: "Ticket", UUID: uuid.New()}
	id := changeset.ID{Origin: alice.UUID(), Seq: 2}
	must(t, alice.write(&changeset.Changeset{ID: id, Created: "2026-01-01 00:00:00", Creator: changeset.Text("alice"), Changes: []changeset.Change{
		{Record: ticket, Kind: changeset.Create, Parents: []changeset.ID{{Origin: alice.UUID(), Seq: 1}},
			Props: map[string]changeset.PropChange{"status": {New: changeset.Text("open"), Old: changeset.Text("new")}, "owner": {}}},
		{Record: fresh, Kind: changeset.Create, Parents: []changeset.ID{},
			Props: map[string]changeset.PropChange{"status": {New: changeset.Text("new")}, "owner": {}, "body": {New: changeset.Text("")}}},
	}}))
	_, err := bob.Pull(alice.FS(), Nobody)
	must(t, err)
	rows, err := bob.Rows()
	must(t, err)
	c, err := bob.Changeset(rows[len(rows)-1])
	must(t, err)

	was := c.Change(ticket)
	if was.Kind != changeset.Update || was.Parents != nil || len(was.Props) != 2 {
		t.Errorf("the create of a record that exists became %+v, want an update with all properties and no parents", was)
	}
	made := c.Change(fresh)
	if made.Kind != changeset.Create || made.Parents != nil || len(made.Props) != 1 {
		t.Errorf("the create became %+v, want one without parents and without what it leaves empty", made)
	}
	if c.ID != id {
		t.Errorf("it bears %s, want %s", c.ID, id)
	}
}

// write logs a changeset as it is, which no replica of the original does.
func (p *Peer) write(c *changeset.Changeset) error {
	latest, err := p.main.latest()
	if err != nil {
		return err
	}
	return errors.Join(p.main.log(latest+1, c, false), p.main.write(changeset.LatestFile, []byte{byte('1' + latest)}))
}

func TestAnswersAreAskedForOnce(t *testing.T) {
	alice, bob, ticket := pair(t)
	must(t, alice.Update(ticket, props{"status": "open"}))
	must(t, bob.Update(ticket, props{"status": "stalled"}))
	asked := 0
	ask := func(c Conflict) (map[string]changeset.Value, bool) {
		asked++
		return map[string]changeset.Value{c.Clashes[0].Name: changeset.Text("both")}, true
	}
	for _, p := range []struct{ to, from *Peer }{{bob, alice}, {alice, bob}} {
		_, err := p.to.Pull(p.from.FS(), ask)
		must(t, err)
		got, _, err := p.to.Props(ticket)
		if err != nil || got["status"] != "both" {
			t.Errorf("status is %q (%v), want the answer", got["status"], err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once: the vote travels", asked)
	}
}

func TestWhatIsBelowTheMarkIsNotTaken(t *testing.T) {
	alice, bob, ticket := pair(t)
	must(t, alice.Update(ticket, props{"status": "open"}))
	must(t, bob.main.raise(alice.UUID(), 2))
	report, err := bob.Pull(alice.FS(), To)
	if err != nil || report.Integrated != 0 {
		t.Errorf("%+v, %v: want nothing", report, err)
	}
}

func TestAPullFromAnotherDatabaseIsRefused(t *testing.T) {
	alice, _, _ := pair(t)
	other, _, _ := pair(t)
	if _, err := alice.Pull(other.FS(), To); err == nil {
		t.Error("it is not")
	}
}

func TestWhereBothSaySoThereIsNothingToResolveAndBookkeepingIsSeen(t *testing.T) {
	alice, bob, ticket := pair(t)
	must(t, alice.Update(ticket, props{"status": "open"}))
	must(t, bob.Update(ticket, props{"status": "open"}))
	_, err := bob.Pull(alice.FS(), Nobody)
	must(t, err)
	votes, err := bob.Votes()
	must(t, err)
	if latest, err := bob.Latest(); latest != 4 || len(votes) != 0 || err != nil {
		t.Errorf("%d rows, %d votes (%v): want a nullification and the changeset, no resolution and no vote", latest, len(votes), err)
	}
	must(t, alice.Update(ticket, props{"owner": "alice"}))
	must(t, bob.Update(ticket, props{"owner": "bob"}))
	_, err = bob.Pull(alice.FS(), To)
	must(t, err)
	_, err = alice.Pull(bob.FS(), To)
	must(t, err)
	latest, err := bob.Latest()
	must(t, err)
	if mark, err := alice.main.mark(bob.UUID()); mark != int64(latest) || err != nil {
		t.Errorf("the mark is %d (%v), want %d: the resolution at the end counts as seen", mark, err, latest)
	}
}
