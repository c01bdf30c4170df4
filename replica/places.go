package replica

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Where peers are found. A place has one peer: the one that was met there last. A peer may have several: its directory, say, and a mirror.

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

// FoundAt notes where the peer is found now. Where it was found before is kept.
func (p *Peer) FoundAt(at Place) {
	before := p.Places()
	p.Place = at
	p.Also = slices.DeleteFunc(before, func(b Place) bool { return samePlace(b.URL, at.URL) })
}

// Places returns where the peer was found, the latest first.
func (p *Peer) Places() []Place {
	places := slices.Clone(p.Also)
	if p.URL != "" {
		places = slices.Insert(places, 0, p.Place)
	}
	return places
}

// Home returns where the peer makes its edits, as far as is known: the latest place that is no copy, else the latest; "" if it is found nowhere.
func (p *Peer) Home() string {
	places := p.Places()
	if i := slices.IndexFunc(places, func(at Place) bool { return !at.Copy }); i >= 0 {
		return places[i].URL
	}
	if len(places) == 0 {
		return ""
	}
	return places[0].URL
}

// Meet notes where a peer is found of which nothing was read, as after a push to it, or a publication, in a transaction of its own. What was read of it before counts as it
// did. It writes nothing if the place is noted already, nor into a replica in which only the original wrote.
func (r *Replica) Meet(ctx context.Context, peer uuid.UUID, at Place) error {
	if ours, err := r.log.takenOver(); err != nil || !ours {
		return err
	}
	if p, err := r.log.Peer(peer); err != nil || p.isFoundAt(at.URL) {
		return err
	}
	return r.Update(ctx, func(tx *Tx) error { return tx.main.meet(peer, at) })
}

func (t *txLog) meet(peer uuid.UUID, at Place) error {
	p, err := t.Peer(peer)
	switch {
	case err != nil || p.isFoundAt(at.URL):
		return err
	case p.damaged != nil:
		p = Peer{UUID: peer}
	}
	p.Published = p.Published || peer == t.self
	if p.Read == 0 && p.Representations == 0 {
		p.FoundAt(at)
		t.setPeer(p)
		return nil
	}
	p.Also = slices.Insert(slices.Clone(p.Also), 0, at) // what was read counts where it was read, and while our own log has the rows that it had then
	t.tx.d.Replace(t.name(peerFile(p.UUID)), p.encode())
	return nil
}

// isFoundAt reports whether it is noted that the peer was found there.
func (p *Peer) isFoundAt(url string) bool {
	return p.damaged == nil && slices.ContainsFunc(p.Places(), func(at Place) bool { return samePlace(at.URL, url) })
}

// forgetPlaces forgets the places that are meant, of peers of which the transaction notes nothing else. It returns a peer for each of them.
func (t *txLog) forgetPlaces(meant func(url string) bool) (forgotten []Peer, err error) {
	peers, err := t.peers()
	if err != nil {
		return nil, err
	}
	for _, p := range peers {
		if _, met := t.met[p.UUID]; met || p.damaged != nil {
			continue
		}
		was := p
		p.Also = slices.DeleteFunc(slices.Clone(p.Also), func(at Place) bool { return meant(at.URL) })
		if p.URL != "" && meant(p.URL) {
			p.Place = Place{}
		}
		gone := slices.DeleteFunc(was.Places(), func(at Place) bool { return !meant(at.URL) })
		if len(gone) == 0 {
			continue
		}
		for _, at := range gone {
			was.Place = at
			forgotten = append(forgotten, was)
		}
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

// PeerAt returns what is known of the peer that was met last at a place; ok is false if there is none, or its notes cannot be read.
func (l *Log) PeerAt(url string) (p Peer, ok bool, err error) {
	peers, err := l.peers()
	if err != nil {
		return p, false, err
	}
	i := slices.IndexFunc(peers, func(p Peer) bool { return p.damaged == nil && p.URL != "" && samePlace(p.URL, url) })
	if i < 0 {
		return p, false, nil
	}
	return peers[i], true, nil
}

func samePlace(a, b string) bool { return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/") }
