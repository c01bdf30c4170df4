package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// packsBeside are packs that no list of parts names, held against the log. A pack gets its name once the journal lies there that tells of it, and who takes that back removes it, unless it was there before ([durable.Tx.Bring]); what gc makes has rows that
// were committed. So one that lies there without a journal was committed: if it goes on where the log ends, a backup was put back over it. What a check promises of them a repair does, as both ask here.
type packsBeside struct {
	self      uuid.UUID              // of the log
	gone      bool                   // the replica had given that one up: a backup brought it back
	peer      func(u uuid.UUID) bool // is noted as one
	end       uint32                 // its last row
	log       besideLog
	made      map[changeset.ID]cas.Key // what was made here after its last row, under the number of its row
	otherLine bool                     // what stands in a row, or was made here under a number, is another edit in one of them than in the log, or in another one
	spans     []*packSpan
}

// besideLog is what the log has, as it can be read.
type besideLog struct {
	row   func(seq uint32) (key cas.Key, known bool) // one that is not whole is not known, and speaks against nothing
	read  func(seq uint32) *changeset.Changeset      // of a row that is known; nil where it cannot be read: then nothing is the same edit
	loose func(key cas.Key) *changeset.Changeset     // nil where it cannot be read
	stop  func() error
}

// packSpan are the rows of a pack, as far as it can be read; zero where there are none.
type packSpan struct {
	name        string // within the log
	first, last uint32
	lastOwn     uint32 // of those after the end of the log the last one that has what was made here, under the number of its row
	alien       bool   // it has what was made here in another row than that of its number: it is another replica's
	broken      bool   // it is not what it is named after
}

func newPacksBeside(l *Log, end uint32, log besideLog) *packsBeside {
	return &packsBeside{self: l.uuid, gone: l.gaveUp(l.uuid) < math.MaxInt, peer: l.notesPeer, end: end, log: log, made: map[changeset.ID]cas.Key{}}
}

// isOwn reports whether a changeset that a pack has in a row was made here: under the UUID of the log. Where the replica gave that one up, what it made bears the
// number of its row, and no origin that is noted as a peer.
func (b *packsBeside) isOwn(seq uint32, id changeset.ID) bool {
	if b.gone {
		return id.Seq == seq && (id.Origin == b.self || !b.peer(id.Origin))
	}
	return id.Origin == b.self
}

// add adds a pack, of which the rows follow.
func (b *packsBeside) add(name string) *packSpan {
	s := &packSpan{name: name}
	b.spans = append(b.spans, s)
	return s
}

// row adds the next row of a pack: the changeset, nil where it is none.
func (b *packsBeside) row(s *packSpan, seq uint32, key cas.Key, c *changeset.Changeset) {
	if s.last = seq; s.first == 0 {
		s.first = seq
	}
	if c == nil {
		return
	}
	own := b.isOwn(seq, c.ID)
	if seq <= b.end {
		b.otherLine = b.otherLine || (!own || c.ID.Seq == seq) && !b.same(seq, key, c)
		return
	}
	if !own {
		return
	}
	if c.ID.Seq != seq {
		s.alien = true
		return
	}
	if was, is := b.made[c.ID]; is && was != key {
		b.otherLine = true
	}
	b.made[c.ID], s.lastOwn = key, seq
}

// same reports whether a changeset is the edit that the log has in a row, if only named anew. All bookkeeping is one.
func (b *packsBeside) same(seq uint32, key cas.Key, c *changeset.Changeset) bool {
	at, known := b.log.row(seq)
	if !known || at == key {
		return true
	}
	is := b.log.read(seq)
	return is != nil && (changeset.SameEdit(is, c) || doSame(is, c) || is.Bookkeeping() && c.Bookkeeping())
}

// extent returns up to which row the log goes on in packs that follow its end without a gap, and each other. In each of them there must be something that was made here, under the number of its row: else they may be another
// replica's. Where packs are of two lines, nothing tells of which one this log is.
func (b *packsBeside) extent() (end uint32) {
	end = b.end
	if b.otherLine {
		return end
	}
	slices.SortStableFunc(b.spans, func(s, o *packSpan) int { return cmp.Compare(s.first, o.first) })
	for _, s := range b.spans {
		if s.first > 0 && s.first <= end+1 && s.lastOwn > end && !s.alien {
			end = max(end, s.last)
		}
	}
	return end
}

// isAhead reports whether a pack has what was made here after a row, or may have, being damaged, and no pack tells of another line.
func (b *packsBeside) isAhead(row uint32) bool {
	return !b.otherLine && slices.ContainsFunc(b.spans, func(s *packSpan) bool { return s.broken || s.lastOwn > row && !s.alien })
}

// addLoose looks at the loose changesets, if the log goes on in packs: one that was made here under the number of a row, and is another edit than a pack has, or than the log, tells of another line.
func (b *packsBeside) addLoose(l *Log) error {
	if b.extent() == b.end {
		return nil
	}
	err := l.objects.Walk(func(key cas.Key, _ string) error {
		if key.IsZero() {
			return b.log.stop()
		}
		if c := b.log.loose(key); c != nil && c.ID.Origin == b.self {
			was, is := b.made[c.ID]
			b.otherLine = b.otherLine || is && was != key || c.ID.Seq <= b.end && !b.same(c.ID.Seq, key, c)
		}
		return b.log.stop()
	})
	if isNotExist(err) {
		return nil
	}
	return err
}

// leftPack is what a pack that no list names has that is nowhere else here.
type leftPack struct {
	name   string
	only   int      // changesets that nothing else has, but for bookkeeping; with what is none, and with unread
	own    []uint32 // numbers of those that were made here
	unread int      // rows that cannot be read and that nothing else has, as its table counts them; one where it cannot
	broken error    // why it is not what it is named after
}

// lookedBeside is what packs that no list names have.
type lookedBeside struct {
	left      []leftPack
	end       uint32 // up to which row the log goes on in them
	otherLine bool   // something tells of another line
}

// lookBeside reads the packs among files that no list names.
func (l *Log) lookBeside(ctx context.Context, names []string) (found lookedBeside, err error) {
	b, known := newPacksBeside(l, l.latest, l.besideLog(ctx)), new(knownIDs)
	for _, name := range names {
		if !strings.HasSuffix(name, parts.PackExt) {
			continue
		}
		p, err := l.lookInto(ctx, name, b, known)
		if isNotExist(err) {
			continue // gc removed it
		}
		if err != nil {
			return found, err
		}
		found.left = append(found.left, p)
	}
	err = b.addLoose(l)
	found.end, found.otherLine = b.extent(), b.otherLine
	return found, err
}

// besideLog reads the log to hold packs against.
func (l *Log) besideLog(ctx context.Context) besideLog {
	return besideLog{
		row: func(seq uint32) (cas.Key, bool) {
			row, err := l.Row(seq)
			return row.Key, err == nil
		},
		read: func(seq uint32) *changeset.Changeset {
			c, err := l.at(seq)
			if err != nil {
				return nil
			}
			return c
		},
		loose: func(key cas.Key) *changeset.Changeset {
			text, err := l.objects.Get(key)
			if err != nil {
				return nil
			}
			c, err := changeset.Decode(text)
			if err != nil {
				return nil
			}
			return c
		},
		stop: ctx.Err,
	}
}

// lookInto reads a pack, up to the first frame that is damaged.
func (l *Log) lookInto(ctx context.Context, name string, b *packsBeside, known *knownIDs) (p leftPack, err error) {
	p.name = name
	if p.broken, err = l.notNamed(ctx, name); err != nil {
		return p, err
	}
	s := b.add(name)
	cut, err := b.readPack(l, s, func(row parts.PackedRow, key cas.Key, c *changeset.Changeset) error {
		own := c != nil && b.isOwn(row.Seq, c.ID)
		here, err := l.hasElsewhere(row.Seq, key, c, own, known)
		if here || err != nil {
			return err
		}
		p.only++
		if own {
			p.own = append(p.own, c.ID.Seq)
		}
		return nil
	})
	if err != nil {
		return p, err
	}
	if cut != nil {
		p.broken = cut
	}
	if s.broken = p.broken != nil; s.broken {
		n, otherLine, err := b.unreadRows(l, s)
		if err != nil {
			n = 1 // nothing counts them
		}
		b.otherLine = b.otherLine || otherLine
		p.unread, p.only = n, p.only+n
	}
	return p, nil
}

// readPack adds the rows of a pack, up to the first frame that is damaged, and hands each to use, with its changeset, nil where it is none. It returns why the pack cannot be read to its end, nil if it can.
func (b *packsBeside) readPack(l *Log, s *packSpan, use func(row parts.PackedRow, key cas.Key, c *changeset.Changeset) error) (cut, err error) {
	f, err := l.fs.Open(s.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for row, cut := range parts.ReadPack(f) {
		if err := b.log.stop(); err != nil || cut != nil {
			return cut, err
		}
		key := cas.Sum(row.Changeset)
		c, _ := changeset.Decode(row.Changeset)
		b.row(s, row.Seq, key, c)
		if err := use(row, key, c); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// notNamed returns what is wrong with a pack that is not what it is named after, nil if it is.
func (l *Log) notNamed(ctx context.Context, name string) (wrong, err error) {
	sum, ok := sumOfPack(name)
	if !ok {
		return errors.New("its name is no SHA-256"), nil
	}
	err = parts.CheckFile(ctx, l.fs, "", name, sum)
	var damage *parts.DamageError
	if errors.As(err, &damage) {
		return errors.New("its bytes are not what it is named after"), nil
	}
	return nil, err
}

// unreadRows holds the rows of a damaged pack that cannot be read against the log, as its table tells of them, and returns how many that does not have, and whether it has another changeset in one of them: then the pack is of another
// line. A row that a move named anew looks the same, and keeps the pack out, too.
func (b *packsBeside) unreadRows(l *Log, s *packSpan) (n int, otherLine bool, err error) {
	sum, ok := sumOfPack(s.name)
	if !ok {
		return 0, false, errors.New("its name is no SHA-256")
	}
	part, err := parts.ByTable(l.fs, "", sum)
	if err != nil {
		return 0, false, err
	}
	for seq := part.First; seq <= part.Last && seq > 0; seq++ {
		if s.first > 0 && seq >= s.first && seq <= s.last {
			continue // it was read
		}
		key, known := b.log.row(seq)
		if !known || seq > b.end {
			n++
			continue
		}
		is, err := part.Names(seq, key)
		if err != nil {
			return n, otherLine, err
		}
		if !is {
			n, otherLine = n+1, true
		}
	}
	return n, otherLine, nil
}

// hasElsewhere reports whether a changeset of a pack that no list names is here without it, or what it does is: in a row, or, if somebody else made it, as a loose object. Bookkeeping is missed by nobody.
func (l *Log) hasElsewhere(seq uint32, key cas.Key, c *changeset.Changeset, own bool, known *knownIDs) (bool, error) {
	if seq <= l.latest {
		if row, err := l.Row(seq); err == nil && row.Key == key {
			return true, nil // that it can be read was looked at before
		}
	}
	if !own {
		err := l.objects.Use(key, func([]byte) error { return nil })
		if err == nil || !isMissingObject(err) || c == nil {
			return err == nil, ignoreMissing(err)
		}
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
func (p leftPack) reaches(row uint32) bool { return len(p.own) > 0 && slices.Max(p.own) > row }

// mayBeOurs reports whether something that was made here is in it, or may be in what cannot be read.
func (p leftPack) mayBeOurs() bool { return len(p.own) > 0 || p.broken != nil && p.only > 0 }

// words says what a pack has that the log does not.
func (p leftPack) words() string {
	n := p.only - p.unread
	text := fmt.Sprintf("%d changesets", n)
	if n == 1 {
		text = "a changeset"
	}
	switch made := len(p.own); {
	case made == n && made > 0:
		text += fmt.Sprintf(", made here in %s,", few(p.own))
	case made > 0:
		text += fmt.Sprintf(", of which those of %s were made here,", few(p.own))
	}
	return text
}
