package replica

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// A replica of format 2 keeps runs of rows of its logs in parts (package parts, docs/adr/0015-parts.md), beside the loose files of format 1. For a row that a part
// covers the part is asked, for all others the loose files: so what lies loose beside a part is never taken for another truth.

// tier is the packed part of a log, read when it is first asked for. It knows all that is listed; what of that counts depends on how many rows the log has.
type tier struct {
	mu    sync.Mutex
	known bool
	text  string // of the list
	list  parts.List
	cache *parts.Cache
	cut   map[uint32]*packs // as of so many rows

	listing int  // how often another list was taken up
	held    bool // we have the writers' lock: nobody else changes the list
}

// packs are the parts of a log of so many rows.
type packs struct {
	text  string        // of the list
	list  parts.List    // as far as it counts: the log may have been turned back
	parts []*parts.Part // in the order of the list
}

// noPacks are those of a log of loose files.
var noPacks = &packs{}

// packs returns the parts of the log.
func (l *Log) packs() (*packs, error) {
	if l.tier == nil || l.limits.loose {
		return noPacks, nil
	}
	t := l.tier
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known {
		text, list, err := l.readParts()
		if err != nil {
			return nil, err
		}
		t.text, t.list, t.cache, t.known = text, list, new(parts.Cache), true
	}
	if p := t.cut[l.latest]; p != nil {
		return p, nil
	}
	p := &packs{text: t.text, list: t.list.Cut(l.latest)}
	for _, ref := range p.list {
		p.parts = append(p.parts, parts.Open(l.root, path.Clean(l.prefix+"."), ref, t.cache))
	}
	if t.cut == nil {
		t.cut = map[uint32]*packs{}
	}
	t.cut[l.latest] = p
	return p, nil
}

// readParts reads the list of parts. Each log of a replica of format 2 has one, if only an empty one: where it is missing, packs would count for nothing. Of a log of which the
// format is not known, a missing one says that there are no parts.
func (l *Log) readParts() (text string, list parts.List, err error) { return l.readPartsAfter("", nil) }

// readPartsAfter is readParts for who knows an earlier one: where it is written as that was, it is not parsed again.
func (l *Log) readPartsAfter(known string, was parts.List) (text string, list parts.List, err error) {
	b, err := l.limits.readReplaced(l.fs, l.prefix, parts.ListFile, parts.MaxList)
	if isNotExist(err) && l.format == FormatParts {
		return "", nil, l.damaged(parts.ListFile, errMissing)
	}
	if isNotExist(err) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("read %s: %w", join(l.where, l.prefix+parts.ListFile), err)
	}
	if text = string(b); text == known && known != "" {
		return known, was, nil
	}
	if list, err = parts.ParseList(text); err != nil {
		err = l.damaged(parts.ListFile, err)
	}
	return text, list, err
}

// listing is which list of parts is known: a number that grows with each that [Log.relisted] takes up.
func (l *Log) listing() int {
	if l.tier == nil {
		return 0
	}
	l.tier.mu.Lock()
	defer l.tier.mu.Unlock()
	return l.tier.listing
}

// relisted reports whether the list of parts is another than a listing that was known, and takes it up: meanwhile somebody folded loose files into parts, merged
// parts, or unpacked them, and what that replaced is gone, or will be. What the log has in its rows is the same in both.
func (l *Log) relisted(since int) bool {
	if l.tier == nil || l.limits.loose || l.limits.mirror {
		return false
	}
	t := l.tier
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held || !t.known {
		return t.listing != since
	}
	text, list, err := l.readPartsAfter(t.text, t.list) // whatever is not there asks this, each record without a file of its own too
	if errors.Is(err, errMissing) && l.unpacked() {
		text, list, err = "", nil, nil
	}
	if err == nil && text != t.text {
		t.text, t.list, t.cut = text, list, nil
		t.listing++
	}
	return t.listing != since
}

// unpacked reports whether the replica is of format 1 by now, so that all is loose.
func (l *Log) unpacked() bool {
	text, err := readSmall(l.fs, changeset.ReplicaVersionFile)
	return err == nil && text == FormatLoose
}

// holdLists has the lists of parts of both logs be taken for what they are until release is called: the lock is held.
func (r *Replica) holdLists() (release func()) {
	hold := func(held bool) {
		for _, l := range []*Log{r.log, r.votes} {
			l.tier.mu.Lock()
			l.tier.held = held
			l.tier.mu.Unlock()
		}
	}
	hold(true)
	return func() { hold(false) }
}

// again reads, and does so again where that failed, and the list of parts is another than at the beginning.
func (l *Log) again(read func() error) error {
	for {
		since := l.listing()
		if err := read(); err == nil || !l.relisted(since) {
			return err
		}
	}
}

// covering returns the part that has a row, nil if that is loose.
func (p *packs) covering(row uint32) *parts.Part {
	if i, ok := p.list.Covering(row); ok {
		return p.parts[i]
	}
	return nil
}

// loose is how many of the rows up to the last one no part covers.
func (p *packs) loose(last uint32) uint32 {
	for _, ref := range p.list {
		last -= ref.Last - ref.First + 1
	}
	return last
}

// last is the last row that a part covers, 0 if there is none.
func (p *packs) last() uint32 {
	if len(p.list) == 0 {
		return 0
	}
	return p.list[len(p.list)-1].Last
}

// packError says of a file of a part that it is damaged, or missing, as of other files of the log.
func (l *Log) packError(p *parts.Part, err error) error {
	var damage *parts.DamageError
	switch {
	case errors.As(err, &damage):
		return &DamageError{Where: l.where, Path: damage.Path, Err: damage.Err}
	case isNotExist(err):
		name := p.TableFile()
		if strings.Contains(err.Error(), p.PackFile()) {
			name = p.PackFile()
		}
		return l.damaged(name, l.errUnfound())
	}
	return err
}

// errUnfound says that a file of a part is not there.
func (l *Log) errUnfound() error {
	return fmt.Errorf("%w, though %s names it", errMissing, l.prefix+parts.ListFile)
}

// Object returns a changeset that a part has, by its name: see [cas.Source].
func (l *Log) Object(key cas.Key) (b []byte, ok bool, err error) {
	for {
		since := l.listing()
		if b, ok, err = l.packedObject(key); ok && err == nil || !l.relisted(since) { // that it is not loose anymore may be because it is packed now
			return b, ok, err
		}
	}
}

func (l *Log) packedObject(key cas.Key) (b []byte, ok bool, err error) {
	packs, err := l.packs()
	if err != nil {
		return nil, false, err
	}
	for _, p := range packs.parts {
		row, ok, err := p.Find(key)
		if err == nil && ok {
			b, err = p.Changeset(row)
		}
		if ok || err != nil {
			return b, ok, l.packError(p, err)
		}
	}
	return nil, false, nil
}

// useChangeset calls use with the bytes of the changeset of a row, after checking them. A row that a move named anew is not what its part has: then it is loose.
func (l *Log) useChangeset(row changeset.Row, use func(b []byte) error) error {
	return l.again(func() error { return l.useChangesetOnce(row, use) })
}

func (l *Log) useChangesetOnce(row changeset.Row, use func(b []byte) error) error {
	packs, err := l.packs()
	if err != nil {
		return err
	}
	p := packs.covering(row.Seq)
	if p == nil {
		return l.objects.Use(row.Key, use)
	}
	b, err := p.Changeset(row.Seq)
	if err == nil && cas.Sum(b) == row.Key {
		return use(b)
	}
	loose := l.objects.Use(row.Key, use)
	if err != nil && isMissingObject(loose) {
		return l.packError(p, err)
	}
	return loose
}

// textAt returns the bytes of a version of a record, which is no deletion. Of a packed one they are what replaying the record's changes makes, from the last
// version before it of which the bytes are kept.
func (l *Log) textAt(rec changeset.RecordID, v changeset.Version) (text []byte, err error) {
	err = l.again(func() error {
		text, err = l.textAtOnce(rec, v)
		return err
	})
	return text, err
}

func (l *Log) textAtOnce(rec changeset.RecordID, v changeset.Version) ([]byte, error) {
	packs, err := l.packs()
	if err != nil {
		return nil, err
	}
	p := packs.covering(v.Seq)
	if p == nil || v.Seq == 0 || v.Deleted() {
		return l.versions.Get(v.Key)
	}
	b, err := l.replayed(p, rec, v)
	if err != nil {
		return nil, l.packError(p, err)
	}
	if got := cas.Sum(b); got != v.Key {
		return nil, l.damaged(p.TableFile(), fmt.Errorf("replaying %s up to row %d gives a version %s, it says %s", rec, v.Seq, got, cas.Key(v.Key)))
	}
	return b, nil
}

// replayed makes a version that a part has.
func (l *Log) replayed(p *parts.Part, rec changeset.RecordID, v changeset.Version) ([]byte, error) {
	touches, err := p.Touches(rec)
	if err != nil {
		return nil, err
	}
	at, err := touchOf(touches, v.Seq)
	if err != nil {
		return nil, err
	}
	rows, exists, props := []uint32(nil), false, map[string]string(nil)
	for ; at >= 0; at-- {
		t, text, err := touches.At(at)
		if err != nil {
			return nil, err
		}
		if t.Deleted() {
			break
		}
		if text {
			b, err := p.Text(t.Seq, t.Key)
			if err == nil && b == nil {
				err = &parts.DamageError{Path: l.prefix + p.PackFile(), Err: fmt.Errorf("row %d does not have the version %s of %s", t.Seq, cas.Key(t.Key), rec)}
			}
			if err != nil || len(rows) == 0 {
				return b, err
			}
			if props, err = changeset.DecodeRecord(b); err != nil {
				return nil, err
			}
			exists = true
			break
		}
		rows = append(rows, t.Seq)
	}
	if at < 0 && len(rows) > 0 {
		if exists, props, err = l.stateBefore(rec, rows[len(rows)-1]); err != nil {
			return nil, err
		}
	}
	for i := len(rows) - 1; i >= 0; i-- {
		c, err := l.packedAt(p, rows[i])
		if err != nil {
			return nil, err
		}
		ch := c.Change(rec)
		if ch == nil {
			return nil, &parts.DamageError{Path: l.prefix + p.TableFile(), Err: fmt.Errorf("row %d does not touch %s", rows[i], rec)}
		}
		exists, props = Replay(exists, props, ch)
	}
	return changeset.EncodeRecord(props), nil
}

// touchOf returns which of the touches is that of a row; -1 if none is.
func touchOf(touches parts.Touches, row uint32) (int, error) {
	var failed error
	at := sort.Search(touches.Len(), func(i int) bool {
		v, _, err := touches.At(i)
		failed = errors.Join(failed, err)
		return v.Seq >= row
	})
	if at == touches.Len() || failed != nil {
		return -1, failed
	}
	v, _, err := touches.At(at)
	if v.Seq != row {
		at = -1
	}
	return at, err
}

// stateBefore returns what a record was before a row, from whatever has its versions.
func (l *Log) stateBefore(rec changeset.RecordID, row uint32) (exists bool, props map[string]string, err error) {
	v, ok, err := l.versionBefore(rec, row)
	if err != nil || !ok || v.Deleted() {
		return false, nil, err
	}
	props, err = l.props(rec, v)
	return true, props, err
}

// packedAt reads the changeset that a part has in a row. A move names it anew in the log, but changes nothing of what it does.
func (l *Log) packedAt(p *parts.Part, row uint32) (*changeset.Changeset, error) {
	if c := l.wide.kept(row); c != nil {
		return c, nil
	}
	b, err := p.Changeset(row)
	if err != nil {
		return nil, err
	}
	c, err := changeset.Decode(b)
	if err != nil {
		return nil, &parts.DamageError{Path: l.prefix + p.PackFile(), Err: fmt.Errorf("row %d: %w", row, err)}
	}
	if is, err := l.Row(row); err == nil && cas.Sum(b) == is.Key {
		l.wide.keep(row, c, len(b)) // for others, who want it as it is called now
	}
	return c, nil
}

// packedRecords yields the records of a type that a part has, from a UUID on.
func (l *Log) packedRecords(p *parts.Part, typ string, from uuid.UUID) iter.Seq2[changeset.RecordID, error] {
	return func(yield func(changeset.RecordID, error) bool) {
		for id, err := range p.Records(typ, from) {
			if !yield(changeset.RecordID{Type: typ, UUID: id}, l.packError(p, err)) || err != nil {
				return
			}
		}
	}
}

// recordsWith returns the records of a type whose UUID begins so, with two digits at least, sorted.
func (l *Log) recordsWith(typ, prefix string) (recs []changeset.RecordID, err error) {
	for {
		since := l.listing()
		if recs, err = l.recordsWithOnce(typ, prefix); !l.relisted(since) {
			return recs, err
		}
	}
}

func (l *Log) recordsWithOnce(typ, prefix string) (recs []changeset.RecordID, err error) {
	dir := path.Join(changeset.RecordsDir, typ, prefix[:1], prefix[1:2])
	names, err := l.list(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if rec, ok := indexed(typ, path.Join(dir, name)); ok && strings.HasPrefix(name, prefix) { // fsck names strays
			recs = append(recs, rec)
		}
	}
	packs, err := l.packs()
	if err != nil || len(packs.parts) == 0 {
		return recs, err
	}
	from, err := uuid.Parse(prefix + "00000000-0000-0000-0000-000000000000"[len(prefix):])
	if err != nil {
		return recs, nil // no UUID begins so
	}
	for _, p := range packs.parts {
		for rec, err := range l.packedRecords(p, typ, from) {
			if err != nil {
				return nil, err
			}
			if !strings.HasPrefix(rec.UUID.String(), prefix) {
				break
			}
			recs = append(recs, rec)
		}
	}
	slices.SortFunc(recs, changeset.RecordID.Compare)
	return slices.Compact(recs), nil
}

// segment is a run of the versions of a record: those of a part, or some of the loose ones.
type segment struct {
	packed parts.Touches
	part   *parts.Part
	from   int64 // in the loose index, if they are of no part
	n      int64
}

// split says where the versions of a record are, in their order, if parts have some; nil if all are loose. Loose rows that a part covers are left out.
func (f *versionFile) split(l *Log, rec changeset.RecordID) error {
	packs, err := l.packs()
	if err != nil || len(packs.parts) == 0 {
		return err
	}
	f.whole = packs.loose(l.latest) == 0
	at := int64(0)
	if first, err := f.looseAt(0); f.loose > 0 && (err != nil || first.Seq == 0 || first.Seq > packs.last()) {
		at = -1 // whatever the loose index has comes after the parts
	}
	total := int64(0)
	loose := func(to int64) {
		if to > at {
			f.segments = append(f.segments, segment{from: at, n: to - at})
			total += to - at
		}
	}
	for _, p := range packs.parts {
		touches, err := p.Touches(rec)
		if err != nil {
			return l.packError(p, err)
		}
		if at >= 0 && f.loose > 0 {
			begin, err := f.looseFrom(p.First)
			if err != nil {
				return l.damagedIndex(rec, err)
			}
			end, err := f.looseFrom(p.Last + 1)
			if err != nil {
				return l.damagedIndex(rec, err)
			}
			loose(begin)
			at = end
		}
		if n := int64(touches.Len()); n > 0 {
			f.segments = append(f.segments, segment{packed: touches, part: p, n: n})
			total += n
		}
	}
	at = max(at, 0)
	loose(f.loose)
	f.rows = total
	return nil
}

// looseFrom returns the first row of the loose index that is of a row of the log from seq on.
func (f *versionFile) looseFrom(seq uint32) (int64, error) {
	var failed error
	at := sort.Search(int(f.loose), func(i int) bool {
		v, err := f.looseAt(int64(i))
		failed = errors.Join(failed, err)
		return v.Seq >= seq
	})
	return int64(at), failed
}

// looseSize returns where the loose index of a record ends, in bytes, whose last version is that, in a row of the index that is counted from 0, with parts: what
// lies beyond is not committed, or nothing that the log has.
func (l *Log) looseSize(rec changeset.RecordID, last changeset.Version, at int64) (size int64, err error) {
	packs, err := l.packs()
	if at < 0 || len(packs.parts) == 0 || err != nil {
		return (at + 1) * changeset.VersionSize, err
	}
	f, err := l.openVersions(rec)
	if f == nil || err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := f.looseFrom(last.Seq + 1)
	if err != nil {
		return 0, l.damagedIndex(rec, err)
	}
	return n * changeset.VersionSize, nil
}

// readSplit is readVersions for a record of which parts may have versions.
func (l *Log) readSplit(rec changeset.RecordID) (index looseIndex, versions []changeset.Version, err error) {
	f, err := l.openVersions(rec)
	if err != nil {
		return index, nil, err
	}
	if f == nil {
		return index, nil, fmt.Errorf("read the versions of %s in %s: %w", rec, l.where, fs.ErrNotExist)
	}
	defer f.Close()
	if f.file != nil {
		info, err := f.file.Stat()
		if err != nil {
			return index, nil, fmt.Errorf("read the versions of %s in %s: %w", rec, l.where, err)
		}
		index.size = info.Size()
	}
	for i := range f.rows {
		v, err := f.at(i)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break // somebody cuts off what is not committed
		}
		if err == nil {
			err = ascends(versions, v)
		}
		if err != nil {
			return index, nil, l.damagedIndex(rec, err)
		}
		if v.Seq > l.latest {
			break
		}
		versions = append(versions, v)
	}
	if end, err := f.looseFrom(l.latest + 1); err == nil {
		index.end = end * changeset.VersionSize
	}
	return index, versions, nil
}

// Close closes the loose index, if there is one.
func (f *versionFile) Close() {
	if f.file != nil {
		f.file.Close()
	}
}
