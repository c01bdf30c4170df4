package replica

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// packsBeside are packs that no list of parts names, held against the log. A pack gets its name once the journal lies there that tells of it, and who takes that back removes it ([Replica.dropParts]); what gc makes has rows that
// were committed. So one that lies there without a journal was committed: if it goes on where the log ends, a backup was put back over it.
type packsBeside struct {
	self    uuid.UUID // of the log
	end     uint32    // its last row
	made    map[changeset.ID]cas.Key
	another bool // what stands in a row, or was made here under a number, is another edit in one of them than in the log, or in another one
	spans   []*packSpan
}

// packSpan are the rows of a pack, and of those after the end of the log which was made here last, under the number of its row.
type packSpan struct {
	name              string // within the log
	first, last, made uint32
	alien             bool // it has what was made here in another row than that of its number: it is another replica's
}

func newPacksBeside(l *Log, end uint32) *packsBeside {
	return &packsBeside{self: l.uuid, end: end, made: map[changeset.ID]cas.Key{}}
}

// add adds a pack, of which the rows follow.
func (b *packsBeside) add(name string) *packSpan {
	s := &packSpan{name: name}
	b.spans = append(b.spans, s)
	return s
}

// row adds the next row of a pack: the changeset, nil where it is none. It is called for those after the end of the log.
func (b *packsBeside) row(s *packSpan, seq uint32, key cas.Key, c *changeset.Changeset) {
	if c == nil || c.ID.Origin != b.self {
		return
	}
	if c.ID.Seq != seq {
		s.alien = true
		return
	}
	if was, is := b.made[c.ID]; is && was != key {
		b.another = true
	}
	b.made[c.ID], s.made = key, seq
}

// extent returns up to which row the log goes on in packs that follow its end without a gap, and each other. In each of them there must be something that was made here, under the number of its row: else they may be another
// replica's. Where packs are of two lines, nothing tells of which one this log is.
func (b *packsBeside) extent() (end uint32) {
	end = b.end
	if b.another {
		return end
	}
	slices.SortStableFunc(b.spans, func(s, o *packSpan) int { return cmp.Compare(s.first, o.first) })
	for _, s := range b.spans {
		if s.first > 0 && s.first <= end+1 && s.made > end && !s.alien {
			end = max(end, s.last)
		}
	}
	return end
}

// loose looks at a loose changeset: made here under the number of a row, it is another edit than a pack has, or than the log, of which same says that of a row.
func (b *packsBeside) loose(key cas.Key, c *changeset.Changeset, same func(c *changeset.Changeset) bool) {
	if c.ID.Origin != b.self {
		return
	}
	was, is := b.made[c.ID]
	b.another = b.another || is && was != key || c.ID.Seq <= b.end && !same(c)
}

// leftPack is what a pack that no list names has that is nowhere else here.
type leftPack struct {
	name string
	only int      // ordinary changesets, and what is none
	made []uint32 // numbers of those that were made here
}

// lookBeside reads the packs among files that no list names, and returns what each has that is nowhere else here, and up to which row the log goes on in them.
func (l *Log) lookBeside(ctx context.Context, names []string) (left []leftPack, end uint32, err error) {
	b, known := newPacksBeside(l, l.latest), new(knownIDs)
	for _, name := range names {
		if !strings.HasSuffix(name, parts.PackExt) {
			continue
		}
		p, err := l.lookInto(ctx, name, b, known)
		if isNotExist(err) {
			continue // gc removed it
		}
		if err != nil {
			return nil, 0, err
		}
		left = append(left, p)
	}
	if b.extent() == l.latest {
		return left, l.latest, nil
	}
	err = l.objects.Walk(func(key cas.Key, _ string) error {
		text, err := l.objects.Get(key)
		if c, bad := changeset.Decode(text); err == nil && bad == nil {
			b.loose(key, c, l.hasSame)
		}
		return ctx.Err()
	})
	return left, b.extent(), err
}

// hasSame reports whether a changeset that was made here is the edit that the log has in the row of its number.
func (l *Log) hasSame(c *changeset.Changeset) bool {
	is, err := l.at(c.ID.Seq)
	return err == nil && (is.ID == c.ID && changeset.SameEdit(is, c) || is.Bookkeeping() && c.Bookkeeping() || doSame(is, c))
}

// lookInto reads a pack. What follows what cannot be read of it, nobody can tell, so that counts as one more.
func (l *Log) lookInto(ctx context.Context, name string, b *packsBeside, known *knownIDs) (p leftPack, err error) {
	f, err := l.fs.Open(name)
	if err != nil {
		return p, err
	}
	defer f.Close()
	p.name = name
	s := b.add(name)
	for row, err := range parts.ReadPack(f) {
		if ctx.Err() != nil {
			return p, ctx.Err()
		}
		if err != nil {
			p.only++
			break
		}
		key := cas.Sum(row.Changeset)
		c, _ := changeset.Decode(row.Changeset)
		if s.last = row.Seq; s.first == 0 {
			s.first = row.Seq
		}
		if row.Seq > l.latest {
			b.row(s, row.Seq, key, c)
		}
		here, err := l.hasElsewhere(row.Seq, key, c, known)
		if err != nil {
			return p, err
		}
		if here {
			continue
		}
		p.only++
		if c != nil && c.ID.Origin == l.uuid {
			p.made = append(p.made, c.ID.Seq)
			b.another = b.another || row.Seq <= l.latest
		}
	}
	return p, nil
}

// hasElsewhere reports whether a changeset of a pack that no list names is here without it, or what it does is; bookkeeping is missed by nobody.
func (l *Log) hasElsewhere(seq uint32, key cas.Key, c *changeset.Changeset, known *knownIDs) (bool, error) {
	if seq <= l.latest {
		if row, err := l.Row(seq); err == nil && row.Key == key {
			return true, nil // that it can be read was looked at before
		}
	}
	err := l.objects.Use(key, func([]byte) error { return nil })
	if err == nil || !isMissingObject(err) || c == nil {
		return err == nil, ignoreMissing(err)
	}
	if c.Bookkeeping() {
		return true, nil
	}
	row, is, err := known.lookup(l, c.ID)
	if err == nil && is {
		here, err := l.at(row)
		return err == nil && !here.Lost && changeset.SameEdit(here, c), ignoreMissing(err)
	}
	if err == nil && seq <= l.latest { // it may have been named anew
		here, err := l.at(seq)
		return err == nil && doSame(here, c), ignoreMissing(err)
	}
	return false, err
}

// ignoreMissing is an error, but for one of what is missing or damaged.
func ignoreMissing(err error) error {
	if isMissingObject(err) || isDamage(err) {
		return nil
	}
	return err
}

// reaches reports whether something that was made here is in it after a row.
func (p leftPack) reaches(row uint32) bool { return len(p.made) > 0 && slices.Max(p.made) > row }

// words says what a pack has that the log does not.
func (p leftPack) words() string {
	text := fmt.Sprintf("%d changesets", p.only)
	if p.only == 1 {
		text = "a changeset"
	}
	if n := len(p.made); n > 0 {
		text += fmt.Sprintf(" (of %s, made here)", few(p.made))
	}
	return text
}
