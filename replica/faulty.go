package replica

import (
	"errors"

	"prophet/cas"
)

// FaultyError says that a file is missing or damaged that the log of a replica needs. Its text is that of Err, which says which file it is.
type FaultyError struct {
	Where  string // the replica
	Mirror bool   // it is a mirror, or lies on a web server: its publisher can write the file again
	Err    error
}

func (e *FaultyError) Error() string { return e.Err.Error() }
func (e *FaultyError) Unwrap() error { return e.Err }

// faulty adds to an error of reading the log where the fault is, if it is one of the files and not of the way to them.
func (l *Log) faulty(err error) error {
	if !isFault(err) {
		return err
	}
	return &FaultyError{Where: l.where, Mirror: l.inMirror != nil && l.inMirror(), Err: err}
}

// isFault reports whether an error is one of the files, a missing or a damaged one: another may be gone when it is read again, and says nothing of them.
func isFault(err error) bool {
	var corrupt *cas.CorruptError
	return isNotExist(err) || isDamage(err) || errors.As(err, &corrupt) || errors.As(err, new(*cas.LargeError))
}

// inMirror reports whether somebody else publishes what is read here, as far as that can be found out.
func (r *Replica) inMirror() bool {
	if r.opts.Mirror {
		return true
	}
	m, _ := r.readMark() // the fault at hand is the one to tell
	return m.exists
}
