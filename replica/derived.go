package replica

import (
	"fmt"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// derived is what we keep beside a log, as whole files, after rows were looked at that somebody else wrote.
type derived struct {
	rows, ids, conflicts, oldIDs []byte
	old                          struct{ rows, ids, conflicts int } // bytes of them that were kept before
	unnumbered                   *unnumbered                        // the first record without an index, or with one that bears no numbers
	ours                         bool                               // we wrote some of the rows: the notes on them were lost
	settings                     bool                               // some record of the settings is among them
	differ                       []Shown                            // records whose state in the log is not the merged one
	undone                       []changeset.RecordID               // others, that show what an unfinished pull of the original set back
}

// unnumbered is a record without an index that bears numbers, and the row that brings it.
type unnumbered struct {
	rec changeset.RecordID
	row uint32
}

// note is one of the files of the notes.
type note struct {
	name string
	kept int // bytes of it that were kept before
	data []byte
}

// notes are the files in the order in which they are written: the one that says how many rows are noted is the last.
func (d *derived) notes() []note {
	return []note{{idsFile, d.old.ids, d.ids}, {conflictsFile, d.old.conflicts, d.conflicts}, {rowsFile, d.old.rows, d.rows}}
}

// write writes the files below prefix. One that has nothing to hold is made only to replace what is left of another.
func (d *derived) write(fsys afero.Fs, prefix string) error {
	for _, n := range append([]note{{name: oldIDsFile, data: d.oldIDs}}, d.notes()...) {
		if len(n.data) == 0 {
			if there, err := exists(fsys, prefix+n.name); err != nil {
				return err
			} else if !there {
				continue
			}
		}
		if err := durable.WriteFile(fsys, prefix+n.name, n.data); err != nil {
			return err
		}
	}
	return nil
}

// exists reports whether there is such a file. After an error there may be.
func exists(fsys afero.Fs, name string) (bool, error) {
	_, err := fsys.Stat(name)
	if isNotExist(err) {
		return false, nil
	}
	if err != nil {
		return true, fmt.Errorf("look at %s: %w", name, err)
	}
	return true, nil
}

// inMemory lets a log be read with the notes, of which nothing is written.
func (d *derived) inMemory(l *Log) error {
	mem := afero.NewMemMapFs()
	if err := d.write(mem, ""); err != nil {
		return err
	}
	l.ours = companion{mem, l.latest, l.prefix, l.where, &limits{}}
	return nil
}

// appendTo adds to a transaction what is new in the notes; what is left of others goes. The list of what is undecided is passed over where the
// transaction writes it anew.
func (d *derived) appendTo(tx *durable.Tx, fsys afero.Fs, prefix string, listAnew bool) error {
	for _, n := range d.notes() {
		if n.name == conflictsFile && listAnew {
			continue
		}
		if len(n.data) == n.kept {
			if there, err := exists(fsys, prefix+n.name); err != nil {
				return err
			} else if !there {
				continue
			}
		}
		tx.Append(prefix+n.name, int64(n.kept), n.data[n.kept:])
	}
	return nil
}

// ours makes sure that there are notes on every row of both logs, in memory where there are none on disk, and that no log is known to hold more than it counts.
func (r *Replica) ours() (companion, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.noted {
		return r.log.ours, nil
	}
	if err := r.refuseTurnedBack(); err != nil {
		return companion{}, err
	}
	if _, _, err := r.deriveBoth(); err != nil {
		return companion{}, err
	}
	r.noted = true
	return r.log.ours, nil
}

// deriveBoth makes the notes on both logs, nil where nothing is new, and lets the logs be read with them.
func (r *Replica) deriveBoth() (votes, main *derived, err error) {
	for _, log := range []struct {
		l    *Log
		into **derived
	}{{r.votes, &votes}, {r.log, &main}} { // the decisions first: the merge counts them
		d, err := r.derive(log.l)
		if err != nil {
			return nil, nil, err
		}
		if d == nil {
			continue
		}
		if err := d.inMemory(log.l); err != nil {
			return nil, nil, err
		}
		*log.into = d
	}
	return votes, main, nil
}
