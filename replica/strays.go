package replica

import (
	"fmt"
	"path"

	"prophet/changeset"
	"prophet/internal/durable"
)

// lately is how many of the last rows of a log may be those of the commit that was cut off, when strays are looked for: of what is older nothing is read.
const lately = 1024

// cutStrays cuts off what a program of the original that died left in the indexes of records and never logged, after a commit was cut off beside it.
// It looks at the index of every record, which costs nothing where nobody was cut off. A log that does not come to its number is left alone: its
// versions may belong to rows that come yet, or that a person puts back.
func (r *Replica) cutStrays() error {
	for _, prefix := range votesFirst {
		l, err := openLog(r.fs, prefix, r.opts.Where, &limits{})
		if err != nil {
			return nil // whoever opens the replica next says so
		}
		if ahead, err := l.notedAhead(); err != nil {
			return err
		} else if l.countsItsRows() && !ahead {
			if err := l.cutStrays(); err != nil {
				return err
			}
		}
	}
	return nil
}

// countsItsRows reports whether the log has as many rows as its number says, none of them beyond it.
func (l *Log) countsItsRows() bool {
	if _, err := l.Row(l.latest); err != nil && l.latest > 0 {
		return false
	}
	n, err := l.uncounted()
	return err == nil && n == 0
}

func (l *Log) cutStrays() error {
	types, err := l.Types()
	if err != nil {
		return err
	}
	for _, typ := range types {
		for rec, err := range l.Records(typ) {
			if err != nil {
				return err
			}
			file := changeset.RecordPath(rec)
			if end, stray := l.strayAt(rec); stray {
				if err := l.cutVersions(file, end); err != nil {
					return fmt.Errorf("cut %s, which has versions that were never logged: %w", join(l.where, l.prefix+file), err)
				}
			}
		}
	}
	return nil
}

// strayAt returns where the index of a record should end, if there is more. What cannot be read is left, for fsck to tell.
func (l *Log) strayAt(rec changeset.RecordID) (end int64, stray bool) {
	info, err := l.fs.Stat(changeset.RecordPath(rec))
	if err != nil {
		return 0, false
	}
	err = l.useVersions(rec, func(f *versionFile) error {
		v, at, err := l.versionIn(f, rec, newest)
		if err == nil && at >= 0 && v.Seq > 0 && l.latest-v.Seq < lately {
			v, at, err = l.confirmedIn(f, rec)
		}
		if err == nil {
			end, err = l.looseSize(f, rec, v, at)
		}
		return err
	})
	return end, err == nil && info.Size() > end
}

// cutVersions cuts the index of a record. One that would be empty goes: programs of the original show what has an index.
func (l *Log) cutVersions(file string, end int64) error {
	if end == 0 {
		if err := l.fs.Remove(file); err != nil {
			return err
		}
		return durable.SyncDir(l.fs, path.Dir(file))
	}
	index, err := readWhole(l.fs, file)
	if err != nil {
		return err
	}
	return durable.WriteFile(l.fs, file, index[:end])
}
