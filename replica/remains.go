package replica

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// ErrNothingLeft is wrapped by the error of a repair of what has nothing any more from which it could be made again.
var ErrNothingLeft = errors.New("nothing is left of it that says what was there")

// Remains reports whether there is no replica-version, but a log, or changesets: what is left of a replica. To make another one there would destroy it.
func Remains(fsys afero.Fs) (bool, error) {
	switch info, err := fsys.Stat(changeset.ReplicaVersionFile); {
	case err == nil && info.Mode().IsRegular():
		return false, nil
	case err != nil && !isNotExist(err):
		return false, fmt.Errorf("look at %s: %w", changeset.ReplicaVersionFile, err)
	}
	why, err := remains(fsys)
	return why != "", err
}

// remains says what is left of a replica, "" if nothing is.
func remains(fsys afero.Fs) (why string, err error) {
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		text, err := readSmall(fsys, prefix+changeset.LatestFile)
		switch {
		case isNotExist(err):
		case err != nil:
			return "", fmt.Errorf("read %s: %w", prefix+changeset.LatestFile, err)
		case text != "0":
			return fmt.Sprintf("%s holds %.20q", prefix+changeset.LatestFile, text), nil
		}
	}
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		l := newLog(fsys, prefix, "", &limits{})
		if held, err := rowsHeld(l.fs); err != nil || held > 0 {
			return fmt.Sprintf("%s has rows", prefix+changeset.IndexFile), err
		}
		if n, err := l.countObjects(); err != nil || n > 0 {
			return fmt.Sprintf("%scas/%s has changesets", prefix, changeset.ChangesetObjects), err
		}
	}
	return "", nil
}

// refuseRemains returns an error where there is no replica-version, but something is left of a replica.
func refuseRemains(fsys afero.Fs) error {
	why, err := remains(fsys)
	if why == "" || err != nil {
		return err
	}
	return &DamageError{Path: changeset.ReplicaVersionFile,
		Err: fmt.Errorf("%w, though %s: there is a replica already, and it lost this file, which holds %q", errMissing, why, formatBy(fsys))}
}

// refuseInTheWay returns an error if a file lies where a replica has a directory, or something else than a file where it has the lock, without which nobody may move anything.
func refuseInTheWay(fsys afero.Fs) error {
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		for _, dir := range writtenDirs {
			info, err := fsys.Stat(prefix + dir)
			if err == nil && !info.IsDir() {
				return &DamageError{Path: join(prefix, dir), Err: errors.New("it is a file, and must be a directory: move it to somewhere else, and run this again")}
			}
		}
	}
	if info, err := lstat(fsys, lockFile); err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 { // of a link, the lock says more
		return &DamageError{Path: lockFile, Err: fmt.Errorf("it must be a regular file, and is %s: move it to somewhere else, and run this again", durable.Kind(info.Mode()))}
	}
	return nil
}
