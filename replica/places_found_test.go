package replica_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

func TestWhereAPeerWasFoundIsKeptUntilAnotherIsFoundThere(t *testing.T) {
	r := replicatest.Init(t, crashfs.New(), replica.Options{})
	ann, twin := uuid.New(), uuid.New()
	find := func(peer uuid.UUID, at replica.Place) {
		t.Helper()
		err := r.Update(context.Background(), func(tx *replica.Tx) error {
			p, err := r.Log().Peer(peer)
			p.FoundAt(at)
			tx.SetPeer(p)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(peer uuid.UUID, home string, places ...string) {
		t.Helper()
		p, err := r.Log().Peer(peer)
		var got []string
		for _, at := range p.Places() {
			got = append(got, at.URL)
		}
		if err != nil || p.Home() != home || !slices.Equal(got, places) {
			t.Errorf("found at %q, home %q, %v; want %q, home %q", got, p.Home(), err, places, home)
		}
	}
	check(ann, "")
	find(ann, replica.Place{URL: "/www", Copy: true})
	check(ann, "/www", "/www")
	find(ann, replica.Place{URL: "/ann"})
	find(ann, replica.Place{URL: "/www/", Copy: true})
	check(ann, "/ann", "/www/", "/ann")
	find(ann, replica.Place{URL: "/stick"})
	check(ann, "/stick", "/stick", "/www/", "/ann")

	find(twin, replica.Place{URL: "/ann"}) // a copy that got a UUID of its own
	check(ann, "/stick", "/stick", "/www/")
	find(twin, replica.Place{URL: "/stick"})
	check(ann, "/www/", "/www/")
	check(twin, "/stick", "/stick", "/ann")

	forgotten, err := r.ForgetPlaces(context.Background(), func(url string) bool { return url == "/stick" || url == "/www/" })
	if err != nil || len(forgotten) != 2 {
		t.Errorf("forgot %v, %v", forgotten, err)
	}
	check(ann, "")
	check(twin, "/ann", "/ann")
}
