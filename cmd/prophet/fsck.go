package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
)

func fsckCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "fsck",
		Usage:    "check every byte of the replica; change nothing",
		Category: aboutReplica,
		Description: `
Reads every file of the replica and checks every hash, row, length and
reference, that the records are what the log comes to, and that this is what the
changesets merge to. It prints what is wrong, and exits with 1 unless all of it
is harmless: that is what the next edit mends by itself, or what is only there
for nothing.

  prophet fsck
  prophet fsck -r /backup/bugs --json`,
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			return runFsck(c.Context, e, fsckOptions{globalsOf(c)})
		},
	}
}

type fsckOptions struct{ globals }

// The JSON of fsck.
type (
	fsckDoc struct {
		Changesets uint32       `json:"changesets"` // rows in the log
		OK         bool         `json:"ok"`         // there is no problem that is not harmless
		Problems   []problemDoc `json:"problems"`
		Records    int          `json:"records"` // deleted ones too

		opened bool   // the replica could be
		again  string // the directory to clone from, if a clone is whole; else ""
		mirror bool   // somebody publishes it
	}
	problemDoc struct {
		Harmless bool   `json:"harmless"`
		Path     string `json:"path"` // within the replica
		Text     string `json:"text"`
	}
)

func runFsck(ctx context.Context, e *env, o fsckOptions) error {
	dir, err := e.findReplica(o.globals)
	if err != nil {
		return err
	}
	p := e.printer(o.globals)
	doc := fsckDoc{OK: true, Problems: []problemDoc{}}
	progress := p.progress("checking", false)
	err = replica.Check(ctx, e.dir(dir), replica.Options{Where: dir}, doc.add,
		func(done, total int) { progress.Set(int64(done), int64(total)) })
	progress.Done()
	if err != nil {
		return err
	}
	doc.count(ctx, e, dir)
	doc.mirror = e.isMirror(dir)
	if doc.inRecordsAlone() && e.ownNotes(dir) {
		doc.again = e.shortDir(dir)
	}
	return doc.show(p)
}

func (d *fsckDoc) add(found replica.Problem) {
	d.Problems = append(d.Problems, problemDoc{found.Harmless, found.Path, found.Text})
	d.OK = d.OK && found.Harmless
}

// count fills in how much was checked. A replica that cannot be opened has nothing to count; why stands among the problems.
func (d *fsckDoc) count(ctx context.Context, e *env, dir string) {
	r, err := replica.Open(e.dir(dir), replica.Options{})
	if err != nil {
		return
	}
	d.opened, d.Changesets = true, r.Latest()
	living, deleted, _ := r.CountRecords(ctx) // what could not be counted was reported
	d.Records = living + deleted
}

// show prints what was found. Its error says that there is damage.
func (d *fsckDoc) show(p *printer) error {
	if p.json {
		if err := p.writeJSON(d); err != nil {
			return err
		}
		return d.err()
	}
	for _, found := range d.Problems {
		mark := ""
		if found.Harmless {
			mark = " (harmless)"
		}
		if err := p.linef("%s: %s%s", found.Path, found.Text, mark); err != nil {
			return err
		}
	}
	if err := p.linef("%s, %s", d.checked(), d.verdict()); err != nil {
		return err
	}
	return d.err()
}

// checked says in words how much was checked.
func (d *fsckDoc) checked() string {
	if !d.opened {
		return "the rest could not be checked"
	}
	return counted(int(d.Changesets), "changeset") + ", " + counted(d.Records, "record") + " checked"
}

// verdict says in words how many problems there are.
func (d *fsckDoc) verdict() string {
	harmless := d.harmless()
	switch {
	case len(d.Problems) == 0:
		return "no problems"
	case harmless == len(d.Problems):
		return counted(harmless, "harmless problem")
	case harmless > 0:
		return fmt.Sprintf("%s and %s", counted(len(d.Problems)-harmless, "problem"), counted(harmless, "harmless one"))
	}
	return counted(len(d.Problems), "problem")
}

func (d *fsckDoc) harmless() (n int) {
	for _, found := range d.Problems {
		if found.Harmless {
			n++
		}
	}
	return n
}

// inRecordsAlone reports whether all that is damaged is what the records of the log or of the resolutions were made, which a clone makes again from the changesets.
func (d *fsckDoc) inRecordsAlone() bool {
	return d.opened && !slices.ContainsFunc(d.Problems, func(p problemDoc) bool {
		file := strings.TrimPrefix(strings.TrimPrefix(p.Path, changeset.ResolutionsDir+"/"), "cas/")
		return !p.Harmless && !strings.HasPrefix(file, changeset.RecordsDir+"/")
	})
}

// lacksChangesets reports whether changesets, be they votes, are damaged or missing.
func (d *fsckDoc) lacksChangesets() bool {
	return slices.ContainsFunc(d.Problems, func(p problemDoc) bool {
		return !p.Harmless && strings.HasPrefix(strings.TrimPrefix(p.Path, changeset.ResolutionsDir+"/"), "cas/"+changeset.ChangesetObjects+"/")
	})
}

// ownNotes reports whether a replica has notes of ours: of one of the original, a clone takes over what its records show.
func (e *env) ownNotes(dir string) bool {
	ok, err := isFile(e.Fs, filepath.Join(dir, "prophet", "rows"))
	return ok && err == nil
}

// hint says what to do about damage.
func (d *fsckDoc) hint() string {
	switch {
	case d.mirror:
		return hintMirror
	case d.again == "" && d.lacksChangesets():
		return "nothing was changed; copy the replica before you try to mend it; another one may have the changesets, in files of the same names"
	case d.again == "":
		return "nothing was changed; copy the replica before you try to mend it"
	}
	return fmt.Sprintf(`nothing was changed; all changesets are whole: "prophet clone %s NEW" makes a sound replica of them, with an identity and local ids of its own, to go on with in place of this one`, d.again)
}

func (d *fsckDoc) err() error {
	if d.OK {
		return nil
	}
	return &failure{exitFailed, d.hint(),
		fmt.Errorf("the replica is damaged: %s", counted(len(d.Problems)-d.harmless(), "problem"))}
}
