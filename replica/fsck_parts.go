package replica

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// checkParts holds the files of all parts against the sums that the lists have of them, in constant memory, and reports whether they are sound. Where one is not,
// most of what a check would find in the rest follows from it. What parts say of the log is looked at with the loose files.
func (r *Replica) checkParts(ctx context.Context, report func(Problem)) (sound bool, err error) {
	if r.format == FormatLoose {
		return true, nil
	}
	sound = true
	for _, l := range []*Log{r.votes, r.log} {
		its, err := l.checkPartFiles(ctx, report)
		if err != nil {
			return false, err
		}
		listed := true
		if !r.opts.Mirror { // there no directory is listed
			if listed, err = l.checkPartLeftovers(ctx, report); err != nil {
				return false, err
			}
		}
		sound = sound && its && listed
	}
	return sound, nil
}

// checkPartFiles holds the files of the parts of a log against their sums. Where gc replaces some meanwhile, it begins again, with what has replaced them.
func (l *Log) checkPartFiles(ctx context.Context, report func(Problem)) (sound bool, err error) {
	for {
		since := l.listing()
		l.tier.mu.Lock()
		list := l.tier.list
		l.tier.mu.Unlock()
		var found []Problem
		for _, ref := range list {
			for _, f := range filesOfPart(ref) {
				err := l.checkPartFile(ctx, f)
				var damage *DamageError
				if errors.As(err, &damage) {
					found = append(found, Problem{Path: damage.Path, Text: damage.Err.Error(), Part: true})
				} else if err != nil {
					return false, err
				}
			}
		}
		if len(found) > 0 && l.relisted(since) {
			continue
		}
		for _, p := range found {
			report(p)
		}
		return len(found) == 0, nil
	}
}

// partFile is a file of a part, and its SHA-256.
type partFile struct {
	name string // within the directory of the log
	sum  parts.Sum
}

func filesOfPart(ref parts.Ref) []partFile {
	return []partFile{{ref.TableFile(), ref.Table}, {ref.PackFile(), ref.Pack}}
}

// checkPartFile returns a DamageError for a file of a part that is missing or is not what the list says.
func (l *Log) checkPartFile(ctx context.Context, f partFile) error {
	err := parts.CheckFile(ctx, l.root, path.Clean(l.prefix+"."), f.name, f.sum)
	var damage *parts.DamageError
	switch {
	case errors.As(err, &damage):
		return &DamageError{Where: l.where, Path: damage.Path, Err: damage.Err}
	case isNotExist(err):
		return l.damaged(f.name, l.errUnfound())
	}
	return err
}

// checkPartLeftovers names the files that no list names.
func (l *Log) checkPartLeftovers(ctx context.Context, report func(Problem)) (sound bool, err error) {
	text, list, err := l.readParts() // of now: a writer may have gone on
	if err != nil {
		return true, nil // it was reported, or is being written
	}
	names, err := l.unlisted(list)
	if err != nil || len(names) == 0 {
		return true, err
	}
	if sound, err := l.checkLacking(ctx, names, list, report); !sound || err != nil {
		return false, err
	}
	return true, l.tellLeft(ctx, names, text, report)
}

// checkLacking names the files that have changesets of rows of the log which nothing else has, and reports whether there is none: a list that does not name them is damaged, or an older one.
func (l *Log) checkLacking(ctx context.Context, names []string, list parts.List, report func(Problem)) (sound bool, err error) {
	lacking, _, err := l.withoutObject(ctx, list)
	if err != nil && !isDamage(err) { // what is damaged beside the parts is looked at later
		return false, err
	}
	if len(lacking) == 0 {
		return true, nil
	}
	sound = true
	for _, name := range names {
		err := l.holdsLacking(ctx, name, lacking)
		var damage *DamageError
		switch {
		case isNotExist(err): // gc removed it
		case errors.As(err, &damage):
			report(Problem{Path: damage.Path, Text: damage.Err.Error(), Part: true})
			sound = false
		case err != nil:
			return false, err
		}
	}
	return sound, nil
}

// tellLeft names the files that no list names, given the text of the list as it was read before: those of a writer that was cut off, or is at work, and those with changesets that nothing else has, after the end of the log, so that a backup
// was put back over them, or others.
func (l *Log) tellLeft(ctx context.Context, names []string, text string, report func(Problem)) error {
	found, err := l.lookBeside(ctx, names)
	if err != nil {
		return err
	}
	left, atWork := found.left, l.isWritten(text)
	for _, name := range names {
		i := slices.IndexFunc(left, func(p leftPack) bool { return partOf(p.name) == partOf(name) })
		if there, err := exists(l.fs, name); err != nil || !there {
			continue
		}
		switch {
		case atWork || i < 0 || left[i].only == 0:
			report(Problem{Path: l.prefix + name, Harmless: true, Text: "no list names it: it is left of a writer that was cut off, or is at work"})
		case name == left[i].name:
			report(left[i].problem(l.prefix, found, l.latest))
		}
	}
	return nil
}

// isWritten reports whether a writer is at work, or was since a list of parts was read.
func (l *Log) isWritten(text string) bool {
	if now, err := durable.Uncommitted(l.root); err != nil || len(now.Lengths)+len(now.Points) > 0 || len(l.limits.Lengths) > 0 {
		return true
	}
	list, _, err := l.readParts()
	latest, readErr := readSmall(l.fs, changeset.LatestFile)
	return err != nil || readErr != nil || list != text || latest != l.rawLatest
}

// problem says what a pack has that no list names and the log, which ends with a row, does not have. A repair takes up what follows the log.
func (p leftPack) problem(prefix string, in lookedBeside, latest uint32) Problem {
	found := Problem{Path: prefix + p.name, Text: "no list names it, and it has " + p.words() + " that the log does not have: "}
	follows := in.end > latest && p.reaches(latest)
	if p.broken != nil {
		found.Text = fmt.Sprintf("no list names it, and it cannot be read to its end (%v): of what can be read it has %s that the log does not have", p.broken, p.words())
		if p.only == p.unread {
			found.Text = fmt.Sprintf("no list names it, it cannot be read to its end (%v), and it may have changesets that were made here and that the log does not have", p.broken)
		}
		found.Text += ": "
	}
	const where = "a pull from who has them brings them; where nobody does, this file alone has them: "
	switch {
	case follows && p.broken != nil:
		found.Text += "a backup was put back over it; \"prophet fsck --repair\" takes up what can be read of it after the last row, and an edit before that keeps it out; what cannot be read stays in this file"
	case follows:
		found.Text += "a backup was put back over it; \"prophet fsck --repair\" takes up what follows the last row, and an edit before that keeps it out"
	case p.mayBeOurs() && in.otherLine:
		found.ByHand = true
		found.Text += "a backup was put back over it, and the log went on, so that a repair cannot take it up; " + where + "\"prophet help copies\" says how they come into the log"
	case p.mayBeOurs():
		found.ByHand = true
		found.Text += "it does not go on where the log ends, so that a repair cannot take it up; " + where + "move it to where it is kept"
	default:
		found.Harmless = true
		found.Text += "of a backup that was put back over it, or of a pull that was cut off; a pull from who has them brings them, and gc keeps it until then"
	}
	return found
}
