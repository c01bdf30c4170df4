package replica

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
)

// Versions returns the committed rows of the record's index, oldest first, and none for a record that never was. Their numbers ascend, and two may be equal: a
// changeset of the original may have made more than one version. An index of which that is not so is damaged, as one whose rows came twice.
func (l *Log) Versions(rec changeset.RecordID) ([]changeset.Version, error) {
	_, versions, err := l.readVersions(rec)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return versions, err
}

// readVersions is Versions, with the length of the loose index in bytes, and how many of them count; the error of an index that does not exist, and of which no
// part has anything, wraps fs.ErrNotExist. It reads no further than to the first row that is damaged, or not committed: an index may have any size and take no
// room, where it has holes.
func (l *Log) readVersions(rec changeset.RecordID) (index looseIndex, versions []changeset.Version, err error) {
	err = l.again(func() error {
		index, versions, err = l.readVersionsOnce(rec)
		return err
	})
	return index, versions, err
}

func (l *Log) readVersionsOnce(rec changeset.RecordID) (index looseIndex, versions []changeset.Version, err error) {
	packs, err := l.packs()
	if err != nil {
		return index, nil, err
	}
	if len(packs.parts) > 0 {
		return l.readSplit(rec)
	}
	file := changeset.RecordPath(rec)
	f, err := l.fs.Open(file)
	if err == nil {
		defer f.Close()
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil {
			index.size = info.Size()
		}
	}
	if err != nil {
		return index, nil, fmt.Errorf("read the versions of %s in %s: %w", rec, l.where, err)
	}
	committed := max(0, l.limits.of(l.prefix+file, index.size)) // a file that should not be there yet has no row
	b := bufio.NewReaderSize(io.NewSectionReader(f, 0, committed), int(min(committed, 4096)))
	row := make([]byte, changeset.VersionSize)
	for range committed / changeset.VersionSize {
		_, err := io.ReadFull(b, row)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break // somebody cuts off what is not committed
		}
		if err != nil {
			return index, nil, fmt.Errorf("read the versions of %s in %s: %w", rec, l.where, err)
		}
		v, err := nextVersion(versions, row)
		if err != nil {
			return index, nil, l.damagedIndex(rec, err)
		}
		if v.Seq > l.latest {
			break
		}
		versions = append(versions, v)
		index.end += changeset.VersionSize
	}
	return index, versions, nil // part of a row may follow, of a writer at work; if it was more than that, the log knows, and fsck tells
}

// looseIndex is the file that is the index of a record, in bytes.
type looseIndex struct {
	size int64 // its length
	end  int64 // where what counts of it ends
}

// nextVersion reads the row after those of a record's index.
func nextVersion(versions []changeset.Version, row []byte) (changeset.Version, error) {
	v, err := parseVersion(row, int64(len(versions)))
	if err == nil {
		err = ascends(versions, v)
	}
	return v, err
}

// ascends returns an error if a version cannot come after those.
func ascends(versions []changeset.Version, v changeset.Version) error {
	if n := len(versions); n > 0 && v.Seq < versions[n-1].Seq {
		return fmt.Errorf("its rows are not in ascending order: row %d of the log comes after row %d", v.Seq, versions[n-1].Seq)
	}
	return nil
}

// parseVersion reads a row of a record's index, counted from 0.
func parseVersion(row []byte, i int64) (changeset.Version, error) {
	v, err := changeset.ParseVersion(row)
	if err != nil {
		err = fmt.Errorf("row %d: %w", i+1, err)
	}
	return v, err
}

// damagedIndex is the error of a record's index that holds what it must not, or too little; one of reading it is no damage.
func (l *Log) damagedIndex(rec changeset.RecordID, err error) error {
	var unread *fs.PathError
	if errors.As(err, &unread) && !isNotExist(err) {
		return fmt.Errorf("read the versions of %s in %s: %w", rec, l.where, err)
	}
	return l.damaged(changeset.RecordPath(rec), err)
}

// first returns the oldest committed row of the record's index, by reading that row alone; ok is false for a record that never was.
func (l *Log) first(rec changeset.RecordID) (v changeset.Version, ok bool, err error) {
	return l.version(rec, func(int64) int64 { return 0 })
}

// last returns the newest committed row of the record's index, as first does.
func (l *Log) last(rec changeset.RecordID) (v changeset.Version, ok bool, err error) {
	return l.version(rec, newest)
}

// newest picks the last of so many rows.
func newest(rows int64) int64 { return rows - 1 }

// version reads the row that pick chooses among so many, or the next one before it that is committed.
func (l *Log) version(rec changeset.RecordID, pick func(rows int64) int64) (v changeset.Version, ok bool, err error) {
	v, at, err := l.versionAt(rec, pick)
	return v, at >= 0, err
}

// versionAt is version, and says which row it is, counted from 0; -1 if there is none.
func (l *Log) versionAt(rec changeset.RecordID, pick func(rows int64) int64) (v changeset.Version, at int64, err error) {
	at = -1
	err = l.useVersions(rec, func(f *versionFile) (err error) {
		v, at, err = l.versionIn(f, rec, pick)
		return err
	})
	return v, at, err
}

// useVersions calls use with the index of a record, which is open until then; not if there is none. Where use fails, and the parts are others meanwhile, it is called again.
func (l *Log) useVersions(rec changeset.RecordID, use func(f *versionFile) error) error {
	return l.again(func() error {
		f, err := l.openVersions(rec)
		if f == nil || err != nil {
			return err
		}
		defer f.Close()
		return use(f)
	})
}

// versionIn is versionAt of an index that is open.
func (l *Log) versionIn(f *versionFile, rec changeset.RecordID, pick func(rows int64) int64) (v changeset.Version, at int64, err error) {
	for at = min(pick(f.rows), f.rows-1); at >= 0; at-- {
		if v, err = f.at(at); err != nil {
			return v, -1, l.damagedIndex(rec, err)
		}
		if v.Seq <= l.latest {
			return v, at, nil
		}
	}
	return changeset.Version{}, -1, nil
}

// versionBefore returns the last version in a record's index of a row of the log below seq, by looking at few of them; ok is false if there is none.
func (l *Log) versionBefore(rec changeset.RecordID, seq uint32) (v changeset.Version, ok bool, err error) {
	err = l.again(func() error {
		v, ok, err = l.versionBeforeOnce(rec, seq)
		return err
	})
	return v, ok, err
}

func (l *Log) versionBeforeOnce(rec changeset.RecordID, seq uint32) (v changeset.Version, ok bool, err error) {
	f, err := l.openVersions(rec)
	if f == nil || err != nil {
		return v, false, err
	}
	defer f.Close()
	var failed error
	at := sort.Search(int(f.rows), func(i int) bool {
		v, err := f.at(int64(i))
		failed = errors.Join(failed, err)
		return v.Seq >= seq
	})
	if at > 0 && failed == nil {
		v, failed = f.at(int64(at - 1))
	}
	if failed != nil {
		return v, false, l.damagedIndex(rec, failed)
	}
	return v, at > 0, nil
}

// versionFile is the index of a record, to read some of its rows alone. Who opened it closes it.
type versionFile struct {
	file     afero.File // nil if there is none
	loose    int64      // rows in it that are committed, or part of a transaction whose number is not
	rows     int64      // with those that parts have
	segments []segment  // nil if no part has any
	whole    bool       // parts have all rows of the log
}

// openVersions opens a record's index; it returns nil for a record that never was. A loose index that is gone may have been folded into a part.
func (l *Log) openVersions(rec changeset.RecordID) (f *versionFile, err error) {
	for {
		since := l.listing()
		if f, err = l.openVersionsOnce(rec); f != nil && (f.file != nil || f.whole) || !l.relisted(since) {
			return f, err
		}
		if f != nil {
			f.Close()
		}
	}
}

func (l *Log) openVersionsOnce(rec changeset.RecordID) (*versionFile, error) {
	f := &versionFile{}
	file, err := l.fs.Open(changeset.RecordPath(rec))
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, fmt.Errorf("read the versions of %s in %s: %w", rec, l.where, err)
	}
	if !missing {
		info, err := file.Stat()
		if missing = errors.Is(err, fs.ErrNotExist); err != nil { // of a web server one learns only now that there is none
			file.Close()
		}
		if err != nil && !missing {
			return nil, fmt.Errorf("read the versions of %s in %s: %w", rec, l.where, err)
		}
		if err == nil {
			size := l.limits.of(l.prefix+changeset.RecordPath(rec), info.Size())
			f.file, f.loose = file, max(0, size)/changeset.VersionSize
		}
	}
	f.rows = f.loose
	if err := f.split(l, rec); err != nil {
		f.Close()
		return nil, err
	}
	if missing && f.rows == 0 {
		return nil, nil
	}
	return f, nil
}

// at reads a row, counted from 0.
func (f *versionFile) at(i int64) (changeset.Version, error) {
	for _, s := range f.segments {
		switch {
		case i >= s.n:
			i -= s.n
		case s.part != nil:
			v, _, err := s.packed.At(int(i))
			return v, err
		default:
			return f.looseAt(s.from + i)
		}
	}
	return f.looseAt(i)
}

// looseAt reads a row of the loose index, counted from 0.
func (f *versionFile) looseAt(i int64) (changeset.Version, error) {
	buf := make([]byte, changeset.VersionSize)
	if f.file == nil {
		return changeset.Version{}, io.ErrUnexpectedEOF
	}
	if _, err := f.file.ReadAt(buf, i*changeset.VersionSize); err != nil {
		return changeset.Version{}, err
	}
	return parseVersion(buf, i)
}

// props reads a version of a record.
func (l *Log) props(rec changeset.RecordID, v changeset.Version) (map[string]string, error) {
	b, err := l.RawRecord(rec, v)
	if err != nil {
		return nil, err
	}
	props, err := changeset.DecodeRecord(b)
	if err != nil {
		return nil, &DamageError{Where: l.where, Path: l.versions.Path(v.Key), Err: err}
	}
	return props, nil
}

// Props returns the present properties of the record; ok is false if it does not exist or is deleted. What the log lost does not count.
func (l *Log) Props(rec changeset.RecordID) (props map[string]string, ok bool, err error) {
	v, _, ok, err := l.shown(rec)
	return l.propsOf(rec, v, ok, err)
}

// listedProps is Props for one of many records, of which the log is known to have the record: it does not look whether the newest version is the log's.
func (l *Log) listedProps(rec *Record) (props map[string]string, ok bool, err error) {
	v, ok, err := l.last(rec.ID)
	if err == nil && !ok {
		err = rec.lacksVersions(l)
	}
	return l.propsOf(rec.ID, v, ok, err)
}

// propsOf reads a version that was found, if it was.
func (l *Log) propsOf(rec changeset.RecordID, v changeset.Version, found bool, err error) (props map[string]string, ok bool, _ error) {
	if err != nil || !found || v.Key == (cas.Key{}) {
		return nil, false, err
	}
	props, err = l.props(rec, v)
	return props, err == nil, err
}

// PropsAt returns the properties that the record had as of a row of the log; exists is false if it was deleted or never was until then, known if it ever was.
func (l *Log) PropsAt(rec changeset.RecordID, row uint32) (props map[string]string, exists, known bool, err error) {
	v, known, err := l.versionBefore(rec, row+1)
	if err != nil || !known || v.Deleted() {
		return nil, false, known, err
	}
	props, err = l.props(rec, v)
	return props, err == nil, true, err
}

// confirmed returns the newest version of a record whose row of the log touches the record, and which row of the index it is, counted from 0; -1 if there is
// none. Newer ones are left from rows that the log lost, when a backup was put back over the replica say, and whose numbers were given again since.
// The log does not say of the rows of an exported copy, whose numbers are 0.
func (l *Log) confirmed(rec changeset.RecordID) (v changeset.Version, at int64, err error) {
	at = -1
	err = l.useConfirmed(rec, func(_ *versionFile, newest changeset.Version, row int64) error {
		v, at = newest, row
		return nil
	})
	return v, at, err
}

// useConfirmed calls use with what confirmed returns, beside the index that it is in, as useVersions does; not if there is none.
func (l *Log) useConfirmed(rec changeset.RecordID, use func(f *versionFile, v changeset.Version, at int64) error) error {
	return l.useVersions(rec, func(f *versionFile) error {
		v, at, err := l.confirmedIn(f, rec)
		if at < 0 || err != nil {
			return err
		}
		return use(f, v, at)
	})
}

// confirmedIn is confirmed of an index that is open.
func (l *Log) confirmedIn(f *versionFile, rec changeset.RecordID) (v changeset.Version, at int64, err error) {
	for at = f.rows - 1; at >= 0; at-- {
		if v, err = f.at(at); err != nil {
			return v, -1, l.damagedIndex(rec, err)
		}
		if v.Seq > l.latest {
			continue
		}
		if v.Seq == 0 {
			return v, at, nil
		}
		if touches, err := l.touches(v.Seq, rec); err != nil || touches {
			return v, at, err
		}
	}
	return changeset.Version{}, -1, nil
}

// shown returns the version of a record that is shown. It is confirmed, unless the log cannot say: its changeset cannot be read, of which fsck tells, or it is
// that of an exported copy.
func (l *Log) shown(rec changeset.RecordID) (v changeset.Version, confirmed, ok bool, err error) {
	v, at, err := l.confirmed(rec)
	if err != nil {
		v, ok, err = l.last(rec)
		return v, false, ok, err
	}
	return v, v.Seq > 0, at >= 0, nil
}
