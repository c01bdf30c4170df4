package replica

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
)

// Problem is something that fsck found.
type Problem struct {
	Path     string `json:"path"` // within the replica
	Text     string `json:"text"`
	Harmless bool   `json:"harmless"` // the next writer mends it, or it is only there for nothing
}

// Check reads all of a replica and reports what is wrong: every hash, row, length and reference, the state that replaying the log gives, the merged state,
// and our own notes. It changes nothing. The error is for what kept it from looking.
// progress is told how many rows of the logs were checked; it may be nil.
func Check(ctx context.Context, fsys afero.Fs, opts Options, report func(Problem), progress func(done, total int)) error {
	r, err := Open(fsys, opts)
	var damage *DamageError
	if errors.As(err, &damage) {
		report(Problem{Path: damage.Path, Text: damage.Err.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	total := int(r.log.latest) + int(r.votes.latest)
	done := 0
	report = once(report)
	for _, l := range []*Log{r.votes, r.log} {
		c := &checker{ctx: ctx, r: r, l: l, report: report, ids: map[changeset.ID]bool{}, touching: map[changeset.RecordID][]uint32{},
			step: func() {
				if done++; progress != nil {
					progress(done, total)
				}
			}}
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

// once returns a report that leaves out what was reported before, such as an object that is met both by its row and in its directory.
func once(report func(Problem)) func(Problem) {
	seen := map[Problem]bool{}
	return func(p Problem) {
		if !seen[p] {
			seen[p] = true
			report(p)
		}
	}
}

// checker checks one log.
type checker struct {
	ctx    context.Context
	r      *Replica
	l      *Log
	report func(Problem)
	step   func()

	ids      map[changeset.ID]bool
	touching map[changeset.RecordID][]uint32 // which rows touch the record
	broken   map[uint32]bool                 // rows whose changeset cannot be read
	exported bool
	ours     bool
	open     map[changeset.RecordID]bool
}

func (c *checker) problem(file, format string, args ...any) {
	c.report(Problem{Path: path.Join(c.l.prefix, file), Text: fmt.Sprintf(format, args...)})
}

func (c *checker) harmless(file, format string, args ...any) {
	c.report(Problem{Path: path.Join(c.l.prefix, file), Text: fmt.Sprintf(format, args...), Harmless: true})
}

// fault reports an error of reading as a problem.
func (c *checker) fault(file string, err error) {
	var damage *DamageError
	var corrupt *cas.CorruptError
	switch {
	case errors.As(err, &damage):
		c.problem(file, "%v", damage.Err)
	case errors.As(err, &corrupt):
		c.problem(file, "the bytes do not have the SHA-1 that names them but %s", corrupt.Got)
	case isNotExist(err):
		c.problem(file, "the file is missing")
	default:
		c.problem(file, "%v", err)
	}
}

func (c *checker) check() error {
	c.broken = map[uint32]bool{}
	c.ours = c.l.takenOver()
	c.checkIndexLength()
	if err := c.checkRows(); err != nil {
		return err
	}
	if c.ours {
		c.checkNotes()
	}
	if err := c.checkRecords(); err != nil {
		return err
	}
	for _, store := range []*cas.Store{c.l.objects, c.l.versions} {
		if err := c.checkObjects(store); err != nil {
			return err
		}
	}
	return nil
}

// checkIndexLength compares the length of the log's index with the latest sequence number.
func (c *checker) checkIndexLength() {
	info, err := c.l.fs.Stat(changeset.IndexFile)
	if err != nil {
		if !isNotExist(err) || c.l.latest > 0 {
			c.fault(changeset.IndexFile, err)
		}
		return
	}
	switch want := int64(c.l.latest) * changeset.RowSize; {
	case info.Size() < want:
		c.problem(changeset.IndexFile, "it is %d bytes long; %s says %d, which takes %d bytes", info.Size(), changeset.LatestFile, c.l.latest, want)
	case info.Size() > want:
		c.harmless(changeset.IndexFile, "%d bytes beyond the last committed row, of a writer that was cut off or is at work", info.Size()-want)
	}
}

// checkRows reads every row and its changeset.
func (c *checker) checkRows() error {
	for seq := uint32(1); seq <= c.l.latest; seq++ {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.step()
		row, err := c.l.Row(seq)
		if err != nil {
			c.fault(changeset.IndexFile, fmt.Errorf("row %d: %w", seq, err))
			c.broken[seq] = true
			continue
		}
		if c.ids[row.ID] {
			c.problem(changeset.IndexFile, "row %d: changeset %s is in the log twice", seq, row.ID)
		}
		c.ids[row.ID] = true
		cs, err := c.l.Changeset(row)
		if err != nil {
			c.fault(strings.TrimPrefix(c.l.objects.Path(row.Key), c.l.prefix), err)
			c.broken[seq] = true
			continue
		}
		for _, ch := range cs.Changes {
			c.touching[ch.Record] = append(c.touching[ch.Record], seq)
		}
	}
	return nil
}

// checkNotes compares what we noted about each row with the row.
func (c *checker) checkNotes() {
	count, err := c.l.ours.count()
	if err != nil {
		c.fault(rowsFile, err)
		return
	}
	if count < c.l.latest {
		c.harmless(rowsFile, "rows %d to %d are not noted: another program wrote them; the next writer of ours catches up", count+1, c.l.latest)
	}
	var last uint32
	for seq := uint32(1); seq <= count; seq++ {
		n, err := c.l.ours.noted(seq)
		if err != nil {
			c.fault(rowsFile, err)
			return
		}
		if n.lastID < last {
			c.fault(rowsFile, c.l.ours.damaged(rowsFile, "the last local id goes back from %d to %d at row %d", last, n.lastID, seq))
		}
		last = n.lastID
		if cs, err := c.l.at(seq); err == nil && n.flags&flagBookkeeping != flagsOf(cs) {
			c.problem(rowsFile, "row %d: it is noted as bookkeeping, or not, against changeset %s", seq, cs.ID)
		}
	}
	c.checkIDs(last)
	if c.open, _, err = c.l.ours.open(); err != nil {
		c.fault(conflictsFile, err)
	}
}

// checkIDs checks the table of local ids.
func (c *checker) checkIDs(last uint32) {
	ids, err := c.l.ours.ids(1, last)
	if err != nil {
		c.fault(idsFile, err)
		return
	}
	seen := map[uuid.UUID]bool{}
	for i, id := range ids {
		if seen[id.rec] {
			c.problem(idsFile, "record %s has two local ids", uuid.UUID(id.rec))
		}
		seen[id.rec] = true
		if cs, err := c.l.at(id.row); err == nil && !touches(cs, id.rec) {
			c.problem(idsFile, "entry %d: row %d does not touch record %s", i+1, id.row, uuid.UUID(id.rec))
		}
	}
}

func touches(c *changeset.Changeset, u uuid.UUID) bool {
	for _, ch := range c.Changes {
		if ch.Record.UUID == u {
			return true
		}
	}
	return false
}

// checkObjects reads every object, referred to or not, and reports stray files.
func (c *checker) checkObjects(store *cas.Store) error {
	return store.Walk(func(key cas.Key, file string) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if key.IsZero() {
			c.report(Problem{Path: file, Text: "a stray file: its name is not that of an object", Harmless: true})
			return nil
		}
		if _, err := store.Get(key); err != nil {
			var corrupt *cas.CorruptError
			if errors.As(err, &corrupt) {
				c.report(Problem{Path: file, Text: fmt.Sprintf("the bytes do not have the SHA-1 that names them but %s", corrupt.Got)})
				return nil
			}
			c.report(Problem{Path: file, Text: err.Error()})
		}
		return nil
	})
}
