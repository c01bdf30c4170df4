package replica

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// A replica of format 2 keeps runs of rows of its logs in parts (package parts, docs/adr/0015-parts.md), beside the loose files of format 1. For a row that a part
// covers the part is asked, for all others the loose files: so what lies loose beside a part is never taken for another truth.

// tier is the packed part of a log, read when it is first asked for. It knows all that is listed; what of that counts depends on how many rows the log has.
type tier struct {
	mu     sync.Mutex
	known  bool
	text   string // of the list
	list   parts.List
	cache  *parts.Cache              // of what was read of parts; nil until there is one
	cut    map[uint32]*packs         // as of so many rows
	opened map[parts.Ref]*parts.Part // of them; of an edit, those before and after it are the same

	listing int  // how often another list was taken up
	held    bool // we have the writers' lock: nobody else changes the list
}

// kept is what was read of parts, nil if nothing was.
func (t *tier) kept() *parts.Cache {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cache
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
		t.text, t.list, t.known = text, list, true
		if t.cache == nil {
			t.cache = new(parts.Cache)
		}
	}
	if p := t.cut[l.latest]; p != nil {
		return p, nil
	}
	p := &packs{text: t.text, list: t.list.Cut(l.latest)}
	if t.cut == nil {
		t.cut, t.opened = map[uint32]*packs{}, map[parts.Ref]*parts.Part{}
	}
	for _, ref := range p.list {
		if t.opened[ref] == nil {
			t.opened[ref] = parts.Open(l.root, path.Clean(l.prefix+"."), ref, t.cache)
		}
		p.parts = append(p.parts, t.opened[ref])
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

// holdLists has the lists of parts of both logs be taken for what they are until release is called: the lock is held. That of a rehearsal is no lock on these.
func (r *Replica) holdLists() (release func()) {
	if r.rehearsal {
		return func() {}
	}
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
		for inner := damage; errors.As(damage.Err, &inner) && inner.Path == damage.Path; {
			damage = inner // whoever read a row added which one it was, and the file is named once
		}
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
