package sync

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/afero"

	"prophet/internal/durable"
	"prophet/replica"
)

// A publisher that is killed leaves files under names that nobody reads. Nothing says of them whether somebody is still at work on them but the lock.

// rootTemps returns the files that publishers left who were to write the MirrorFile. Others may have files of their own there.
func rootTemps(fsys afero.Fs) ([]string, error) {
	found, err := afero.Glob(fsys, "."+MirrorFile+".tmp*")
	return slices.DeleteFunc(found, func(name string) bool { return !durable.IsTemp(name) }), err
}

// tellTemps names what killed publishers left of some files, unless somebody publishes there now.
func tellTemps(fsys afero.Fs, temps func(afero.Fs) ([]string, error), report func(replica.Problem)) error {
	found, err := temps(fsys)
	if err != nil || len(found) == 0 || durable.Locked(fsys, mirrorLock) {
		return err
	}
	for _, name := range found {
		report(replica.Problem{Path: name, Harmless: true, Text: `a publication that was killed left it, or is at work on it: no part of the data; "prophet publish --check" removes it`})
	}
	return nil
}

// clear removes what killed publishers left. The caller holds the lock of the directory of the replica.
func (p *publisher) clear(ctx context.Context) error {
	if !p.opts.Check {
		return nil
	}
	found, err := replica.Temps(p.disk)
	if err != nil {
		return fmt.Errorf("check the mirror: %w", err)
	}
	if p.report.Cleared, err = durable.RemoveLeft(p.disk, found); err != nil || p.opts.Flat {
		return err
	}
	if found, err = rootTemps(p.dest); err != nil || len(found) == 0 {
		return err
	}
	unlock, err := durable.Lock(ctx, p.dest, mirrorLock, p.opts.patience())
	if err != nil {
		return err
	}
	defer unlock()
	if found, err = rootTemps(p.dest); err != nil { // another publisher may have been at work
		return err
	}
	n, err := durable.RemoveLeft(p.dest, found)
	p.report.Cleared += n
	return err
}
