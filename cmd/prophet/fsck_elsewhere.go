package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"prophet/replica"
	psync "prophet/sync"
)

// elsewhere checks what lies at a location.
func (d *fsckDoc) elsewhere(ctx context.Context, e *env, p *printer, url string, opts replica.Options) error {
	location := e.location(url)
	progress := p.progress("checking", false)
	trees, err := e.carriers().Check(ctx, location, opts, d.add, func(done, total int) { progress.Set(int64(done), int64(total)) })
	progress.Done()
	if err != nil {
		return e.peerHint(unreachable("check", location, err), location, "")
	}
	d.web = psync.ReadOnly(location)
	for _, tree := range trees {
		where := location
		if tree != "" {
			where = strings.TrimSuffix(location, "/") + "/" + tree
		}
		if r, err := d.openChecked(ctx, e, where); err == nil {
			if err := d.countIn(ctx, r); err != nil {
				return err
			}
			edited, err := r.Edited()
			d.served = d.web && tree == "" && edited && err == nil
		}
	}
	d.mirror = d.web && !d.served || !d.web && (!slices.Contains(trees, "") || e.isMirror(location))
	if dir, local := localDir(location); local && !d.mirror {
		d.at = e.shortDir(dir)
	}
	return d.show(p)
}

// openChecked opens what was checked to count it: in a directory the tree, where its records can be counted, else what readers see.
func (d *fsckDoc) openChecked(ctx context.Context, e *env, location string) (*replica.Replica, error) {
	opts := replica.Options{Uncounted: true}
	if dir, local := localDir(location); local {
		if r, err := replica.Open(e.dir(dir), opts); err == nil {
			if d.OK {
				return r, nil
			}
			if _, _, err := r.CountRecords(ctx); err == nil {
				return r, nil
			}
		}
	}
	return e.carriers().Open(ctx, location, opts)
}

// scratch makes a directory for temporary files.
func scratch() (dir afero.Fs, remove func(), err error) {
	name, err := os.MkdirTemp("", "prophet-fsck-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a directory for temporary files: %w", err)
	}
	return afero.NewBasePathFs(afero.NewOsFs(), name), func() { _ = os.RemoveAll(name) }, nil
}
