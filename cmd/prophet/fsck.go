package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/spf13/afero"
	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
	psync "prophet/sync"
)

func fsckCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "fsck",
		Usage:     "check every byte of a replica or mirror; with --repair, repair it",
		ArgsUsage: "[URL]",
		Category:  aboutReplica,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "repair", Usage: "repair what is damaged, then check"},
			&cli.BoolFlag{Name: "release", Usage: "with --repair, copy what waits for lost changesets, so that others get it without them"},
			&cli.StringSliceFlag{Name: "from", Usage: "with --repair, take what is missing from the replica or mirror at `URL`; it may be given several times"},
		},
		Description: `
Reads every file of the replica and checks every hash, row, length and
reference, that the records are what the log comes to, and that this is what the
changesets merge to. It prints what is wrong, and exits with 1 unless all of it
is harmless: that is what the next edit repairs by itself, what is only there
for nothing, and what a repair told as lost where no edit waits for it: one
whose records were edited since, bookkeeping, and votes. It counts
all changesets of the log, bookkeeping too, which no clone brings, nor counts.

With a URL or a directory it checks what lies there: a replica, an exported
copy, or a mirror, with all databases that it names. A web server lists no
directories, also where it shows a replica as it is, so files that lie there for
nothing are not found. What is more than memory should hold goes to a temporary
directory of the system's. A mirror to which somebody publishes meanwhile is
checked again; where that goes on, it says so and exits with 8. What a web
server does not send, because it is busy or the line broke, is no damage: it is
told as what could not be checked, and the exit code is 1.

With --quiet nothing is printed where there are no problems. Of many files below
one directory with which a repair did the same it prints how many; --json lists
them.

  prophet fsck
  prophet fsck https://example.com/bugs
  prophet fsck -r /backup/bugs --json
  prophet fsck --repair
  prophet fsck --repair --from https://bugs.example.com/
  prophet fsck --repair --release

Without --repair nothing is changed.

Where a part (see "prophet help gc") is damaged or missing, no changeset and no
record is checked, nor counted, before the parts are whole; small files and
loose objects are.

--repair makes again what follows from the log: records, local ids, the list of
conflicts, marks. A changeset that is missing or damaged is fetched by its name
from the replicas and mirrors given with --from, then from those that this
replica knows; they are asked only if something is missing, and it says which. A
--from that cannot be reached is an error: nothing is called lost that it may
have. It need not be trusted: the name is the hash of the bytes. What
nobody has is listed as lost, and the rest goes on working; a later repair, or a
pull from somebody who has it, brings it back. What builds on it waits: it goes
to nobody who lacks it until the record is edited again: that sends all that it
shows; "prophet update ID" alone is enough. --release does that for all records
that wait. Once none waits, fsck names what is lost as harmless, and no command
warns of it any more. Where nothing is left of the votes, --repair brings those
that the others have.

Nothing is thrown away: what --repair replaces or takes away is kept below
prophet/set-aside, also what lies in the place of a file and is none. If it is
cut off, run it again. It exits with 1 if something is lost, or is damaged
still.`,
		Action: func(c *cli.Context) error {
			url, err := argument(c, "URL")
			if err != nil {
				return err
			}
			o := fsckOptions{globalsOf(c), url, c.Bool("repair"), c.Bool("release"), c.StringSlice("from")}
			if len(o.from) > 0 && !o.mends {
				return usagef("--from goes with --repair")
			}
			if o.releases && !o.mends {
				return usagef("--release goes with --repair")
			}
			if o.mends && url != "" {
				return usagef("--repair is for the replica that is named with -r; with a URL nothing is changed")
			}
			return runFsck(c.Context, e, o)
		},
	}
}

type fsckOptions struct {
	globals
	url      string // "" for the replica
	mends    bool
	releases bool
	from     []string
}

// The JSON of fsck.
type (
	fsckDoc struct {
		Changesets uint32        `json:"changesets"` // rows in the log
		Lost       []lostDoc     `json:"lost,omitempty"`
		OK         bool          `json:"ok"`       // there is no problem that is not harmless
		Problems   []problemDoc  `json:"problems"` // the first mostListed that are harmless, and as many that are not
		Records    int           `json:"records"`  // deleted ones too; 0 on a web server, where they cannot be listed
		Repaired   []repairedDoc `json:"repaired,omitempty"`
		Unlisted   int           `json:"unlisted,omitempty"` // problems beyond those
		Waiting    []refDoc      `json:"waiting,omitempty"`  // records of which changes go to nobody who lacks what is lost

		harmless     int  // problems, listed or not
		damages      int  // the others
		lacksObjects bool // some of these are of changesets that are damaged or missing, be they votes
		lacksPart    bool // a part is damaged or missing: the rest follows from it, and was not checked
		byHand       bool // some of these a repair leaves
		isWorse      bool // some of these are more than a changeset, or votes, that are listed as lost

		here func(string) string // adds to commands in a text the replica that was named

		at     string // where -r does not name it: the directory of the replica
		opened bool   // the replica could be
		mirror bool   // somebody publishes it
		web    bool   // it lies on a web server
		served bool   // and is no mirror, but a replica in which edits are made
		begun  bool   // it is a mirror that nothing names, as while it is published for the first time

		exported bool // it is an exported copy, or looks like one
		mends    bool // it was repaired

		unread    int      // so many of these are of files that cannot be read
		why       error    // what kept the first of them from being read
		unreached []string // replicas that are known here, and could not be asked by the repair
		silent    []string // those that were asked, and could not read all of it

		namesLost  bool // some of these name changesets that are lost
		lostVotes  bool // nothing was left of the resolutions: this repair found that out
		lacksVotes bool // likewise, and nobody is known who may have some
	}
	problemDoc struct {
		Harmless bool   `json:"harmless"`
		Path     string `json:"path"` // within the replica
		Text     string `json:"text"`
		Unread   bool   `json:"unread,omitempty"` // the file could not be read, and is not known to be damaged

		alike string // see [replica.Problem]
	}
)

func runFsck(ctx context.Context, e *env, o fsckOptions) error {
	temporary, remove, err := scratch()
	if err != nil {
		return err
	}
	defer remove()
	p := e.printer(o.globals)
	doc := fsckDoc{OK: true, Problems: []problemDoc{}, mends: o.mends, here: func(text string) string { return text }}
	if o.url != "" {
		return o.ifInterrupted(ctx, doc.elsewhere(ctx, e, p, o.url, replica.Options{Scratch: temporary}))
	}
	dir, err := e.findReplica(o.globals)
	if err != nil {
		dir, err = e.findRemains(o, err)
	}
	if err != nil {
		return err
	}
	if o.mends {
		if err := o.repair(ctx, e, p, dir, &doc); err != nil {
			return err
		}
	}
	if o.releases {
		if err := o.release(ctx, e, p, dir, &doc); err != nil {
			return err
		}
	}
	progress := p.progress("checking", false)
	err = e.check(ctx, dir, replica.Options{Where: dir, Scratch: temporary}, doc.add,
		func(done, total int) { progress.Set(int64(done), int64(total)) })
	progress.Done()
	if err != nil {
		return o.ifInterrupted(ctx, err)
	}
	if err := doc.count(ctx, e.dir(dir)); err != nil {
		return o.ifInterrupted(ctx, err)
	}
	doc.mirror, doc.here = e.isMirror(dir), e.here
	return doc.show(p)
}

// check checks the replica in a directory, or the mirror.
func (e *env) check(ctx context.Context, dir string, opts replica.Options, report func(replica.Problem), progress func(done, total int)) error {
	if !e.isMirror(dir) {
		return replica.Check(ctx, e.dir(dir), opts, report, progress)
	}
	_, err := psync.CheckTree(ctx, e.dir(dir), opts, report, progress)
	return err
}

// ifInterrupted adds to the error of a check that was interrupted what stays.
func (o *fsckOptions) ifInterrupted(ctx context.Context, err error) error {
	if o.mends {
		return ifInterrupted(ctx, err, `the repair is done; "prophet fsck" makes the check that follows it`)
	}
	return ifInterrupted(ctx, err, hintUnchanged)
}

// mostListed bounds how many problems are kept that are harmless, and how many that are not: damage is listed, however much that is harmless comes before it. The rest is counted.
const mostListed = 10_000

func (d *fsckDoc) add(found replica.Problem) {
	d.addLoss(found)
	of := &d.harmless
	if lacked := d.lacksObjects; !found.Harmless {
		of = &d.damages
		d.OK = false
		file := strings.TrimPrefix(found.Path, changeset.ResolutionsDir+"/")
		lost := strings.HasSuffix("/"+file, "/"+replica.LostFile)
		d.lacksObjects = d.lacksObjects || strings.HasPrefix(file, "cas/"+changeset.ChangesetObjects+"/")
		d.lacksPart = d.lacksPart || found.Part
		d.isWorse = d.isWorse || !lost && !found.Unread
		d.byHand = d.byHand || found.ByHand
		d.begun = d.begun || errors.Is(found.Why, psync.ErrUnpublished)
		if found.Unread {
			d.unread++
			if d.why == nil {
				d.why = found.Why
			}
			d.lacksObjects = lacked
		}
		d.namesLost = d.namesLost || lost
		d.lacksVotes = d.lacksVotes || found.Votes
	}
	if *of++; *of <= mostListed {
		d.Problems = append(d.Problems, problemDoc{found.Harmless, found.Path, found.Text, found.Unread, found.Alike})
	} else {
		d.Unlisted++
	}
}

// count fills in how much was checked. A replica that cannot be opened has nothing to count; why stands among the problems.
func (d *fsckDoc) count(ctx context.Context, fsys afero.Fs) error {
	r, err := replica.Open(fsys, replica.Options{Uncounted: true})
	if err != nil {
		return nil
	}
	return d.countIn(ctx, r)
}

// countIn counts what is in a replica. On a web server records cannot be listed. Where the index lost rows only these were counted. The error
// is that of ctx.
func (d *fsckDoc) countIn(ctx context.Context, r *replica.Replica) error {
	held, whole := r.Log().Held()
	exported, err := r.LooksExported()
	d.nameLost(r)
	d.exported = exported && err == nil
	d.opened = !d.lacksPart && (d.web || whole || exported && err == nil) // else nothing was looked at
	if d.lacksPart {
		return ctx.Err() // nothing that could be counted was checked
	}
	d.Changesets += held
	if d.opened && !d.web {
		living, deleted, _ := r.CountRecords(ctx) // what could not be counted was reported
		d.Records += living + deleted
	}
	return ctx.Err()
}

// show prints what was found. Its error says that there is damage.
func (d *fsckDoc) show(p *printer) error {
	if p.json {
		if err := p.writeJSON(d); err != nil {
			return err
		}
		return d.err()
	}
	if err := d.showRepaired(p); err != nil {
		return err
	}
	alike := map[problemDoc]int{}
	for _, found := range d.Problems {
		alike[found.kind()]++
	}
	for _, found := range d.Problems {
		kind := found.kind()
		if n := alike[kind]; n > mostAlike && kind.alike != "" {
			found.Text = fmt.Sprintf(kind.alike, n)
			if kind.Path != found.Path {
				found.Path = kind.Path + "/"
			}
		} else if n > mostAlike && kind.Path != found.Path {
			found.Path, found.Text = kind.Path+"/", counted(n, "file")+": "+found.Text
		} else if n == 0 {
			continue
		}
		if alike[kind] > mostAlike {
			alike[kind] = 0
		}
		mark := ""
		if found.Harmless {
			mark = " (harmless)"
		}
		if err := p.linef("%s: %s%s", found.Path, d.here(found.Text), mark); err != nil {
			return err
		}
	}
	if d.Unlisted > 0 {
		if err := p.linef("%s not listed", counted(d.Unlisted, "more problem")); err != nil {
			return err
		}
	}
	end, separator := p.linef, ","
	if d.lacksPart {
		separator = ";"
	}
	if d.damages+d.harmless == 0 {
		end = p.donef
	}
	if err := end("%s%s %s", d.checked(), separator, d.verdict()); err != nil {
		return err
	}
	return d.err()
}

// checked says in words how much was checked.
func (d *fsckDoc) checked() string {
	if d.lacksPart {
		return "no changeset and no record was checked: they can be once the parts are whole"
	}
	if !d.opened {
		return "the rest could not be checked"
	}
	if d.web {
		return counted(int(d.Changesets), "changeset") + " and their records checked, but not what lies there for nothing"
	}
	return counted(int(d.Changesets), "changeset") + ", " + counted(d.Records, "record") + " checked"
}

// verdict says in words how many problems there are, and how many files were not looked at.
func (d *fsckDoc) verdict() string {
	unread := ""
	if d.unread > 0 {
		unread = ", " + counted(d.unread, "file") + " not checked"
	}
	switch damages := d.damages - d.unread; {
	case damages+d.harmless == 0:
		return "no problems" + unread
	case damages == 0:
		return counted(d.harmless, "harmless problem") + unread
	case d.harmless > 0:
		return fmt.Sprintf("%s and %s%s", counted(damages, "problem"), counted(d.harmless, "harmless one"), unread)
	default:
		return counted(damages, "problem") + unread
	}
}

// lostOnly reports whether nothing is wrong but that changesets are lost, or votes.
func (d *fsckDoc) lostOnly() bool { return d.opened && !d.isWorse }

// hintLost says what to do about what is lost.
func (d *fsckDoc) hintLost() string {
	if d.mends && len(d.silent) > 0 {
		return fmt.Sprintf(`What is lost may be at %s, where not all could be read that was asked for: "prophet fsck --repair --from %s" asks there again`, strings.Join(d.silent, ", "), shellWord(d.silent[0]))
	}
	if d.mends && len(d.unreached) > 0 {
		return "What is lost may be at " + strings.Join(d.unreached, ", ") + `, which could not be reached: "prophet fsck --repair" asks there again`
	}
	const back = `"prophet fsck --repair --from URL", with a replica or a mirror that has what is lost, brings it back, and so does a pull from one`
	if len(d.Waiting) == 0 || d.exported { // votes; and in a copy nothing is released
		return back
	}
	return back + `; where nobody has it, "prophet fsck --repair --release" goes on without`
}

// hint says what to do about damage.
func (d *fsckDoc) hint() string {
	switch {
	case d.unread > 0 && d.web && d.unread < d.damages:
		return hintMirror + "; run it again for what could not be checked"
	case d.unread > 0 && d.web:
		return "nothing is known to be damaged there: run it again, later if need be"
	case errors.Is(d.why, syscall.EMFILE):
		return raiseFiles + ", and check again"
	case errors.Is(d.why, syscall.ENFILE):
		return closeFiles + ", and check again"
	case d.unread > 0:
		return "who has the right to must let you read there, as with chmod, or see to the disk; then check again: until then nothing is known to be damaged there, and a repair stops at it"
	case d.begun:
		return `if its first publication was cut off, the next "prophet publish" to it writes what is missing; "prophet publish --check" writes again also what is damaged`
	case d.served:
		return `"prophet fsck -r DIR --repair", where it is edited, repairs it`
	case d.mirror && d.byHand:
		return `"prophet publish --check" leaves that: somebody has to do there by hand what is said; then whoever publishes the mirror repairs the rest with "prophet publish --check DIR"`
	case d.mirror && d.lostOnly():
		return `its publisher has lost it: "prophet fsck -r DIR --repair --from URL" there, with a replica or a mirror that has it, brings it back, and the next publication brings it here`
	case d.mirror && d.namesLost:
		return hintMirror + `; what prophet/lost names its publisher has lost: "prophet fsck -r DIR --repair --from URL" there looks for it`
	case d.mirror:
		return hintMirror
	case d.byHand:
		return `a repair leaves that: somebody has to do by hand what is said there, then check again`
	case d.mends && d.lostVotes && d.damages == 0:
		return `all else works. "prophet pull URL", with a replica or a mirror of the database, brings back the votes that it has`
	case d.mends && d.damages == 0:
		return `all else works, and the next check says so. "prophet fsck --repair --from URL", with a mirror or a copy of this very replica, may bring back what it told as lost, and of edits so does a pull`
	case d.mends && d.lostOnly():
		return `all else works. ` + d.hintLost()
	case d.mends:
		return `what is still damaged needs somebody who knows what it was; "prophet fsck --repair --from URL", with a mirror of this replica, may find it; prophet/set-aside has what was there before`
	case d.lostOnly():
		return d.hintLost()
	case d.lacksObjects || d.lacksPart:
		return `nothing was changed; "prophet fsck --repair" repairs it, and fetches what is missing from the replicas that are known here; --from URL names others that may have it`
	case !d.opened:
		return `nothing was changed; "prophet fsck --repair" repairs what follows from what is left; --from URL names others that may have the rest`
	}
	return `nothing was changed; "prophet fsck --repair" repairs it`
}

// hintThere is hint, with the directory of the replica in its commands.
func (d *fsckDoc) hintThere() string {
	if d.at == "" {
		return d.hint()
	}
	return strings.ReplaceAll(d.hint(), `"prophet fsck --repair`, `"prophet fsck -r `+shellWord(d.at)+` --repair`)
}

// what names what was checked.
func (d *fsckDoc) what() string {
	if d.mirror {
		return "mirror"
	}
	return "replica"
}

func (d *fsckDoc) err() error {
	if d.OK {
		return nil
	}
	switch {
	case d.unread > 0 && d.unread == d.damages && d.web:
		return &failure{exitFailed, d.hintThere(), fmt.Errorf("%s could not be checked; the first: %w", counted(d.unread, "file"), d.why)}
	case d.unread > 0 && d.unread == d.damages:
		return &failure{exitFailed, d.hintThere(), fmt.Errorf("%s cannot be read", counted(d.unread, "file"))}
	case d.damages == 0:
		return &failure{exitFailed, d.hintThere(), fmt.Errorf("the %s is sound, but something was lost", d.what())}
	case d.lostOnly() && d.lacksVotes && len(d.Waiting) == 0:
		return &failure{exitFailed, d.hintThere(), fmt.Errorf("the %s has lost its votes", d.what())}
	case d.lostOnly() && d.lacksVotes:
		return &failure{exitFailed, d.hintThere(), fmt.Errorf("the %s has lost its votes, and %s", d.what(), counted(d.lostEdits(), "changeset"))}
	case d.lostOnly():
		return &failure{exitFailed, d.hintThere(), fmt.Errorf("the %s has lost %s", d.what(), counted(d.lostEdits(), "changeset"))}
	}
	beside := ""
	if d.unread > 0 {
		beside = ", and " + counted(d.unread, "file") + " could not be checked"
	}
	return &failure{exitFailed, d.hintThere(), fmt.Errorf("the %s is damaged: %s%s", d.what(), counted(d.damages-d.unread, "problem"), beside)}
}
