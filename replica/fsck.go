package replica

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
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
	sound, err := checkSmallFiles(fsys, report)
	if err != nil || !sound {
		return err
	}
	r, err := Open(fsys, opts)
	var damage *DamageError
	if errors.As(err, &damage) {
		report(Problem{Path: damage.Path, Text: damage.Err.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	c, err := newCheck(ctx, r, report, progress)
	if err != nil {
		return err
	}
	if r.halted {
		report(Problem{Path: durable.Journal, Harmless: true,
			Text: "a commit was cut off, and another program wrote since; the next edit finishes it or takes it back, and keeps what that wrote"})
	}
	return c.run()
}

// check is a look at both logs of a replica.
type check struct {
	main, votes *checker
	report      func(Problem)
	progress    func(done, total int)
	seen        map[Problem]bool // what was reported
	done        int              // rows
}

func newCheck(ctx context.Context, r *Replica, report func(Problem), progress func(done, total int)) (*check, error) {
	exported, err := r.looksExported()
	c := &check{report: report, progress: progress, seen: map[Problem]bool{}}
	c.main = newChecker(ctx, r, r.log, exported, c.once, c.step)
	c.votes = newChecker(ctx, r, r.votes, exported, c.once, c.step)
	return c, err
}

// run checks the decisions first: the merge counts them.
func (c *check) run() error {
	for _, log := range []*checker{c.votes, c.main} {
		if err := log.checkRowsAndNotes(); err != nil {
			return err
		}
	}
	if err := c.main.checkRepresentations(); err != nil {
		return err
	}
	c.main.checkMark()
	for _, log := range []*checker{c.votes, c.main} {
		log.checkPeers()
		log.checkV1Marks()
	}
	_, failed := c.main.r.ours() // the merge needs notes on every row, those that another program wrote too
	settled := !c.main.ours || c.votes.noted >= c.votes.l.latest && c.main.settingsNoted()
	for _, log := range []*checker{c.votes, c.main} {
		log.mergeable, log.settled = failed == nil, settled
		if err := log.checkRecordsAndObjects(); err != nil {
			return err
		}
	}
	if failed != nil && len(c.seen) == 0 {
		c.report(Problem{Path: rowsFile, Text: failed.Error()})
	}
	return nil
}

// step tells how many rows were checked.
func (c *check) step() {
	if c.done++; c.progress != nil {
		c.progress(c.done, int(c.main.l.latest)+int(c.votes.l.latest))
	}
}

// once leaves out what was reported before, such as an object that is met both by its row and in its directory.
func (c *check) once(p Problem) {
	if !c.seen[p] {
		c.seen[p] = true
		c.report(p)
	}
}

// smallFile is a file of a line.
type smallFile struct {
	name  string
	check func(text string) error
}

// smallFiles are those that both replicas have.
var smallFiles = []smallFile{
	{changeset.DatabaseUUIDFile, isUUID},
	{changeset.ReplicaUUIDFile, isUUID},
	{changeset.LatestFile, isNumber},
	{changeset.ReplicaVersionFile, isFormat},
}

// checkSmallFiles checks the files of a line, and reports whether the replica can be opened with them. It leaves it to Open to say that there is none.
func checkSmallFiles(fsys afero.Fs, report func(Problem)) (sound bool, err error) {
	if _, err := fsys.Stat(changeset.ReplicaVersionFile); err != nil {
		return true, nil
	}
	sound = true
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		for _, f := range smallFiles {
			if prefix+f.name == changeset.ReplicaVersionFile {
				continue // Open names another format
			}
			if err := f.fault(fsys, prefix); err != nil {
				report(Problem{Path: prefix + f.name, Text: err.Error()})
				sound = sound && f.name == changeset.ReplicaVersionFile // nobody reads that of the resolutions but to make sure
			}
		}
	}
	return checkListNumber(fsys, report) && sound, nil
}

// fault returns what is wrong with the file, if anything is.
func (f smallFile) fault(fsys afero.Fs, prefix string) error {
	text, err := readSmall(fsys, prefix+f.name)
	switch {
	case isNotExist(err):
		return fmt.Errorf("%w%s", errMissing, instead(fsys, prefix, f.name))
	case err != nil:
		return reason(err)
	}
	err = reason(f.check(text))
	if err != nil && f.name == changeset.LatestFile {
		l := newLog(fsys, prefix, "", &limits{})
		l.rawLatest = text
		return reason(l.wrongNumber(err))
	}
	return err
}

// instead says what to do about a missing file of a line.
func instead(fsys afero.Fs, prefix, name string) string {
	index := prefix + changeset.IndexFile
	b, err := afero.ReadFile(fsys, index)
	if err != nil && !isNotExist(err) {
		return ""
	}
	switch name {
	case changeset.DatabaseUUIDFile:
		return "; every replica of the database has the same: copy it from one"
	case changeset.LatestFile:
		return fmt.Sprintf("; it says how many changesets there are, and %s has %d rows", index, len(b)/changeset.RowSize)
	case changeset.ReplicaVersionFile:
		return fmt.Sprintf("; it holds %s", formatVersion)
	}
	for ; len(b) >= changeset.RowSize; b = b[:len(b)-changeset.RowSize] {
		row, err := changeset.ParseRow(b[len(b)-len(b)%changeset.RowSize-changeset.RowSize:][:changeset.RowSize])
		if err == nil && row.Seq == row.ID.Seq {
			return fmt.Sprintf("; row %d of %s seems to be the replica's own, then it was %s", row.Seq, index, row.ID.Origin)
		}
	}
	return "; nothing was made here, so that any new UUID serves"
}

var errMissing = errors.New("the file is missing")

func isUUID(text string) error {
	_, err := changeset.ParseUUID(text)
	return err
}

func isNumber(text string) error {
	_, err := parseNumber("", text)
	return err
}

func isFormat(text string) error {
	if text != formatVersion {
		return fmt.Errorf("it holds %.20q, want %q", text, formatVersion)
	}
	return nil
}

// looksExported reports whether the replica is an exported or published copy, of whose record indexes no row bears a number. If it has no index at all, all its
// records may be deleted.
func (r *Replica) looksExported() (bool, error) {
	if r.log.takenOver() {
		return false, nil
	}
	types, err := r.log.Types()
	if err != nil {
		return false, err
	}
	for _, typ := range types {
		for rec, err := range r.log.Records(typ) {
			if err != nil {
				return false, err
			}
			first, ok, err := r.log.first(rec)
			if ok && err == nil { // others are reported with the records
				return first.Seq == 0, nil
			}
		}
	}
	return true, nil
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
	flags    map[uint32]flags                // of the rows whose changeset can be read, without flagSettled
	broken   map[uint32]bool                 // the other rows
	exported bool                            // the replica is an exported or published copy

	ours  bool    // there are notes of ours on the log, on disk:
	noted uint32  // of so many rows
	open  openSet // and these have something open

	sums   sums // the digests, as replaying the log gives them
	summed int  // of so many records

	mergeable bool // the merged state can be computed
	settled   bool // by all votes and settings: none was written by another program since
}

func newChecker(ctx context.Context, r *Replica, l *Log, exported bool, report func(Problem), step func()) *checker {
	return &checker{ctx: ctx, r: r, l: l, report: report, step: step, exported: exported, ours: r.log.takenOver(),
		ids: map[changeset.ID]bool{}, touching: map[changeset.RecordID][]uint32{}, flags: map[uint32]flags{}, broken: map[uint32]bool{}}
}

func (c *checker) problem(file, format string, args ...any) {
	c.report(Problem{Path: path.Join(c.l.prefix, file), Text: fmt.Sprintf(format, args...)})
}

func (c *checker) harmless(file, format string, args ...any) {
	c.report(Problem{Path: path.Join(c.l.prefix, file), Text: fmt.Sprintf(format, args...), Harmless: true})
}

// reason is why a file is damaged, for whom names the file beside it.
func reason(err error) error {
	var damage *DamageError
	if errors.As(err, &damage) {
		return damage.Err
	}
	return err
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

func (c *checker) checkRowsAndNotes() error {
	rows, err := c.checkIndexLength()
	if err != nil {
		return err
	}
	if err := c.checkRows(rows); err != nil {
		return err
	}
	if c.ours {
		c.checkNotes()
	}
	return nil
}

func (c *checker) checkRecordsAndObjects() error {
	if err := c.checkRecords(); err != nil {
		return err
	}
	c.checkDigests()
	if err := c.checkStrays(changeset.RecordsDir, 0, ""); err != nil {
		return err
	}
	for _, store := range []*cas.Store{c.l.objects, c.l.versions} {
		if err := c.checkObjects(store); err != nil {
			return err
		}
	}
	return nil
}

// checkIndexLength compares the length of the log's index with the latest sequence number, and returns how many committed rows it has.
func (c *checker) checkIndexLength() (rows uint32, err error) {
	info, err := c.l.fs.Stat(changeset.IndexFile)
	if err != nil {
		if !isNotExist(err) || c.l.latest > 0 {
			c.fault(changeset.IndexFile, err)
			c.nameNumber()
		}
		return 0, nil
	}
	want := int64(c.l.latest) * changeset.RowSize
	if info.Size() < want {
		c.problem(changeset.IndexFile, "it is %d bytes long; %s says %d, which takes %d bytes", info.Size(), changeset.LatestFile, c.l.latest, want)
		c.nameNumber()
		return uint32(info.Size() / changeset.RowSize), nil
	}
	uncounted, err := c.l.uncounted()
	switch {
	case err != nil:
		return 0, err
	case info.Size() == want || c.atWork():
	case uncounted > 0 && !c.exported && !c.unfinished(changeset.IndexFile):
		c.problem(changeset.LatestFile, "it counts %d changesets, fewer than the log holds: %s has %d more", c.l.latest, changeset.IndexFile, uncounted)
	default:
		c.harmless(changeset.IndexFile, "%d bytes beyond the last committed row, of a writer that was cut off or is at work", info.Size()-want)
	}
	return c.l.latest, nil
}

// nameNumber says which number to write where the log counts rows that it never had.
func (c *checker) nameNumber() {
	if n, ok := c.l.rowsToCount(); ok {
		c.problem(changeset.LatestFile, "it counts more changesets than the log holds: if another program died while it wrote, write %d into it", n)
	}
}

// checkRows reads so many rows and their changesets.
func (c *checker) checkRows(rows uint32) error {
	for seq := uint32(1); seq <= rows && seq > 0; seq++ {
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
		c.flags[seq] = flagsOf(cs)
		for _, ch := range cs.Changes {
			c.touching[ch.Record] = append(c.touching[ch.Record], seq)
		}
	}
	return nil
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
			c.fault(strings.TrimPrefix(file, c.l.prefix), err)
		}
		return nil
	})
}
