package replica

import (
	"path"
	"slices"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// clearAtOnce is how many files are removed under the writers' lock at a time, about.
const clearAtOnce = 512

// clear removes what is loose though parts have it, and parts that no list names. The index of a record goes when all its rows are in parts, and with it the versions that it
// names, unless a loose row names one of them too. A later gc finds what one left that was cut off.
func (g *gc) clear(prefix string) error {
	_, l, err := g.now(prefix)
	if l == nil || err != nil {
		return err
	}
	c := &clearing{g: g, l: l, upTo: l.latest, uuid: l.uuid, needed: map[cas.Key]bool{}, touched: map[changeset.RecordID]bool{}}
	packs, err := l.packs()
	l.tier.held = true // nobody else removes parts, and what others add is looked at before anything goes
	if err == nil && len(packs.list) > 0 {
		err = c.run(packs)
	}
	if err != nil {
		return err
	}
	return c.removeParts()
}

// clearing is the removal of what is loose in a log.
type clearing struct {
	g       *gc
	l       *Log      // as it was at the beginning
	upTo    uint32    // rows that were looked at
	uuid    uuid.UUID // of the log: a move names its changesets anew
	needed  map[cas.Key]bool
	touched map[changeset.RecordID]bool // by rows that came since

	files  []string // to be removed next
	of     map[string]looseFile
	halted bool // there is enough for this time
}

// looseFile is why a file may go: it is the index of a record, or a version, or neither.
type looseFile struct {
	rec     changeset.RecordID
	version cas.Key
}

func (c *clearing) run(packs *packs) error {
	if err := c.eachIndex(packs, func(_ changeset.RecordID, loose []cas.Key, _ []cas.Key) error {
		c.need(loose)
		return nil
	}); err != nil {
		return err
	}
	if err := c.eachIndex(packs, func(rec changeset.RecordID, loose, packed []cas.Key) error {
		if len(loose) > 0 {
			return nil
		}
		for _, key := range packed {
			if !key.IsZero() {
				c.add(c.l.versions.Path(key), looseFile{rec, key})
			}
		}
		c.add(c.l.prefix+changeset.RecordPath(rec), looseFile{rec: rec}) // last: as long as it is there, its versions are found
		return c.removeSome(clearAtOnce)
	}); err != nil {
		return err
	}
	if err := c.changesets(packs); err != nil {
		return err
	}
	return c.removeSome(1)
}

// need keeps versions; a deletion has none.
func (c *clearing) need(keys []cas.Key) {
	for _, key := range keys {
		if !key.IsZero() {
			c.needed[key] = true
		}
	}
}

// eachIndex yields the loose indexes of records, with the versions that rows of theirs name of which no part says the same, and those of the others.
func (c *clearing) eachIndex(packs *packs, use func(rec changeset.RecordID, loose, packed []cas.Key) error) error {
	types, err := c.l.looseTypes()
	if err != nil {
		return err
	}
	for _, typ := range types {
		for rec, err := range c.l.looseRecords(typ, c.l.listing()) {
			if err == nil {
				err = c.g.ctx.Err()
			}
			if err != nil {
				return err
			}
			loose, packed, err := c.l.splitKeys(packs, rec)
			if isNotExist(err) {
				continue // of a writer that took back what it did
			}
			if err == nil && !c.halted {
				err = use(rec, loose, packed)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// splitKeys returns which versions the loose index of a record names in rows of which parts do not say the same, and in the others. What is no row counts as one of the former.
func (l *Log) splitKeys(packs *packs, rec changeset.RecordID) (loose, packed []cas.Key, err error) {
	b, err := readWhole(l.fs, changeset.RecordPath(rec))
	if err != nil {
		return nil, nil, err
	}
	inParts := map[changeset.Version]bool{}
	for _, p := range packs.parts {
		touches, err := p.Touches(rec)
		for i := 0; err == nil && i < touches.Len(); i++ {
			var v changeset.Version
			v, _, err = touches.At(i)
			inParts[v] = true
		}
		if err != nil {
			return nil, nil, l.packError(p, err)
		}
	}
	for ; len(b) >= changeset.VersionSize; b = b[changeset.VersionSize:] {
		v, err := changeset.ParseVersion(b[:changeset.VersionSize])
		if err == nil && inParts[v] {
			packed = append(packed, v.Key)
		} else {
			loose = append(loose, cas.Key(b[changeset.VersionSize-len(cas.Key{}):]))
		}
	}
	if len(b) > 0 {
		loose = append(loose, cas.Key{})
	}
	return loose, packed, nil
}

// changesets collects the loose changesets that parts have.
func (c *clearing) changesets(packs *packs) error {
	loose := map[cas.Key]bool{}
	err := c.l.objects.Walk(func(key cas.Key, _ string) error {
		if !key.IsZero() {
			loose[key] = true
		}
		return c.g.ctx.Err()
	})
	if err != nil || len(loose) == 0 {
		return err
	}
	for i, ref := range packs.list {
		for row, err := range c.l.Rows(ref.First, ref.Last) {
			if err != nil {
				return err
			}
			if !loose[row.Key] || c.halted {
				continue
			}
			has, err := packs.parts[i].Changeset(row.Seq)
			if err != nil {
				return c.l.packError(packs.parts[i], err)
			}
			if cas.Sum(has) == row.Key {
				c.add(c.l.objects.Path(row.Key), looseFile{})
			}
			if err := c.removeSome(clearAtOnce); err != nil {
				return err
			}
		}
	}
	return nil
}

// add adds a file to those that are to be removed.
func (c *clearing) add(file string, why looseFile) {
	if c.of == nil {
		c.of = map[string]looseFile{}
	}
	if _, twice := c.of[file]; !twice {
		c.files = append(c.files, file)
	}
	c.of[file] = why
}

// removeSome removes what was collected, if that are so many files, under the lock, when what came meanwhile does not need it.
func (c *clearing) removeSome(enough int) error {
	if len(c.files) < enough {
		return nil
	}
	w, _, err := c.g.now(c.l.prefix)
	if w == nil || err != nil {
		c.halted = true
		return err
	}
	unlock, err := w.lock(c.g.ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := w.reopen(); err != nil {
		return err
	}
	if err := c.follow(w.logAt(c.l.prefix)); err != nil || c.halted {
		return err
	}
	gone := make([]string, 0, len(c.files))
	for _, file := range c.files {
		if why := c.of[file]; !c.needed[why.version] && !c.touched[why.rec] {
			gone = append(gone, file)
		}
	}
	n, err := durable.RemoveLeft(w.fs, gone)
	c.g.report.Removed += n
	c.files, c.of = nil, nil
	c.halted = c.g.opts.Auto && c.g.report.Removed >= autoClear
	return err
}

// follow notes what rows that came since need. Where the log is another, nothing more is removed.
func (c *clearing) follow(now *Log) error {
	if now.uuid != c.uuid || now.latest < c.upTo {
		c.halted = true
		return nil
	}
	for row, err := range now.Rows(c.upTo+1, now.latest) {
		if err != nil {
			return err
		}
		made, err := now.Changeset(row)
		if err != nil {
			return err
		}
		for i := range made.Changes {
			rec := made.Changes[i].Record
			c.touched[rec] = true
			versions, err := now.versionsIn(rec, row.Seq, row.Seq)
			if err != nil {
				return err
			}
			for _, v := range versions {
				c.need([]cas.Key{v.Key})
			}
		}
		c.upTo = row.Seq
	}
	return nil
}

// removeParts removes the files of parts that the list does not name, if nothing needs them. None is being written: we have both locks.
func (c *clearing) removeParts() error {
	w, l, err := c.g.now(c.l.prefix)
	if w == nil || err != nil {
		return err
	}
	dir := c.l.prefix + parts.Dir
	text, err := c.checkListed(l)
	if err != nil {
		return err
	}
	keep, err := c.toKeep(l)
	if err != nil {
		return err
	}
	unlock, err := w.lock(c.g.ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := w.reopen(); err != nil || w.format != FormatParts {
		return err
	}
	l = w.logAt(c.l.prefix)
	packs, err := l.packs()
	if err != nil || packs.text != text {
		return err // the next gc looks at the parts that came meanwhile
	}
	names, err := l.unlisted(packs.list)
	if err == nil && len(names) > 0 {
		err = l.checkUnlisted(c.g.ctx, packs.list, names)
	}
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return keep[partOf(name)] })
	for i := range names {
		names[i] = c.l.prefix + names[i]
	}
	entries, err := l.list(parts.Dir)
	for _, name := range entries {
		if durable.IsTemp(name) {
			names = append(names, path.Join(dir, name))
		}
	}
	if err != nil {
		return err
	}
	n, err := durable.RemoveLeft(w.fs, names)
	c.g.report.Removed += n
	return err
}

// toKeep returns the files, without what they end with, of packs that no list names and that have what is nowhere else here: who copied a backup over the replica, or went on from one, may want it still. Those that this gc replaced
// were held against the log.
func (c *clearing) toKeep(l *Log) (keep map[string]bool, err error) {
	packs, err := l.packs()
	if err != nil {
		return nil, err
	}
	names, err := l.unlisted(packs.list)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return c.g.replaced[name] })
	found, err := l.lookBeside(c.g.ctx, names)
	keep = map[string]bool{}
	for _, p := range found.left {
		keep[partOf(p.name)] = p.only > 0
	}
	return keep, err
}

// checkListed returns the list of parts, of which each file is what the list says: then what it does not name is superseded. Those that this gc wrote were read again then. Nothing is
// read where there is nothing to remove.
func (c *clearing) checkListed(l *Log) (text string, err error) {
	packs, err := l.packs()
	if err != nil {
		return "", err
	}
	names, err := l.unlisted(packs.list)
	if err != nil || len(names) == 0 {
		return packs.text, err
	}
	for _, ref := range packs.list {
		if c.g.wrote[ref.Pack] {
			continue
		}
		for _, f := range filesOfPart(ref) {
			if err := l.checkPartFile(c.g.ctx, f); err != nil {
				return "", err
			}
		}
	}
	return packs.text, nil
}
