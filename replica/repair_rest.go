package replica

import (
	"maps"
	"path"
	"slices"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
)

// mendMarks mends the original's marks: in a replica of ours each is at least what the log has of that origin, and how far the log of that peer was read. A greater one may be right, see [Log.tooHigh]. In one that
// only the original wrote to, those that can be read are believed.
func (p *repair) mendMarks() error {
	if p.copied {
		return nil
	}
	for _, l := range p.logs() {
		if err := p.mendMarksOf(l); err != nil {
			return err
		}
	}
	return nil
}

func (p *repair) mendMarksOf(l *Log) error {
	must, err := p.seen(l)
	if err != nil {
		return err
	}
	former, _ := l.Former() // where it cannot be read, that was told
	for _, u := range former {
		must[u] = max(must[u], 0) // programs of the original are to ask for nothing of it
	}
	names, err := l.list(marksDir)
	if err != nil {
		return err
	}
	there := map[uuid.UUID]bool{}
	for _, name := range names {
		u, is := markedBy(name)
		if !is {
			continue
		}
		there[u] = true
		n, err := l.v1Mark(name)
		if err != nil && !isDamage(err) {
			return err
		}
		if isDamage(err) && u == l.uuid {
			file := l.prefix + path.Join(marksDir, name)
			p.tell(file, IsSetAside, "it cannot be read, and it is about this replica itself, which needs none")
			if err := p.takeAway(file); err != nil {
				return err
			}
		}
		high := false
		if least, known := must[u]; err == nil && p.ours && known && n > least && u != l.uuid {
			if high, err = l.tooHigh(u); err != nil {
				return err
			}
		}
		if err == nil && (!p.ours || n >= must[u] && !high) || u == l.uuid {
			continue
		}
		if err := p.writeV1Mark(l, name, must[u]); err != nil {
			return err
		}
	}
	if !p.ours || p.of[l.prefix].noteTo < l.latest {
		return nil
	}
	for _, u := range slices.SortedFunc(maps.Keys(must), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }) {
		if !there[u] && u != l.uuid && (must[u] > 0 || slices.Contains(former, u)) {
			if err := p.writeV1Mark(l, path.Base(markFile(u)), must[u]); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeV1Mark writes one of the original's marks.
func (p *repair) writeV1Mark(l *Log, name string, n uint32) error {
	file := l.prefix + path.Join(marksDir, name)
	mended, err := p.replace(file, []byte(formatNumber(n)))
	if mended && n == 0 {
		p.tell(file, IsRebuilt, "the log has no changeset of that replica")
	} else if mended {
		p.tell(file, IsRebuilt, "the log has changesets of that replica up to %d", n)
	}
	return err
}

// seen returns the highest number of each origin in the log, and of each peer how far its log was read if that is more.
func (p *repair) seen(l *Log) (map[uuid.UUID]uint32, error) {
	var known knownIDs
	must, err := known.highest(l)
	if err != nil {
		return nil, err
	}
	peers, err := l.peers()
	if err != nil {
		return nil, err
	}
	for _, peer := range peers {
		if turned, err := l.Turned(peer); err == nil && !turned && peer.damaged == nil {
			must[peer.UUID] = max(must[peer.UUID], peer.Read)
		}
	}
	return must, nil
}

// mendPeers mends what is noted of peers, as far as the checksum proves it, and takes away the rest of what cannot be read: then nothing counts as read of them.
func (p *repair) mendPeers() error {
	for _, l := range p.logs() {
		peers, err := l.peers()
		if err != nil {
			return err
		}
		for _, peer := range peers {
			if peer.damaged == nil {
				continue
			}
			if err := p.mendPeer(l, peers, peer.UUID); err != nil {
				return err
			}
		}
	}
	return p.mendLastPeer()
}

func (p *repair) mendPeer(l *Log, peers []Peer, u uuid.UUID) error {
	file := l.prefix + peerFile(u)
	is := func(b []byte) bool {
		peer, err := parsePeer(b, u)
		return err == nil && !peer.bare
	}
	var guesses [][]byte // where files were swapped, one of the others was this one
	for _, other := range peers {
		for _, name := range []string{l.prefix + peerFile(other.UUID), path.Join(SetAsideDir, l.prefix+peerFile(other.UUID))} {
			if b, err := p.read(name); err == nil && b != nil {
				guesses = append(guesses, b)
			}
		}
	}
	b, err := p.read(file)
	if err != nil {
		return err
	}
	if want := proven(b, guesses, is); want != nil {
		_, err := p.replace(file, want)
		p.tell(file, IsRebuilt, "its checksum proves it")
		return err
	}
	p.tell(file, IsSetAside, "what was noted of that replica cannot be read; the next pull from it reads its log from the beginning")
	return p.takeAway(file)
}

// mendLastPeer mends the note on the last peer, or takes it away: it is only a default.
func (p *repair) mendLastPeer() error {
	b, err := p.read(lastPeerFile)
	if b == nil || err != nil {
		return err
	}
	_, bare, err := p.r.readLastPeer()
	if bare && err == nil { // it is believed, unless it should bear a checksum: then a damaged one may name somebody else
		id, idErr := newLog(p.fs, "", "", &limits{}).readIdentity()
		bare = idErr == nil && id != nil
	}
	if !isDamage(err) && !bare {
		return err
	}
	want := proven(b, nil, func(b []byte) bool {
		_, bare, err := parseLastPeer(string(b))
		return err == nil && !bare
	})
	if want == nil {
		why := "it cannot be read"
		if bare {
			why = "it bears no checksum, so that it may be damaged"
		}
		p.tell(lastPeerFile, IsSetAside, "%s; the next pull or push has to name the other replica", why)
		return p.takeAway(lastPeerFile)
	}
	_, err = p.replace(lastPeerFile, want)
	p.tell(lastPeerFile, IsRebuilt, "its checksum proves it")
	return err
}

// takeStrays takes away objects that nothing needs, and whose bytes are not what they are named after.
func (p *repair) takeStrays() error {
	for _, l := range p.logs() {
		for _, store := range []*cas.Store{l.objects, l.versions} {
			var stray []string
			err := store.Walk(func(key cas.Key, file string) error {
				if key.IsZero() {
					return p.ctx.Err()
				}
				if _, err := store.Get(key); isMissingObject(err) {
					stray = append(stray, file)
				}
				return p.ctx.Err()
			})
			if err != nil {
				return err
			}
			for _, file := range stray {
				p.tell(file, IsSetAside, "its bytes are not what it is named after, and nothing needs it")
				if err := p.takeAway(file); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// mergeAnew merges the records of whose changes something else is known now than before, or that show something else than they merge to, and logs a resolution where that changes what they show.
func (p *repair) mergeAnew() error {
	main, votes := p.of[""].anew, p.of[changeset.ResolutionsDir+"/"].anew
	if !p.ours || len(main)+len(votes) == 0 && !p.recount {
		return nil
	}
	return p.r.updateLocked(p.ctx, func(tx *Tx) error {
		tx.regained, p.conflicts = p.regained, tx.opened
		if err := tx.res.remerge(sorted(votes)); err != nil {
			return err
		}
		tx.recount = tx.recount || p.recount || len(votes) > 0
		return tx.main.remerge(sorted(main))
	})
}
