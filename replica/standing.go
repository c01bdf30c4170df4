package replica

import (
	"fmt"
	"maps"
	"math/bits"
	"path"
	"slices"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
)

// standing is what the files of a log tell of a UUID, but for those that name the replica: whether it is the replica's own.
type standing struct {
	marked    bool   // the original's mark is there, as of other replicas and of former UUIDs
	listed    bool   // it is listed as a former one
	noted     bool   // it is noted as a peer; so is one's own, once one's own mirror was read
	own       int    // changesets of it that stand in the rows of their numbers
	last      uint32 // of these rows
	books     int    // and bookkeeping among them, which never leaves its log
	elsewhere int    // changesets of it that stand in other rows
}

// standings returns what is known of all origins that have rows, counted or not, and of some UUIDs more.
func standings(l *Log, more ...uuid.UUID) (map[uuid.UUID]standing, error) {
	held, err := rowsHeld(l.fs)
	if err != nil {
		return nil, err
	}
	whole := l.withRows(held)
	known := map[uuid.UUID]standing{}
	for _, u := range more {
		known[u] = standing{}
	}
	for seq := uint32(1); seq <= held; seq++ {
		row, err := whole.Row(seq)
		if err != nil {
			continue // it is damaged, and says nothing
		}
		s := known[row.ID.Origin]
		if row.ID.Seq != seq {
			s.elsewhere++
		} else {
			s.own, s.last = s.own+1, seq
			if c, err := l.Changeset(row); err == nil && c.Bookkeeping() {
				s.books++
			}
		}
		known[row.ID.Origin] = s
	}
	former, _ := l.Former() // where it cannot be read, it says nothing
	for u, s := range known {
		s.marked, s.listed, s.noted = there(l, markFile(u)), slices.Contains(former, u), l.notesPeer(u)
		known[u] = s
	}
	return known, nil
}

// there reports whether a file of a log is there, or cannot be looked for.
func there(l *Log, name string) bool {
	ok, err := exists(l.fs, name)
	return ok || err != nil
}

// notesPeer reports whether a UUID is noted as a peer's, and not for a mirror that was published from here.
func (l *Log) notesPeer(u uuid.UUID) bool {
	p, err := l.Peer(u)
	return there(l, peerFile(u)) && !(err == nil && p.Published)
}

// mayBePresent reports whether neither a mark nor the list of former ones says that the UUID is not the replica's present one.
func (s standing) mayBePresent() bool { return !s.marked && !s.listed }

// compare says which of two UUIDs rather is the replica's own: 1 for this one, -1 for the other, 0 where nothing tells. It goes by the marks first, which lie apart from both the log and our notes.
func (s standing) compare(o standing) int {
	for _, sign := range []struct{ is, its bool }{
		{s.mayBePresent(), o.mayBePresent()}, {s.books > 0, o.books > 0}, {s.elsewhere == 0, o.elsewhere == 0}, {s.own > 0, o.own > 0}, {!s.noted, !o.noted},
	} {
		switch {
		case sign.is && !sign.its:
			return 1
		case sign.its && !sign.is:
			return -1
		}
	}
	return 0
}

// rivals compares the UUID that the identity has of a log with that in its file: 1 if the identity's rather is the replica's own, -1 if the file's is, 0 where nothing tells or they are the same.
func (id identity) rivals(l *Log) int {
	said, err := changeset.ParseUUID(id[l.prefix+changeset.ReplicaUUIDFile])
	is, failed := l.readUUID(changeset.ReplicaUUIDFile)
	if err != nil || failed != nil || said == is {
		return 0
	}
	if l.prefix != "" && id.isOfEdits(l.root) {
		return 1
	}
	known, err := standings(l, said, is)
	if err != nil {
		return 0
	}
	return known[said].compare(known[is])
}

// bothLogs are the logs at the root of a file system, of which nothing was read.
func bothLogs(fsys afero.Fs) []*Log {
	return []*Log{newLog(fsys, "", "", &limits{}), newLog(fsys, changeset.ResolutionsDir+"/", "", &limits{})}
}

// othersIdentity reports whether the identity is that of another replica, which got here by a mistake, or may well be.
func othersIdentity(fsys afero.Fs, id identity) bool {
	return id.isDoubted(fsys) || slices.ContainsFunc(bothLogs(fsys), func(l *Log) bool {
		return id.rivals(l) < 0 || isAnothers(l, id[l.prefix+changeset.ReplicaUUIDFile])
	})
}

// isDoubted reports whether the UUID of a replica is lost, and what the identity says of it is not to be believed: it is known here as that of a peer or as a former one, or the identity says of the other
// log what nothing confirms. Two replicas with one UUID lose edits; so nobody gets that of a peer.
func (id identity) isDoubted(fsys afero.Fs) bool {
	logs := bothLogs(fsys)
	return id.isDoubtedOf(logs[0], logs[1]) || id.isDoubtedOf(logs[1], logs[0])
}

// isDoubtedOf is isDoubted for one of the logs.
func (id identity) isDoubtedOf(l, other *Log) bool {
	u, err := changeset.ParseUUID(id[l.prefix+changeset.ReplicaUUIDFile])
	if _, lost := l.readUUID(changeset.ReplicaUUIDFile); err != nil || !isDamage(lost) { // where it is there, rivals compares the two
		return false
	}
	known, err := standings(l, u)
	if err != nil {
		return false
	}
	switch s := known[u]; {
	case s.listed:
		return true
	case s.books > 0:
		return false
	case s.marked: // the rows of whom this replica is a clone of stand in those of their numbers too
		return true
	case s.own > 0:
		return false
	case s.noted:
		return true
	}
	is, err := other.readUUID(changeset.ReplicaUUIDFile)
	name := other.prefix + changeset.ReplicaUUIDFile
	return err == nil && id[name] != is.String() && isUndecided(l.root, id, name, is)
}

// isAnothers reports whether a UUID is marked as that of another replica, and has no row of its own number here: the log has another one that is the replica's own, or the number that is marked is none of
// the log's own. A mark of no changeset says nothing: a replica that gives up its UUID leaves one.
func isAnothers(l *Log, text string) bool {
	u, err := changeset.ParseUUID(text)
	if err != nil {
		return false
	}
	n, err := l.v1Mark(path.Base(markFile(u)))
	whole := l.withAllRows()
	if err != nil || n == 0 || whole.hasRowsOf(u) || l.isConfirmed(u) {
		return false
	}
	own, _ := ownOrigin(l)
	return whole.hasOtherThan(u, n) || own != "" && own != u.String()
}

// marksAnother reports whether the original's mark of a UUID says by itself that it is another replica's: what is one's own stands in the row of its number, and has no mark, but where a program of the
// original pulled from a mirror of itself, or where somebody made edits up under the name that a move gives. It costs one look where there is no mark, and is for writers.
func (l *Log) marksAnother(u uuid.UUID) bool {
	n, err := l.v1Mark(path.Base(markFile(u)))
	if err != nil || n == 0 {
		return false
	}
	whole := l.withAllRows()
	return whole.hasOtherThan(u, n) && !whole.hasRowsOf(u) && !l.isConfirmed(u)
}

// hasOtherThan reports whether the row of a number can be read, and is not that of the origin's changeset of the number. If the log has not so many rows, a program of the original may have met a copy of
// this replica.
func (l *Log) hasOtherThan(origin uuid.UUID, seq uint32) bool {
	row, err := l.Row(seq)
	return err == nil && row.ID != changeset.ID{Origin: origin, Seq: seq}
}

// isConfirmed reports whether a UUID is that of the resolutions as the identity has it, which the log of edits bears out: their marks are another replica's then, and not their UUID.
func (l *Log) isConfirmed(u uuid.UUID) bool {
	if l.prefix == "" {
		return false
	}
	id, err := l.readIdentity()
	return err == nil && id[votesReplicaFile] == u.String() && id.isOfEdits(l.root)
}

// isOfEdits reports whether the identity is that of the replica by the log of edits: it names that as its file does, no mark says that it is another's, and changesets of it stand in the rows of their numbers.
func (id identity) isOfEdits(root afero.Fs) bool {
	main := bothLogs(root)[0]
	u, err := changeset.ParseUUID(id[changeset.ReplicaUUIDFile])
	return err == nil && id.isOf(main) && main.withAllRows().hasRowsOf(u)
}

// hasRowsOf reports whether a changeset of the origin stands in the row of its number.
func (l *Log) hasRowsOf(u uuid.UUID) bool {
	for seq := l.latest; seq > 0; seq-- { // who edits has made some of the last ones
		if row, err := l.Row(seq); err == nil && row.ID == (changeset.ID{Origin: u, Seq: seq}) {
			return true
		}
	}
	return false
}

// anothersName is the error of a file with the UUID of another replica.
func (l *Log) anothersName(u uuid.UUID) error {
	return l.damaged(changeset.ReplicaUUIDFile, fmt.Errorf("it holds %s, and that is another replica: %s has how far its changesets are known here", u, join(l.prefix, markFile(u))))
}

// isUndecided reports whether nothing tells which of two UUIDs is the replica's: that of the identity, or the one in its file. A file that was swapped with another one, or of which a bit flipped, is damaged.
func isUndecided(fsys afero.Fs, id identity, name string, is uuid.UUID) bool {
	if name != changeset.ReplicaUUIDFile && name != votesReplicaFile || differBy(id[name], is.String()) == 1 {
		return false
	}
	for _, other := range identityFiles[:uuidFiles] {
		if id[other] == is.String() {
			return false
		}
	}
	return !slices.ContainsFunc(bothLogs(fsys), func(l *Log) bool { return id.rivals(l) > 0 || id.isOf(l) })
}

// isOf reports whether the identity names a log as its file does, and no mark says that it is another's: then it is this replica's, in what it says of the other log too.
func (id identity) isOf(l *Log) bool {
	u, err := l.readUUID(changeset.ReplicaUUIDFile)
	return err == nil && id[l.prefix+changeset.ReplicaUUIDFile] == u.String() && !there(l, markFile(u))
}

// differBy returns in how many bits two texts of one length differ; -1 if they are of different lengths.
func differBy(a, b string) (n int) {
	if len(a) != len(b) {
		return -1
	}
	for i := range len(a) {
		n += bits.OnesCount8(a[i] ^ b[i])
	}
	return n
}

// ownOrigin is the UUID under which the log's own bookkeeping was made: that never leaves the log. Without such, it is that of the only origin with rows of its own numbers, and no others. None is that of
// which there is a mark; and where several are left, none that is noted as a peer.
func ownOrigin(l *Log) (text, why string) {
	known, err := standings(l)
	if err != nil {
		return "", ""
	}
	for _, may := range []func(s standing) bool{
		func(s standing) bool { return s.books > 0 && s.mayBePresent() },
		func(s standing) bool { return s.own > 0 && s.elsewhere == 0 && s.mayBePresent() },
		func(s standing) bool { return s.own > 0 && s.elsewhere == 0 && s.mayBePresent() && !s.noted },
	} {
		left := maps.Clone(known)
		maps.DeleteFunc(left, func(_ uuid.UUID, s standing) bool { return !may(s) })
		if len(left) == 1 {
			return inOrder(left)[0].String(), "it is the origin of what was made here"
		}
	}
	return "", ""
}

// isMistaken reports whether a file of a replica's UUID holds that of another one.
func (p *repair) isMistaken(name string, u uuid.UUID) bool {
	for _, l := range bothLogs(p.fs) {
		if name == l.prefix+changeset.ReplicaUUIDFile {
			return isAnothers(l, u.String())
		}
	}
	return false
}
