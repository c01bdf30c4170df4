package replica

import (
	"cmp"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// Who looks at all records reads what parts have of them together: some thousands of records at a time, in the order of the rows, so that each frame is read once for all of them
// and not once for each. A record of which anything is loose or damaged is read alone, which also finds the words for what is wrong with it.

// So much is read together; tests have less.
var (
	togetherFirst = 4               // records, for who needs few of them
	togetherMost  = 16384           // records, after these
	togetherBytes = int64(32 << 20) // of changesets and texts; what is left is read alone
)

// together yields those of the records that live, with their properties, in their order, each as alone reads it. It may pass over those that do not have what is asked for.
func (l *Log) together(records iter.Seq2[*Record, error], having Having, alone readAlone) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		next, stop := iter.Pull2(records)
		defer stop()
		loose := newLooseOnes(l)        // before the parts are looked through: so what somebody packs meanwhile is met here or there
		defer func() { loose.stop() }() // which has() sets
		among := l.once(having)
		for most := togetherFirst; ; most = togetherMost {
			batch, err := take(next, most)
			for i, s := range l.readTogether(batch, loose, among) {
				if s.passed {
					continue
				}
				rec, lives, err := batch[i], s.exists, error(nil)
				if rec.Props = s.props; !s.known {
					rec.Props, lives, err = alone(rec)
				}
				if err == nil && !lives {
					continue
				}
				if !yield(rec, err) || err != nil {
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(batch) == 0 {
				return
			}
		}
	}
}

// readAlone reads the newest version of a record, as [Log.listedProps] does.
type readAlone func(rec *Record) (props map[string]string, ok bool, err error)

// take returns the next records, and the error that ends them.
func take(next func() (*Record, error, bool), most int) (batch []*Record, err error) {
	for len(batch) < most {
		rec, err, ok := next()
		if err != nil || !ok {
			return batch, err
		}
		batch = append(batch, rec)
	}
	return batch, nil
}

// packedState is what parts have of a record's newest version.
type packedState struct {
	key    cas.Key
	needed int  // rows that were not read yet
	known  bool // all of it was read
	exists bool
	props  map[string]string
	passed bool // over, because nobody asked for it
}

// needed is a row that a record's newest version is made from.
type needed struct {
	part, row uint32
	record    int
	text      *cas.Key // the version that the part has as such; nil if the change counts
}

// readTogether reads the newest versions of records, as far as they are in parts alone, and of these only those that are among some, unless that is nil.
func (l *Log) readTogether(records []*Record, loose *looseOnes, among map[changeset.RecordID]bool) []packedState {
	states := make([]packedState, len(records))
	packs, err := l.packs()
	if err != nil || len(packs.parts) == 0 {
		return states
	}
	needs := packs.needs(records, states, loose, among)
	slices.SortFunc(needs, func(a, b needed) int {
		return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.row, b.row))
	})
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	var size atomic.Int64
	for len(needs) > 0 {
		part := needs[0].part
		n := slices.IndexFunc(needs, func(n needed) bool { return n.part != part })
		if n < 0 {
			n = len(needs)
		}
		ofPart := needs[:n] // a record needs nothing of other parts
		group.Go(func() error {
			readNeeds(packs.parts[part], ofPart, records, states, &size)
			return nil
		})
		needs = needs[n:]
	}
	_ = group.Wait() // they return none: what was not read is read alone
	return states
}

// needs lists what the newest versions are made from.
func (p *packs) needs(records []*Record, states []packedState, loose *looseOnes, among map[changeset.RecordID]bool) (needs []needed) {
	finders := make([]*parts.Finder, len(p.parts))
	typ := ""
	for i, rec := range records {
		if rec.ID.Type != typ {
			typ = rec.ID.Type
			for k := range finders {
				finders[k], _ = p.parts[k].Finder(typ)
			}
		}
		if loose.has(rec.ID) {
			continue
		}
		if states[i].passed = among != nil && !among[rec.ID]; states[i].passed {
			continue
		}
		for k := len(finders) - 1; k >= 0 && finders[k] != nil; k-- {
			touches, err := finders[k].Find(rec.ID.UUID)
			if err != nil {
				break
			}
			if touches.Len() > 0 {
				needs = states[i].needs(needs, uint32(k), i, touches)
				break
			}
		}
	}
	return needs
}

// needs appends what one newest version is made from: the last text before it, and the changes since.
func (s *packedState) needs(list []needed, part uint32, record int, touches parts.Touches) []needed {
	had := len(list)
	for at := touches.Len() - 1; at >= 0; at-- {
		v, text, err := touches.At(at)
		if err != nil {
			return list[:had]
		}
		if len(list) == had {
			s.key, s.known = v.Key, v.Deleted()
		}
		if v.Deleted() {
			break
		}
		n := needed{part: part, row: v.Seq, record: record}
		if text {
			n.text = (*cas.Key)(&v.Key)
		}
		if list = append(list, n); text {
			break
		}
	}
	s.needed = len(list) - had
	return list
}

// readNeeds reads rows of a part, and adds to size how many bytes that took. It stops at an error, and where there are too many.
func readNeeds(p *parts.Part, needs []needed, records []*Record, states []packedState, size *atomic.Int64) {
	rows := p.Sweep()
	for len(needs) > 0 && size.Load() < togetherBytes {
		row := needs[0].row
		object, texts, err := rows.Row(row)
		if err != nil {
			return
		}
		size.Add(int64(len(object) + len(texts)))
		var c *changeset.Changeset
		for ; len(needs) > 0 && needs[0].row == row; needs = needs[1:] {
			n := needs[0]
			if n.text == nil && c == nil {
				if c, err = changeset.Decode(object); err != nil {
					return
				}
			}
			states[n.record].read(records[n.record].ID, c, texts, n.text)
		}
	}
}

// read takes in a row: a version of the record, or a change to it. Without either the record's state stays unknown. After the last one what came out is checked.
func (s *packedState) read(rec changeset.RecordID, c *changeset.Changeset, texts []byte, key *cas.Key) {
	if key != nil {
		text, err := parts.TextOf(texts, *key)
		if err != nil || text == nil {
			return
		}
		if s.props, err = changeset.DecodeRecord(text); err != nil {
			return
		}
		s.exists, s.needed = true, s.needed-1
	} else if ch := c.Change(rec); ch != nil {
		s.exists, s.props = Replay(s.exists, s.props, ch)
		s.needed--
	}
	if s.needed == 0 {
		s.known = s.exists && cas.Sum(changeset.EncodeRecord(s.props)) == s.key
	}
}

// looseOnes tells of records, asked for in the order of their types and UUIDs, which have a loose index.
type looseOnes struct {
	log    *Log
	since  int // the list of parts that was known at the beginning; with another one nobody can tell: what was loose may be in parts that are not looked at
	next   func() (changeset.RecordID, error, bool)
	stop   func()
	typ    string
	at     changeset.RecordID
	ended  bool
	failed bool
}

func newLooseOnes(l *Log) *looseOnes { return &looseOnes{log: l, since: l.listing(), stop: func() {}} }

// has reports whether a record has one, or nobody can tell.
func (o *looseOnes) has(rec changeset.RecordID) bool {
	if rec.Type != o.typ {
		o.stop()
		o.typ, o.ended, o.failed = rec.Type, false, false
		o.next, o.stop = iter.Pull2(o.log.looseRecords(rec.Type, o.since))
		o.advance()
	}
	for !o.ended && !o.failed && o.at.Compare(rec) < 0 {
		o.advance()
	}
	return o.failed || !o.ended && o.at == rec
}

func (o *looseOnes) advance() {
	rec, err, ok := o.next()
	o.at, o.ended, o.failed = rec, !ok, err != nil
}
