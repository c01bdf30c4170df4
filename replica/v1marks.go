package replica

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
)

// marksDir holds, for the original, the highest sequence number seen of each replica.
const marksDir = "local_metadata"

func markFile(replica uuid.UUID) string {
	return path.Join(marksDir, "last-changeset-from-"+replica.String())
}

// markedBy returns the replica of which the file of that name holds the original's mark; ok is false for another file.
func markedBy(name string) (u uuid.UUID, ok bool) {
	rest, ok := strings.CutPrefix(strings.ToLower(name), "last-changeset-from-")
	u, err := changeset.ParseUUID(rest)
	return u, ok && err == nil
}

// v1Mark reads the original's mark in the file of that name below marksDir.
func (l *Log) v1Mark(name string) (uint32, error) {
	file := path.Join(marksDir, name)
	text, err := readSmall(l.fs, file)
	if err != nil {
		return 0, err
	}
	return parseNumber(join(l.where, l.prefix+file), text)
}

// v1Marks returns the original's marks, by replica: the highest sequence number seen of it. Where one is damaged, otherwise says what it counts as.
func (l *Log) v1Marks(otherwise func(damage error) (uint32, error)) (map[uuid.UUID]uint32, error) {
	names, err := l.list(marksDir)
	if err != nil {
		return nil, err
	}
	marks := map[uuid.UUID]uint32{}
	for _, name := range names {
		u, is := markedBy(name)
		if !is {
			continue
		}
		n, err := l.v1Mark(name)
		if isDamage(err) {
			n, err = otherwise(err)
		}
		if err != nil {
			return nil, err
		}
		marks[u] = max(marks[u], n)
	}
	return marks, nil
}

// tooHigh reports whether one of the original's marks that is above all that the log has of a replica, and that was read of it, cannot be right: where we read that replica ourselves, and note how far. Else a program of the original may have
// written it, after rows that brought nothing, or we did, before the replica was put back. Where such a program did so after us, it reads those rows once more, and they bring nothing again.
func (l *Log) tooHigh(u uuid.UUID) (bool, error) {
	p, err := l.Peer(u)
	if err != nil || p.damaged != nil || p.Read == 0 {
		return false, err
	}
	if former, err := l.Former(); err != nil || slices.Contains(former, u) { // it says how many rows the log had then
		return false, err
	}
	turned, err := l.Turned(p)
	return err == nil && !turned, err
}

// writeMarks raises the original's marks, but for those of peers that went back; those of the log's own replica are none.
func (t *txLog) writeMarks() error {
	if t.turned {
		if err := t.lowerMarks(); err != nil {
			return err
		}
	}
	for _, origin := range inOrder(t.marks) {
		seq := t.marks[origin]
		if origin == t.self {
			continue
		}
		old, err := t.v1Mark(path.Base(markFile(origin)))
		none := isNotExist(err) || isDamage(err)
		if isDamage(err) {
			seq, err = t.markAnew(origin, seq, err)
		}
		if err != nil && !isNotExist(err) {
			return fmt.Errorf("read %s: %w", markFile(origin), err)
		}
		back := false
		if !none && seq < old {
			if seq, back, err = t.markBack(origin, seq); err != nil {
				return err
			}
		}
		if none || seq > old || back {
			t.tx.d.Replace(t.name(markFile(origin)), strconv.AppendUint(nil, uint64(seq), 10))
		}
	}
	return nil
}

// markBack is the mark of a peer of which less was read by now than before, as after it was put back from a backup, where the transaction asks for seq at least; back: it is one. With a mark that stays, programs of the original would take
// none of what it makes until it has as many rows again.
func (t *txLog) markBack(peer uuid.UUID, seq uint32) (mark uint32, back bool, err error) {
	p, met := t.met[peer]
	if !met {
		return seq, false, nil
	}
	before, err := t.Peer(peer)
	if err != nil || before.damaged != nil || before.Read <= p.Read {
		return seq, false, err
	}
	highest, err := t.known.highest(t.Log)
	return max(seq, highest[peer]), err == nil, err
}

// inOrder returns the UUIDs that have something, in their order, which is that of what is written of them.
func inOrder[T any](of map[uuid.UUID]T) []uuid.UUID {
	return slices.SortedFunc(maps.Keys(of), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
}

// markAnew is the mark in place of a damaged one, where the transaction asks for seq at least: the highest number in the log.
func (t *txLog) markAnew(origin uuid.UUID, seq uint32, damage error) (uint32, error) {
	highest, err := t.known.highest(t.Log)
	if err == nil {
		t.tx.r.warn(fmt.Sprintf("%v; it is written anew", damage))
	}
	return max(seq, highest[origin]), err
}

// lowerMarks sets the original's marks that are ahead of what the log has back to that: with these, the original would never ask for what was lost.
func (t *txLog) lowerMarks() error {
	highest, err := t.known.highest(t.Log)
	if err != nil {
		return err
	}
	for origin, seq := range t.marks {
		highest[origin] = max(highest[origin], seq)
	}
	marks, err := t.v1Marks(func(error) (uint32, error) { return maxSeq, nil })
	if err != nil {
		return err
	}
	for _, u := range inOrder(marks) {
		mark := marks[u]
		p, err := t.Peer(u)
		if err != nil {
			return err
		}
		if turned, err := t.Turned(p); err != nil {
			return err
		} else if _, met := t.met[u]; !turned && !met {
			highest[u] = max(highest[u], p.Read)
		}
		if highest[u] < mark {
			t.tx.d.Replace(t.name(markFile(u)), strconv.AppendUint(nil, uint64(highest[u]), 10))
		}
	}
	return nil
}
