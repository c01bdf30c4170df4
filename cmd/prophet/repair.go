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

	alike string // see [replica.Mended]
}

// repair mends the replica before it is checked, and notes what it did.
func (o *fsckOptions) repair(ctx context.Context, e *env, p *printer, dir string, doc *fsckDoc) error {
	opts, err := e.replicaOptions(dir, o.globals)
	if err != nil { // the config is the user's own, and not for this to mend
		p.warnf("%v", err)
		opts = replica.Options{Where: dir, Now: e.Now, Warn: func(s string) { p.warnf("%s", s) }}
	}
	doc.Repaired = []repairedDoc{}
	named, err := o.named(ctx, e, p, dir) // before anything is called lost
	if err != nil {
		return err
	}
	progress := p.progress("repairing", false)
	defer progress.Done()
	err = psync.Repair(ctx, e.dir(dir), opts, replica.RepairOptions{
		Sources: func(ctx context.Context) []*replica.Replica {
			progress.Done()
			for _, r := range named {
				p.notef("something is missing; asking %s", r.Where())
			}
			if len(o.from) > 0 {
				return named
			}
			return o.known(ctx, e, p, dir, nil, doc)
		},
		More: func(ctx context.Context) []*replica.Replica {
			if len(o.from) == 0 {
				return nil // these were asked
			}
			progress.Done()
			return o.known(ctx, e, p, dir, named, doc)
		},
		Unread: func(r *replica.Replica) {
			if !slices.Contains(doc.silent, r.Where()) {
				doc.silent = append(doc.silent, r.Where())
			}
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
	return ifCutOff(ctx, err, "what is repaired so far stays; run it again")
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
	d.Repaired = append(d.Repaired, repairedDoc{string(m.Outcome), m.Path, m.Text, m.Alike})
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
		case n > mostAlike && kind.alike != "":
			if kind.Path != m.Path {
				kind.Path += "/"
			}
			err = p.linef("%s: %s: %s", kind.Path, m.Outcome, fmt.Sprintf(kind.alike, n))
			alike[m.kind()] = 0
		case n > mostAlike:
			err = p.linef("%s/: %s %s: %s", kind.Path, counted(n, kind.noun()), m.Outcome, kind.Text)
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
	if m.Outcome == string(replica.IsOther) {
		return repairedDoc{m.Outcome, changeset.RecordsDir, "they show something else now, which --json lists", ""}
	}
	if m.alike != "" {
		m.Text = ""
	}
	m.Path = dirOf(m.Path)
	return m
}

// noun is what there are many of.
func (m repairedDoc) noun() string {
	if m.Outcome == string(replica.IsOther) {
		return "record"
	}
	return "file"
}

// kind is the same of a problem.
func (d problemDoc) kind() problemDoc {
	if d.alike != "" {
		d.Text = ""
	}
	d.Path = dirOf(d.Path)
	return d
}

// dirOf returns the directory of changesets, versions or records in which a file lies; the file itself if it lies elsewhere.
func dirOf(file string) string {
	if first, rest, below := strings.Cut(file, "/"); below { // of a database in a mirror
		if _, err := changeset.ParseUUID(first); err == nil {
			return first + "/" + dirOf(rest)
		}
	}
	for _, dir := range []string{"cas/" + changeset.ChangesetObjects, "cas/" + changeset.RecordObjects, changeset.RecordsDir} {
		for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
			if strings.HasPrefix(file, prefix+dir+"/") {
				return prefix + dir
			}
		}
	}
	return file
}

// named opens the replicas and mirrors that --from names. One that cannot be opened is an error: what it may have is not to be called lost.
func (o *fsckOptions) named(ctx context.Context, e *env, p *printer, dir string) (named []*replica.Replica, err error) {
	known, err := e.peers(dir, pulling)
	if err != nil {
		p.warnf("%v", err)
	}
	for _, word := range o.from {
		location, err := known.named(word)
		if err != nil {
			return nil, err
		}
		r, err := o.ask(ctx, e, location, dir)
		if err != nil {
			return nil, fmt.Errorf("nothing was repaired, nor called lost: %w", err)
		}
		named = append(named, r)
	}
	return named, nil
}

// ask opens a replica or mirror that may have what is missing.
func (o *fsckOptions) ask(ctx context.Context, e *env, location, dir string) (*replica.Replica, error) {
	database := replica.DatabaseOf(e.dir(dir))
	r, err := e.openPeer(ctx, "ask", location, database, dir, o.globals)
	if err == nil && database != uuid.Nil && r.Database() != database {
		err = withHint(fmt.Errorf("ask %s: it is a replica of %w", r.Where(), psync.ErrOtherDatabase), "only replicas and mirrors of the same database have what is missing")
	}
	if file, _ := isFile(e.Fs, location); file {
		err = fmt.Errorf("%w; if it was imported, importing it again brings back what was lost of its lines", err)
	}
	if err != nil {
		return nil, err
	}
	r.LossIsTold()
	return r, nil
}

// known opens the replicas and mirrors that are known here and may have what is missing, but those that were named. Which are asked is said; those that cannot be opened are passed over, and noted.
func (o *fsckOptions) known(ctx context.Context, e *env, p *printer, dir string, named []*replica.Replica, doc *fsckDoc) (sources []*replica.Replica) {
	for _, location := range o.locations(e, p, dir) {
		if slices.ContainsFunc(o.from, func(word string) bool { return e.location(word) == location }) {
			continue
		}
		r, err := o.ask(ctx, e, location, dir)
		if err != nil {
			p.warnf("passed over: %v", err)
			if !errors.Is(err, psync.ErrOtherDatabase) {
				doc.unreached = append(doc.unreached, psync.Shown(location))
			}
			continue
		}
		if slices.ContainsFunc(named, func(n *replica.Replica) bool { return n.Where() == r.Where() }) {
			continue
		}
		p.notef("something is missing; asking %s", r.Where())
		sources = append(sources, r)
	}
	return sources
}

// locations are where the replicas are that are known here, and what was published from here.
func (o *fsckOptions) locations(e *env, p *printer, dir string) []string {
	known, err := e.peers(dir, pulling)
	if err != nil {
		p.warnf("%v", err)
	}
	locations := known.known(replica.KnownPeers(e.dir(dir)), replica.KnownLastPeer(e.dir(dir)))
	for _, c := range known.config.Replicas { // what was published from here has all that was here then
		if l := known.configured(c.PublishURL); c.PublishURL != "" && !slices.Contains(locations, l) {
			locations = append(locations, l)
		}
	}
	return locations
}
