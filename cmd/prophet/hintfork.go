package main

import (
	"cmp"
	"fmt"
	"path/filepath"

	"prophet/changeset"
	"prophet/internal/terminal"
	"prophet/replica"
	psync "prophet/sync"
)

// hintFork says what to do where others' edits have one name. Each command in it works as it is printed, in a line of its own.
func (e *env) hintFork(fork *replica.ForkError) string {
	here := asReplica(fork.Here)
	run := func(words ...string) string { return "\n  " + commandLine(append([]string{"prophet"}, words...)...) }
	byHand := "run this instead, which keeps both edits, each under a name of its own:" + run("reidentify", "-r", here, fork.There)
	ours, theirs := e.copies(fork)
	switch one := cmp.Or(ours, theirs); {
	case theirs != "" && fork.Maker && theirs == asReplica(fork.There):
		return fmt.Sprintf("if %s is the copy, run this, which gives it a new identity; then do this again:%s\nOnly if its owner is gone, %s",
			theirs, run("pull", "-r", theirs, fork.Here), byHand)
	case ours != "" && theirs != "":
		return fmt.Sprintf("%s and %s are the copies; run these, of which the first gives one of them a new identity; then do this again:%s%s\nOnly if their owners are gone, %s",
			ours, theirs, run("pull", "-r", theirs, ours), run("pull", "-r", here, theirs), byHand)
	case one != "":
		other := fork.Here
		if ours != "" {
			other = fork.There
		}
		return fmt.Sprintf("%s is one of the copies; run these, of which the first gives it a new identity; then do this again:%s%s\nOnly if its owner is gone, %s",
			one, run("pull", "-r", one, other), run("pull", "-r", here, one), byHand)
	case fork.Maker:
		return "let the owner of the copy pull from you, which gives it a new identity, and publish it again; then do this again.\nOnly if its owner is gone, " + byHand
	}
	return fmt.Sprintf("neither is one of the copies%s: let one copy pull from the other, which gives it a new identity, pull from that one here, and do this again.\nOnly if their owners are gone, %s", foundAt(fork), byHand)
}

// copies returns the directories of the replicas that made our edit and theirs and that can pull, "" for one that is not found. A mirror is not one of them.
func (e *env) copies(fork *replica.ForkError) (ours, theirs string) {
	for _, known := range []string{fork.There, fork.KnownHere, fork.KnownThere} {
		dir, ok := localDir(known)
		if !ok {
			continue
		}
		switch made := e.madeIn(dir, fork.ID); {
		case made == nil:
		case fork.Theirs != nil && changeset.SameEdit(made, fork.Theirs):
			theirs = cmp.Or(theirs, dir)
		case fork.Ours != nil && changeset.SameEdit(made, fork.Ours):
			ours = cmp.Or(ours, dir)
		}
	}
	return ours, theirs
}

// madeIn returns the changeset with the ID if the replica in a directory can be written and made it itself, else nil.
func (e *env) madeIn(dir string, id changeset.ID) *changeset.Changeset {
	r, err := replica.Open(e.dir(dir), replica.Options{Where: dir})
	if err != nil || r.CheckEditable() != nil {
		return nil
	}
	l, lookup := r.Log(), r.Lookup
	if id.Origin == r.Resolutions().UUID() {
		l, lookup = r.Resolutions(), r.LookupVote
	}
	n, ok, err := lookup(id)
	if err != nil || !ok {
		return nil
	}
	row, err := l.Row(n)
	if err != nil {
		return nil
	}
	if own, err := l.Own(row); err != nil || !own {
		return nil
	}
	c, err := l.Changeset(row)
	if err != nil {
		return nil
	}
	return c
}

// hintForged says what to do where a replica has what somebody made up. An honest one can have taken it up, and loses nothing by a comparison.
func (e *env) hintForged(forged *psync.ForgedError) string {
	dir, ok := localDir(forged.There)
	if forged.ID.IsZero() || !ok || e.exported(dir) {
		return "do not pull from there"
	}
	return fmt.Sprintf(`do not pull from there; if it took that up from somebody else, its owner mends it by "%s"`, commandLine("prophet", "reidentify", "-r", dir, forged.Here))
}

// exported reports whether there is a mirror or an exported copy in a directory, which nobody can write to.
func (e *env) exported(dir string) bool {
	r, err := replica.Open(e.dir(dir), replica.Options{Where: dir})
	return err == nil && r.CheckEditable() != nil
}

// foundAt says where one of the copies is, if that is known.
func foundAt(fork *replica.ForkError) string {
	for _, known := range []string{fork.KnownHere, fork.KnownThere} {
		if known != "" {
			return fmt.Sprintf(", of which one was found at %s", known)
		}
	}
	return ""
}

// asReplica is a location as --replica takes it.
func asReplica(location string) string {
	if dir, err := psync.LocalPath(location); err == nil && !psync.ReadOnly(location) {
		return dir
	}
	return location
}

// localDir returns the directory that a location means which a replica, perhaps another's, noted. ok is false if it is none, or cannot stand in a command that is copied.
func localDir(known string) (dir string, ok bool) {
	dir, err := psync.LocalPath(known)
	ok = known != "" && err == nil && !psync.ReadOnly(known) && filepath.IsAbs(dir) && terminal.Safe(dir) == dir
	return dir, ok
}

// hintWentBack says what to do where a mirror no longer has what was read of it.
func hintWentBack(back *psync.WentBackError) string {
	why := "ask whoever publishes it what became of it"
	if back.Earlier {
		why = "perhaps a cache on the way is old: try again later"
	}
	return fmt.Sprintf(`nothing is lost here; %s. If a backup was put back and published there, "prophet info --forget %s" lets the next pull read it from its beginning`, why, shellWord(back.Where))
}
