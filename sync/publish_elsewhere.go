package sync

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/wire"
	"prophet/replica"
)

// CopyDir is the directory with the copy of a mirror elsewhere, beside the lock and the note that both are alike.
const CopyDir = "mirror"

const (
	copyLock = "lock"
	copySent = "sent" // is there only while the copy is what lies elsewhere
)

// Elsewhere is a place whose files are not opened here, but copied: that of a mirror of which there is a copy here, in a directory.
type Elsewhere interface {
	// Fetch makes the copy hold what is there at these names, of files or, with a slash at the end, of directories with all in them; what is not there is removed from the copy. "*" stands for
	// any name without a slash. What lies at other names stays. It is no error if nothing is there at all.
	Fetch(ctx context.Context, names []string) error
	// Send copies these files there, and removes those that are gone. Each file is there as it was or as it is now, never in part; in which order, is not said.
	Send(ctx context.Context, names, gone []string) error
}

// PublishElsewhere is [Publish] to a mirror of which there is a copy here. Its directory, CopyDir of at, is that of which there knows; what is in it was fetched from there, and can be fetched again.
//
// The copy is first made what is there, so all that is refused or mended in a directory is there too. With nothing changed since the last publication
// that costs a look at small files. Then the copy is published to, and at last what that wrote is sent, in an order that serves readers in the middle:
// docs/adr/0021-rsync.md. After an error readers see the state before or after, and the next publication makes good what is missing.
func PublishElsewhere(ctx context.Context, from *replica.Replica, at afero.Fs, there Elsewhere, opts PublishOptions) (*Published, error) {
	unlock, err := durable.Lock(ctx, at, copyLock, opts.patience())
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	defer unlock()
	if err := durable.MkdirAll(at, CopyDir); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	mirror := &noted{Fs: afero.NewBasePathFs(at, CopyDir), names: map[string]bool{}}
	p := newPublisher(from, mirror, opts)
	c := &copied{at: at, mirror: mirror, there: there, path: p.report.Path, whole: opts.Check}
	if !c.whole {
		if c.whole, err = c.mayHaveLost(from); err != nil {
			return nil, fmt.Errorf("publish: %w", err)
		}
	}
	p.begun = func(ctx context.Context) error { return c.send(ctx, []step{func(string, bool) bool { return true }}) }
	if err := c.fetch(ctx); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if err := p.publish(ctx); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if err := c.send(ctx, p.steps()); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if err := durable.WriteFile(at, copySent, nil); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return &p.report, nil
}

// copied is the copy of a mirror elsewhere.
type copied struct {
	at     afero.Fs // has it, and the note
	mirror *noted
	there  Elsewhere
	path   string // of the replica in the mirror
	whole  bool   // nothing of the copy is believed to be what is there
}

// fetch makes the copy what is there. The note that it is so is gone afterwards: what is written to the copy from now on is not there.
func (c *copied) fetch(ctx context.Context) error {
	sent, err := exists(c.at, copySent)
	if err != nil {
		return err
	}
	if sent && !c.whole {
		was, err := c.texts()
		if err != nil {
			return err
		}
		if err := c.there.Fetch(ctx, c.small()); err != nil {
			return err
		}
		is, err := c.texts()
		if err != nil {
			return err
		}
		sent = maps.Equal(was, is)
	}
	if err := durable.Remove(c.at, copySent); err != nil {
		return err
	}
	if sent && !c.whole {
		return nil
	}
	return c.there.Fetch(ctx, c.all())
}

// mayHaveLost reports whether the replica has lost what the mirror is not known to lack: the copy may have lost it too.
func (c *copied) mayHaveLost(from *replica.Replica) (bool, error) {
	main, votes, err := logs(from)
	if err != nil {
		return false, err
	}
	for _, l := range []treeLog{main, votes} {
		list, err := l.lostFile()
		if err != nil {
			return false, err
		}
		if list.text == "" {
			continue
		}
		known, err := readAtMost(c.mirror, c.name(list.name), int64(len(list.text)))
		if err != nil || string(known) != list.text { // what cannot be read is fetched, too
			return true, nil
		}
	}
	return false, nil
}

// small are the names of the files that tell whether a mirror is as it was left, and whether it is one to write to.
func (c *copied) small() []string {
	names := []string{MirrorFile}
	if c.path != "." {
		names = append(names, changeset.ReplicaVersionFile, wire.HeadFile)
	}
	for _, name := range slices.Concat(headTexts, headBinary, []string{wire.HeadFile}) {
		names = append(names, c.name(name))
	}
	return names
}

// all are the names of all that a mirror has, of which of it is not a place to write to, and of what other databases are there.
func (c *copied) all() []string {
	names := append(c.small(), "*/"+changeset.ReplicaVersionFile)
	for _, name := range []string{"cas/", "records/", "resolutions/", "prophet/", "local_metadata/", "userdata/local-id-cache", "changesets.idx"} {
		names = append(names, c.name(name))
	}
	return names
}

// name is that of a file of the replica in the mirror.
func (c *copied) name(name string) string {
	if c.path == "." {
		return name
	}
	return c.path + "/" + name
}

// texts returns what the small files hold, by their names.
func (c *copied) texts() (map[string]string, error) {
	texts := map[string]string{}
	for _, name := range c.small() {
		b, err := readAtMost(c.mirror, name, wire.MaxHead)
		if err != nil {
			return nil, err
		}
		if b != nil {
			texts[name] = string(b)
		}
	}
	return texts, nil
}

// send sends what was written since the last time, step by step.
func (c *copied) send(ctx context.Context, steps []step) error {
	names := slices.Sorted(maps.Keys(c.mirror.names))
	clear(c.mirror.names)
	for _, s := range steps {
		var here, gone, later []string
		for _, name := range names {
			is, err := exists(c.mirror, name)
			switch {
			case err != nil:
				return err
			case !s(strings.TrimPrefix(name, c.path+"/"), !is):
				later = append(later, name)
			case is:
				here = append(here, name)
			default:
				gone = append(gone, name)
			}
		}
		names = later
		if len(here)+len(gone) == 0 {
			continue
		}
		if err := c.there.Send(ctx, here, gone); err != nil {
			return err
		}
	}
	return nil
}
