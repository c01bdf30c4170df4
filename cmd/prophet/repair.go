package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
	psync "prophet/sync"
)

// repairedDoc is the JSON of what a repair did about a file.
type repairedDoc struct {
	Outcome string `json:"outcome"`
	Path    string `json:"path"` // within the replica
	Text    string `json:"text"`
}

// repair mends the replica before it is checked, and notes what it did.
func (o *fsckOptions) repair(ctx context.Context, e *env, p *printer, dir string, doc *fsckDoc) error {
	opts, err := e.replicaOptions(dir, o.globals)
	if err != nil { // the config is the user's own, and not for this to mend
		p.warnf("%v", err)
		opts = replica.Options{Where: dir, Now: e.Now, Warn: func(s string) { p.warnf("%s", s) }}
	}
	doc.Repaired = []repairedDoc{}
	progress := p.progress("repairing", false)
	defer progress.Done()
	err = psync.Repair(ctx, e.dir(dir), opts, replica.RepairOptions{
		Sources: func(ctx context.Context) []*replica.Replica {
			progress.Done()
			return o.sources(ctx, e, p, dir)
		},
		Report:   doc.repaired,
		Progress: func(done, total int) { progress.Set(int64(done), int64(total)) },
	})
	if errors.Is(err, replica.ErrMirror) {
		return withHint(err, hintMirror)
	}
	if errors.Is(err, replica.ErrNothingLeft) {
		return withHint(err, `"prophet clone %s DIR" makes a new one, from another replica or a mirror of the database`, shellWord(append(slices.Clone(o.from), "URL")[0]))
	}
	return ifInterrupted(ctx, err, "what is repaired so far stays; run it again")
}

// findRemains returns where a replica is named that lost the file without which there is none; else the error of looking for it.
func (e *env) findRemains(o fsckOptions, lookFailed error) (string, error) {
	dir := e.path(cmp.Or(o.replica, e.Getenv("PROPHET_REPO"), "."))
	left, err := replica.Remains(e.dir(dir))
	if err == nil && !left && o.mends {
		left, err = isFile(e.Fs, filepath.Join(dir, filepath.FromSlash(replica.IdentityFile)))
	}
	if !left || err != nil {
		return "", lookFailed
	}
	e.at = dir
	return dir, nil
}

// repaired notes what was done about a file.
func (d *fsckDoc) repaired(m replica.Mended) {
	d.Repaired = append(d.Repaired, repairedDoc{string(m.Outcome), m.Path, m.Text})
	switch m.Outcome {
	case replica.IsLost, replica.IsLeft:
		d.OK = false
		d.lostVotes = d.lostVotes || m.Path == changeset.ResolutionsDir+"/"+changeset.IndexFile && m.Outcome == replica.IsLost
	}
}

// mostAlike is how many files below one directory are listed with which a repair did the same; of more, how many there are.
const mostAlike = 10

// showRepaired prints what a repair did, in that order, files that are alike where the first of them is.
func (d *fsckDoc) showRepaired(p *printer) error {
	alike := map[repairedDoc]int{}
	for _, m := range d.Repaired {
		alike[m.kind()]++
	}
	for _, m := range d.Repaired {
		kind := m.kind()
		err := error(nil)
		switch n := alike[kind]; {
		case n > mostAlike:
			err = p.linef("%s/: %s %s: %s", kind.Path, counted(n, "file"), m.Outcome, m.Text)
			alike[kind] = 0
		case n > 0:
			err = p.linef("%s: %s: %s", m.Path, m.Outcome, d.here(m.Text))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// kind is what a repair did with the directory of changesets, versions or records in which a file lies, or with a file that lies elsewhere.
func (m repairedDoc) kind() repairedDoc {
	for _, dir := range []string{"cas/" + changeset.ChangesetObjects, "cas/" + changeset.RecordObjects, changeset.RecordsDir} {
		for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
			if strings.HasPrefix(m.Path, prefix+dir+"/") {
				m.Path = prefix + dir
				return m
			}
		}
	}
	return m
}

// sources opens the replicas and mirrors that may have what is missing: those that were named, else all that are known. Which are asked is said; those that cannot be opened are passed over.
func (o *fsckOptions) sources(ctx context.Context, e *env, p *printer, dir string) (sources []*replica.Replica) {
	database := replica.DatabaseOf(e.dir(dir))
	for _, location := range o.locations(e, p, dir) {
		r, err := e.openPeer(ctx, "ask", location, database, dir, o.globals)
		if err == nil && database != uuid.Nil && r.Database() != database {
			err = fmt.Errorf("ask %s: it is a replica of %w", r.Where(), psync.ErrOtherDatabase)
		}
		if file, _ := isFile(e.Fs, location); file {
			err = fmt.Errorf("%w; if it was imported, importing it again brings back what was lost of its lines", err)
		}
		if err != nil {
			p.warnf("passed over: %v", err)
			continue
		}
		p.notef("something is missing; asking %s", r.Where())
		sources = append(sources, r)
	}
	return sources
}

// locations are where sources are looked for.
func (o *fsckOptions) locations(e *env, p *printer, dir string) (locations []string) {
	known, err := e.peers(dir, pulling)
	if err != nil {
		p.warnf("%v", err)
	}
	if len(o.from) == 0 {
		locations = known.known(replica.KnownPeers(e.dir(dir)))
		for _, c := range known.config.Replicas { // what was published from here has all that was here then
			if l := known.configured(c.PublishURL); c.PublishURL != "" && !slices.Contains(locations, l) {
				locations = append(locations, l)
			}
		}
		return locations
	}
	for _, word := range o.from {
		l, err := known.named(word)
		if err != nil {
			p.warnf("passed over: %v", err)
			continue
		}
		locations = append(locations, l)
	}
	return locations
}
