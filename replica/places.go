package replica

import (
	"context"
	"strings"
)

// Where peers are found. A place has one peer: the one that was met there last.

// ForgetPlaces forgets where peers are found whose URL is one of those that are meant, in one transaction, and the last peer if it is one. What was read of them stays
// known. It returns these peers, as they were, by UUID.
func (r *Replica) ForgetPlaces(ctx context.Context, meant func(url string) bool) (forgotten []Peer, err error) {
	err = r.Update(ctx, func(tx *Tx) (err error) {
		if forgotten, err = tx.main.forgetPlaces(meant); err == nil {
			_, err = tx.res.forgetPlaces(meant)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	last, err := r.LastPeer()
	if err == nil && last != "" && meant(last) {
		err = r.SetLastPeer("")
	}
	return forgotten, err
}

// forgetPlaces forgets the places that are meant, of peers of which the transaction notes nothing else.
func (t *txLog) forgetPlaces(meant func(url string) bool) (forgotten []Peer, err error) {
	peers, err := t.peers()
	if err != nil {
		return nil, err
	}
	for _, p := range peers {
		if _, met := t.met[p.UUID]; met || p.damaged != nil || p.URL == "" || !meant(p.URL) {
			continue
		}
		forgotten = append(forgotten, p)
		p.URL = ""
		t.tx.d.Replace(t.name(peerFile(p.UUID)), p.encode())
	}
	return forgotten, nil
}

// takePlace forgets that others were found where a peer is found now, if that was not noted before: a copy that got a UUID of its own, say, was met under its old one.
func (t *txLog) takePlace(p Peer) error {
	before, err := t.Peer(p.UUID)
	if err != nil || p.URL == "" || samePlace(before.URL, p.URL) {
		return err
	}
	_, err = t.forgetPlaces(func(url string) bool { return samePlace(url, p.URL) })
	return err
}

func samePlace(a, b string) bool { return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/") }
