package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/spf13/afero"

	"prophet/internal/durable"
	"prophet/internal/gitconfig"
	"prophet/internal/httpfs"
	"prophet/replica"
	psync "prophet/sync"
)

// open opens the replica that a command is to work on. Nothing is written to it before the command does.
func (e *env) open(g globals) (*replica.Replica, error) {
	_, r, err := e.openHere(g)
	return r, err
}

// openHere is open, and says in which directory it is: commands that look at its config, or at other replicas, start from there.
func (e *env) openHere(g globals) (dir string, r *replica.Replica, err error) {
	if dir, err = e.findReplica(g); err != nil {
		return "", nil, err
	}
	c, err := e.config(dir)
	if err != nil {
		return dir, nil, err
	}
	r, err = replica.Open(e.dir(dir), e.optionsWith(c, dir, g))
	if err == nil && e.edits {
		e.noteNewCreator(e.printer(g), c, dir, r)
	}
	return dir, r, err
}

// openAndEdit is open with an edit that needs no look at the replica before: its files are read once where somebody has said who makes the edit.
func (e *env) openAndEdit(ctx context.Context, g globals, f func(edit *replica.Edit) error) (*replica.Replica, error) {
	dir, err := e.findReplica(g)
	if err != nil {
		return nil, err
	}
	c, err := e.config(dir)
	if err != nil {
		return nil, err
	}
	opts := e.optionsWith(c, dir, g)
	if e.namedCreator(c) != "" {
		r, _, err := replica.OpenAndEdit(ctx, e.dir(dir), opts, checked(f))
		return r, err
	}
	r, err := replica.Open(e.dir(dir), opts)
	if err != nil {
		return nil, err
	}
	e.noteNewCreator(e.printer(g), c, dir, r)
	_, err = r.Edit(ctx, checked(f))
	return r, err
}

// openDir opens the replica in a directory, which is an absolute path.
func (e *env) openDir(dir string, g globals) (*replica.Replica, error) {
	opts, err := e.replicaOptions(dir, g)
	if err != nil {
		return nil, err
	}
	return replica.Open(e.dir(dir), opts)
}

// dir returns the file system whose root is a directory, which may be somebody else's.
func (e *env) dir(dir string) afero.Fs { return durable.Within(e.Fs, dir) }

// config returns what the user wrote into the config of the replica in a directory.
func (e *env) config(dir string) (gitconfig.Config, error) {
	path := filepath.Join(dir, "config")
	if info, err := e.Fs.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
		return gitconfig.Config{}, fmt.Errorf("%s is no regular file", path)
	}
	c, err := gitconfig.Read(e.Fs, path)
	if err != nil && !errors.As(err, new(*fs.PathError)) {
		err = withHint(err, `"prophet help config" shows what may stand there`)
	}
	return c, err
}

// replicaOptions are what a replica in a directory, there already or to be made, gets from this command.
func (e *env) replicaOptions(dir string, g globals) (replica.Options, error) {
	c, err := e.config(dir)
	if err != nil {
		return replica.Options{}, err
	}
	return e.optionsWith(c, dir, g), nil
}

// optionsWith is replicaOptions with the config of the replica, or of none yet.
func (e *env) optionsWith(c gitconfig.Config, dir string, g globals) replica.Options {
	p := e.printer(g)
	return replica.Options{
		Where:   dir,
		Creator: e.creator(c),
		Now:     e.Now,
		Warn:    func(s string) { p.warnf("%s", s) },
		Wait:    g.wait,
		Waiting: func(who string) { p.notef("%s writes to %s; waiting for it", who, dir) },
	}
}

// openToWrite reads the properties that a command line gives, and opens the replica that they are for.
func (e *env) openToWrite(ctx context.Context, g globals, words, files []string) (r *replica.Replica, props map[string]string, err error) {
	if props, err = e.properties(ctx, words, files); err != nil {
		return nil, nil, err
	}
	r, err = e.open(g)
	return r, props, err
}

// checked is an edit that a person asks for, which leaves no rule that nobody can read.
func checked(f func(e *replica.Edit) error) func(e *replica.Edit) error {
	return func(e *replica.Edit) error {
		if err := f(e); err != nil {
			return err
		}
		if err := e.CheckRules(); err != nil {
			return usagef("%w", err)
		}
		return nil
	}
}

// isFormat reports whether a text may be the number of a format.
func isFormat(version string) bool {
	n, err := strconv.ParseUint(version, 10, 16)
	return err == nil && n > 0
}

// hintFull is what to do about a disk, or a quota, that is full, where nothing of the command stays; else see ifCutOff.
const hintFull = "the state before holds; " + makeRoom + ", then run the same command again"

// hintLarge is the same about a file that is larger than the system lets files be.
const hintLarge = "the state before holds; " + raiseLimit + ", then run the same command again"

// hintFiles and hintAllFiles are the same about too many files that are open, of this program or of all.
const (
	hintFiles    = "the state before holds; " + raiseFiles + ", then run the same command again"
	hintAllFiles = "the state before holds; " + closeFiles + ", then run the same command again"
)

const (
	makeRoom   = "make room"
	raiseFiles = `the shell's "ulimit -n" lets no more files be open at once: raise the limit`
	closeFiles = "the programs on this machine have as many files open as the system allows: end some of them"
	raiseLimit = `the shell's "ulimit -f", or the file system, lets no file be as large as that: raise the limit, or work on another disk`
)

// explain returns the exit code for an error of a library, and what a person can do about it; "" if there is nothing to say.
func explain(err error) (code int, hint string) {
	var version *replica.VersionError
	var ambiguous *replica.AmbiguousError
	var ambiguousChangeset *replica.AmbiguousChangesetError
	var rule *replica.RuleError
	var faulty *replica.FaultyError
	var busy *replica.BusyError
	var fetch *httpfs.FetchError
	switch {
	case errors.As(err, &busy) && busy.Stopped() > 0:
		return exitBusy, fmt.Sprintf(`it goes on with "kill -CONT %d", and then lets go of the lock`, busy.Stopped())
	case errors.As(err, new(*psync.PublishingError)):
		return exitBusy, "check it again once nobody publishes there"
	case errors.As(err, &busy):
		return exitBusy, "try again, or give it more time with --wait"
	case errors.Is(err, replica.ErrNoRecord):
		return exitNoRecord, `"prophet search" lists the records`
	case errors.Is(err, replica.ErrNoChangeset):
		return exitNoRecord, `"prophet log" lists the changesets`
	case errors.Is(err, replica.ErrNotReplica):
		return exitNoReplica, hintNoReplica
	case errors.Is(err, psync.ErrOtherDatabase):
		return exitOtherDatabase, "--force brings them together all the same, and nothing takes them apart again; for a copy of that one, clone it into a directory that does not exist"
	case errors.As(err, &rule):
		return exitFailed, fmt.Sprintf(`"prophet rules %s %s RULE" sets that rule`, shellWord(rule.Type), shellWord(rule.Prop))
	case errors.As(err, &ambiguous):
		return exitUsage, "write more of the UUID, or the local id"
	case errors.As(err, &ambiguousChangeset):
		return exitUsage, "write more of it, or the number of its row"
	case errors.As(err, new(*psync.PreferError)):
		return exitFailed, "another program wrote that; without --prefer all of it comes, and the conflict stays open"
	case errors.Is(err, replica.ErrBookkeeping):
		return exitFailed, "only edits can be reverted"
	case errors.As(err, &version) && isFormat(version.Version):
		return exitFailed, "a later version of prophet reads it"
	case errors.As(err, &version):
		return exitFailed, "its replica-version is damaged, or another program made it"
	case errors.Is(err, replica.ErrExported):
		return exitFailed, `"prophet clone URL DIR" makes a replica of it that can be edited`
	case errors.Is(err, replica.ErrCutOff):
		return exitFailed, "" // the error says it all, and fsck stops at it too
	case errors.As(err, &faulty) && faulty.Mirror:
		return exitFailed, hintMirror
	case errors.Is(err, replica.ErrUncertain):
		return exitFailed, `once the disk works again, look with "prophet log" whether it is there before you do it again`
	case errors.As(err, new(*outputError)): // what was to be done is done
		return exitFailed, ""
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return exitFailed, hintFull
	case errors.Is(err, syscall.EISDIR):
		return exitFailed, "a directory lies where a file belongs: move it to somewhere else, then run the same command again"
	case errors.Is(err, durable.ErrNoFile):
		return exitFailed, "move it to somewhere else, then run the same command again"
	case errors.Is(err, syscall.EFBIG):
		return exitFailed, hintLarge
	case errors.Is(err, syscall.EROFS):
		return exitFailed, "nothing can be written there: somebody with the right to must mount it for writing; or work in a copy on another disk"
	case errors.Is(err, replica.ErrUncounted):
		return exitFailed, `"prophet fsck --repair" keeps them`
	case isDamage(err):
		return exitFailed, `"prophet fsck" lists all that is damaged`
	case errors.Is(err, fs.ErrPermission) && isLock(err):
		return exitFailed, `look who may read and write there; "prophet help claims" says how several users share a replica`
	case errors.Is(err, durable.ErrLink):
		return exitFailed, "put what it points to in its place; all of a replica may be moved, and linked to, but no directory in it"
	case errors.Is(err, syscall.EMFILE):
		return exitFailed, hintFiles
	case errors.Is(err, syscall.ENFILE):
		return exitFailed, hintAllFiles
	case errors.Is(err, httpfs.ErrUnauthorized):
		return exitFailed, hintPassword
	case errors.Is(err, fs.ErrPermission) && isWeb(err):
		return exitFailed, hintForbids
	case errors.As(err, &fetch) && fetch.Answered:
		return exitFailed, hintServer
	case errors.As(err, &fetch):
		return exitFailed, hintNetwork
	case errors.Is(err, fs.ErrPermission):
		return exitFailed, "look who may read and write there"
	}
	return exitFailed, ""
}

// isWeb reports whether an error is about a file on a web server.
func isWeb(err error) bool {
	var file *fs.PathError
	return errors.As(err, &file) && psync.ReadOnly(file.Path)
}

// isLock reports whether an error is about the file that a lock stands for, which is the first that a writer opens to write.
func isLock(err error) bool {
	var file *fs.PathError
	return errors.As(err, &file) && filepath.Base(file.Path) == "lock"
}
