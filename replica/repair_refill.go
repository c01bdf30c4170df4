package replica

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// errNobodyHas says that a row of a pack cannot be had.
var errNobodyHas = errors.New("nobody who was asked has it")

// refilling is a damaged pack that is written anew.
type refilling struct {
	*partsRepair
	part   *parts.Part
	before *Log                     // what there was before the part
	kept   map[uint32][]parts.Touch // of which versions the pack had the texts, by row
	from   map[string]bool          // the places of others that had something
	walks  map[changeset.RecordID]*walk
}

// walk is how far a record was replayed through a part.
type walk struct {
	touches parts.Touches
	next    int // of the touches
	state   map[changeset.RecordID]*made
	stuck   bool // one cannot be read
}

// refill writes a damaged pack anew, frame by frame: from those that are whole, and from changesets that are loose here or that others have. It reports whether that came to the same bytes.
func (x *partsRepair) refill(ref parts.Ref, before parts.List) (bool, error) {
	part := parts.Open(x.p.fs, x.prefix, ref, new(parts.Cache))
	kept, err := part.Kept()
	if err != nil {
		return false, err
	}
	out, err := durable.Create(x.p.fs, x.prefix+parts.Dir+"/new"+parts.PackExt)
	if err != nil {
		return false, err
	}
	f := &refilling{x, part, x.tierOf(before, ref.First-1), kept, map[string]bool{}, map[changeset.RecordID]*walk{}}
	sum, err := part.Refill(out, f.row)
	x.p.unread(err)
	if disturbed := x.p.disturbed(); disturbed != nil {
		out.Discard()
		return false, disturbed
	}
	if err != nil || sum != ref.Pack {
		out.Discard()
		return false, nil
	}
	if err := x.keep(out, ref.PackFile()); err != nil {
		return false, err
	}
	if len(f.from) > 0 {
		x.p.tell(x.prefix+ref.PackFile(), IsFetched, "what was not here came from %s", strings.Join(slices.Sorted(maps.Keys(f.from)), ", "))
	} else {
		x.p.tell(x.prefix+ref.PackFile(), IsRebuilt, "made again from what is there")
	}
	return true, nil
}

// row returns a row of the pack, with the versions of which it had the texts, in the order of its changes.
func (f *refilling) row(seq uint32) (object []byte, texts []parts.Touch, err error) {
	if object, err = f.objectOf(seq); err != nil || len(f.kept[seq]) == 0 {
		return object, nil, err
	}
	c, err := changeset.Decode(object)
	if err != nil {
		return nil, nil, errNobodyHas
	}
	for i := range c.Changes {
		for _, t := range f.kept[seq] {
			if t.Record != c.Changes[i].Record {
				continue
			}
			if t.Text, err = f.textOf(seq, t); err != nil {
				return nil, nil, err
			}
			texts = append(texts, t)
		}
	}
	return object, texts, nil
}

// objectOf returns the changeset that the index names in a row, from here or from others.
func (f *refilling) objectOf(seq uint32) ([]byte, error) {
	key, known := f.named(seq)
	if !known {
		return nil, errNobodyHas
	}
	return f.had(f.looseOf(cas.Key(key)), func(r *Replica) ([]byte, error) { return sameLog(r, f.l).objects.Get(key) }, func(r *Replica) ([]byte, error) {
		row, _ := rowIn(f.index, seq) // whole, or its name were not known
		return r.bytesOf(row.ID, f.prefix != "", key)
	})
}

// textOf returns the text of a version that a row made, from here or from others.
func (f *refilling) textOf(seq uint32, of parts.Touch) ([]byte, error) {
	here, err := f.replayed(seq, of)
	if err != nil {
		return nil, err
	}
	return f.had(here, func(r *Replica) ([]byte, error) { return sameLog(r, f.l).versions.Get(of.Key) }, func(r *Replica) ([]byte, error) {
		return sameLog(r, f.l).versionOf(of.Record, of.Key)
	})
}

// had returns what is here, or else what others have, each asked in one way and then in another.
func (f *refilling) had(here []byte, ask, orElse func(r *Replica) ([]byte, error)) ([]byte, error) {
	if here != nil {
		return here, nil
	}
	for _, way := range []func(r *Replica) ([]byte, error){ask, orElse} {
		for _, r := range f.p.others() {
			b, err := way(r)
			f.p.passOver(r, err)
			if err == nil && b != nil {
				f.from[r.where()] = true
				return b, nil
			}
		}
	}
	return nil, errNobodyHas
}

// replayed makes a version of a record that a row of the pack made, of what was before the part and the changes in it; nil if that does not come to it. Rows are asked for in their order, so that each is read once.
func (f *refilling) replayed(seq uint32, of parts.Touch) ([]byte, error) {
	w := f.walks[of.Record]
	if w == nil {
		touches, err := f.part.Touches(of.Record)
		if err != nil {
			return nil, err
		}
		w = &walk{touches: touches, state: map[changeset.RecordID]*made{}}
		f.walks[of.Record] = w
	}
	for ; !w.stuck && w.next < w.touches.Len(); w.next++ {
		v, _, err := w.touches.At(w.next)
		if err != nil || v.Seq > seq {
			return nil, err
		}
		touch, text, err := f.step(w, v.Seq, of.Record)
		if err != nil {
			w.stuck = true
			return nil, f.p.disturbed()
		}
		if v.Seq == seq && touch.Key == of.Key {
			w.next++
			return text, nil
		}
	}
	return nil, nil
}

// step applies what a row of the pack did to a record to what was before it.
func (f *refilling) step(w *walk, seq uint32, rec changeset.RecordID) (parts.Touch, []byte, error) {
	object, err := f.part.Changeset(seq)
	if err != nil {
		object, err = f.objectOf(seq)
	}
	if err != nil {
		return parts.Touch{}, nil, err
	}
	c, err := changeset.Decode(object)
	if err == nil && c.Change(rec) == nil {
		err = errNobodyHas
	}
	if err != nil {
		return parts.Touch{}, nil, err
	}
	touch, text, err := replayOn(f.before, w.state, c.Change(rec), f.part.First)
	f.p.unread(err)
	return touch, text, err
}
