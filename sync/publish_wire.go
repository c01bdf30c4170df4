package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/wire"
	"prophet/replica"
)

// wired is what a publication knows of the packs of a mirror and their head.
type wired struct {
	there    *wire.Head // nil if there is none that can be read
	old      *wire.Head // the same, if its packs are of the log as it is; nil: all are to be made anew
	news     bool       // there is something to write
	restored int        // packs, or the head, that were missing or damaged
}

// headTexts are the small files of text that the head has, headBinary the others.
var headTexts, headBinary = func() (texts, binary []string) {
	texts = []string{replica.MirrorMark, replica.IdentityFile, replica.LatestRepresentationFile}
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		for _, name := range []string{changeset.ReplicaVersionFile, changeset.DatabaseUUIDFile, changeset.ReplicaUUIDFile, changeset.LatestFile} {
			texts = append(texts, prefix+name)
		}
		binary = append(binary, prefix+replica.DigestsFile, prefix+replica.LostFile)
	}
	return texts, binary
}()

// lookForTree finds out where what the mirror has is read: in its v1 tree, or, if it is to have none, in its head.
func (p *publisher) lookForTree() error {
	p.tree = p.disk
	if !p.opts.NoTree {
		return nil
	}
	for _, name := range []string{changeset.ReplicaVersionFile, changeset.IndexFile, changeset.LatestFile} {
		if there, err := exists(p.disk, name); err != nil {
			return err
		} else if there {
			return errors.New("the mirror has a v1 tree, which would stay behind: publish with the tree, or without it to another directory")
		}
	}
	shown, err := wire.Open(p.disk)
	switch {
	case errors.Is(err, fs.ErrNotExist) || p.opts.Check && errors.As(err, new(*wire.PackError)):
		return nil
	case errors.As(err, new(*wire.PackError)):
		return &MirrorError{err}
	case err != nil:
		return err
	}
	p.tree = shown
	return nil
}

// readHead reads the head of the mirror, if there is one that can be read.
func (p *publisher) readHead() (err error) {
	p.wire = wired{}
	if p.opts.NoPacks {
		return nil
	}
	p.wire.there, err = wire.ReadHead(p.disk)
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*wire.PackError)) {
		return nil
	}
	return err
}

// lookAtHead finds out whether the head of the mirror is behind. If there is none, or it is damaged, it is written anew.
func (p *publisher) lookAtHead() error {
	h := p.wire.there
	if p.opts.NoPacks {
		return nil
	}
	if p.wire.news = true; h == nil {
		if !p.fresh {
			p.wire.restored++
		}
		return nil
	}
	continues, err := p.continues(h)
	if !continues || err != nil {
		return err
	}
	p.wire.old = h
	same, err := p.sameFiles(h)
	p.wire.news = !same || h.Tree == p.opts.NoTree || p.opts.Prune && p.prunes(h)
	for i, s := range p.packSources() {
		p.wire.news = p.wire.news || s.Latest() != h.Logs[i].Latest()
	}
	return err
}

// prunes reports whether there is anything to remove at once.
func (p *publisher) prunes(h *wire.Head) bool {
	superseded := func(l wire.LogHead) bool { return len(l.Before) > 0 }
	if slices.ContainsFunc(h.Logs[:], superseded) {
		return true
	}
	expired, err := wire.Expired(p.disk, h, p.now(), true)
	return err != nil || len(expired) > 0
}

// continues reports whether the rows that a head has are the first ones of the logs here, and refuses one that is of another replica, or has rows that are not here.
func (p *publisher) continues(h *wire.Head) (bool, error) {
	anew := len(p.back) > 0
	for _, l := range []*treeLog{&p.main, &p.votes} {
		was := l.anew
		err := l.isOf(mirrored{texts: h.Files})
		anew, l.anew = anew || l.anew, was
		if err != nil {
			return false, err
		}
	}
	if anew {
		return false, nil
	}
	for i, s := range p.packSources() {
		rows, err := h.Rows(i)
		if errors.As(err, new(*wire.PackError)) {
			p.wire.restored++
			return false, nil
		}
		if err != nil || len(rows) == 0 {
			if err != nil {
				return false, err
			}
			continue
		}
		last := rows[len(rows)-1]
		if last.Seq > s.Latest() {
			return false, fmt.Errorf("the head of the mirror has %d rows of a log that has %d here: %w", last.Seq, s.Latest(), ErrMirrorAhead)
		}
		if mine, err := s.Row(last.Seq); err != nil || mine != last {
			return false, errors.Join(err, fmt.Errorf("row %d in the head of the mirror is changeset %s there and %s here: %w", last.Seq, last.ID, mine.ID, ErrMirrorAhead))
		}
	}
	return true, nil
}

// sameFiles reports whether a head has the small files as they are beside it.
func (p *publisher) sameFiles(h *wire.Head) (bool, error) {
	if p.opts.NoTree {
		return true, nil // there are none
	}
	now, err := p.headWith(h.Logs, nil)
	return err == nil && string(now.Encode()) == string(h.Encode()), err
}

// headWith returns the head with the small files as they are in the mirror, or will be.
func (p *publisher) headWith(logs [wire.Logs]wire.LogHead, texts map[string]string) (*wire.Head, error) {
	h := &wire.Head{Tree: !p.opts.NoTree, Files: map[string]string{}, Binary: map[string][]byte{}, Logs: logs}
	for _, name := range slices.Concat(headTexts, headBinary) {
		b, err := []byte(texts[name]), error(nil)
		if _, written := texts[name]; !written {
			b, err = readAtMost(p.tree, name, wire.MaxHead)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case b == nil:
		case slices.Contains(headTexts, name):
			h.Files[name] = string(b)
		default:
			h.Binary[name] = b
		}
	}
	return h, nil
}

// packSource is a log of which packs are made.
type packSource struct{ treeLog }

// packSources are the logs of the replica as the head counts them.
func (p *publisher) packSources() [wire.Logs]packSource {
	return [wire.Logs]packSource{wire.Log: {p.main}, wire.List: {treeLog{Log: p.reps.Log}}, wire.Votes: {p.votes}}
}

func (s packSource) Entries(from uint32) iter.Seq2[wire.Entry, error] {
	return func(yield func(wire.Entry, error) bool) {
		for row, err := range s.Rows(from, s.Latest()) {
			it := wire.Entry{Row: row}
			if err == nil {
				it.Raw, _, err = s.read(row)
			}
			if !yield(it, err) || err != nil {
				return
			}
		}
	}
}

// writePacks writes the packs that the mirror lacks. It returns what the head has to say of the logs, nil if there is to be none.
func (p *publisher) writePacks(ctx context.Context) (*[wire.Logs]wire.LogHead, error) {
	if p.opts.NoPacks {
		return nil, nil
	}
	var logs [wire.Logs]wire.LogHead
	if p.wire.old != nil {
		logs = p.wire.old.Logs
	}
	for i, s := range p.packSources() {
		if p.opts.Check && p.wire.old != nil {
			if err := p.checkPacks(ctx, i, s, &logs[i]); err != nil {
				return nil, err
			}
		}
		var err error
		if logs[i], err = wire.Extend(ctx, p.disk, i, logs[i], s, cmp.Or(p.opts.InHead, wire.InHead)); err != nil {
			return nil, err
		}
	}
	return &logs, nil
}

// checkPacks holds the packs of a log against its rows, and leaves out the first that is missing or damaged and all after it.
func (p *publisher) checkPacks(ctx context.Context, log int, s packSource, l *wire.LogHead) error {
	first := -1
	err := p.wire.old.Check(ctx, p.disk, log, func(f *wire.Frame) error {
		mine, err := s.Collect(f.Rows[0].Seq, f.Rows[len(f.Rows)-1].Seq)
		if err == nil && !slices.Equal(mine, f.Rows) {
			err = errors.New("its rows are not those of the log")
		}
		return err
	}, func(bad wire.Pack, _ error) {
		p.wire.restored++
		if first < 0 {
			first = slices.Index(l.Packs, bad)
		}
	})
	if errors.As(err, new(*wire.PackError)) { // the head's own rows
		p.wire.restored++
		first, err = max(0, first), nil
	}
	if first >= 0 {
		*l = wire.LogHead{Packs: slices.Clone(l.Packs[:first]), Before: l.Before}
	}
	return err
}

// writeHead writes the head, if it is another one, and removes packs that nobody needs any more.
func (p *publisher) writeHead(logs *[wire.Logs]wire.LogHead, texts map[string]string) error {
	if logs == nil {
		return nil
	}
	if p.opts.Prune {
		for i := range logs {
			logs[i].Before = nil
		}
	}
	h, err := p.headWith(*logs, texts)
	if err != nil {
		return err
	}
	if err := stillNamed(p.from, "publish it again"); err != nil {
		return err
	}
	expired, err := wire.Retire(p.disk, p.wire.there, h, p.now(), p.opts.Prune)
	if err != nil {
		return err
	}
	encoded := h.Encode()
	if len(encoded) > wire.MaxHead {
		return fmt.Errorf("the head of the mirror would have %d bytes, and readers take %d: too much of the replica is lost", len(encoded), wire.MaxHead)
	}
	if same, err := holdsFile(p.disk, wire.HeadFile, encoded); err != nil {
		return err
	} else if !same {
		if err := durable.WriteFile(p.disk, wire.HeadFile, encoded); err != nil {
			return err
		}
	}
	return wire.Remove(p.disk, expired)
}

func (p *publisher) now() time.Time {
	if p.opts.Now == nil {
		return time.Now()
	}
	return p.opts.Now()
}

// flatHead reports whether the head of a flat mirror lies at the root of a file system.
func flatHead(fsys afero.Fs) (bool, error) { return exists(fsys, wire.HeadFile) }
