package v1peer

import (
	"bytes"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
)

// log is the files of one of the two logs of a replica: the main one, or that of its resolutions.
type log struct {
	fs                  afero.Fs
	prefix              string // of all names: "" or "resolutions/"
	database, uuid      uuid.UUID
	changesets, objects *cas.Store
}

func createLog(fs afero.Fs, prefix string, database, id uuid.UUID) error {
	for name, text := range map[string]string{
		changeset.DatabaseUUIDFile:   database.String(),
		changeset.ReplicaUUIDFile:    id.String(),
		changeset.LatestFile:         "0",
		changeset.ReplicaVersionFile: "1",
	} {
		if err := write(fs, prefix+name, []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

func openLog(fs afero.Fs, prefix string) (*log, error) {
	l := &log{fs: fs, prefix: prefix,
		changesets: cas.New(fs, prefix+"cas/"+changeset.ChangesetObjects), objects: cas.New(fs, prefix+"cas/"+changeset.RecordObjects)}
	for name, u := range map[string]*uuid.UUID{changeset.DatabaseUUIDFile: &l.database, changeset.ReplicaUUIDFile: &l.uuid} {
		text, err := l.read(name)
		if err != nil {
			return nil, err
		}
		if *u, err = changeset.ParseUUID(text); err != nil {
			return nil, fmt.Errorf("%s: %w", prefix+name, err)
		}
	}
	return l, nil
}

// read returns the text of a small file.
func (l *log) read(name string) (string, error) {
	b, err := afero.ReadFile(l.fs, l.prefix+name)
	return strings.TrimSpace(string(b)), err
}

// readAll returns the bytes of a file, none if there is no such file.
func (l *log) readAll(name string) ([]byte, error) {
	b, err := afero.ReadFile(l.fs, l.prefix+name)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (l *log) write(name string, b []byte) error { return write(l.fs, l.prefix+name, b) }

func write(fs afero.Fs, name string, b []byte) error {
	if err := fs.MkdirAll(dir(name), 0o777); err != nil {
		return err
	}
	return afero.WriteFile(fs, name, b, 0o666)
}

func (l *log) append(name string, b []byte) error {
	if err := l.fs.MkdirAll(dir(l.prefix+name), 0o777); err != nil {
		return err
	}
	f, err := l.fs.OpenFile(l.prefix+name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

func dir(name string) string { return name[:max(0, strings.LastIndexByte(name, '/'))] }

func (l *log) latest() (uint32, error) {
	text, err := l.read(changeset.LatestFile)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err
}

// rows returns the rows of the log that latest-sequence-no counts.
func (l *log) rows() ([]changeset.Row, error) {
	latest, err := l.latest()
	if err != nil || latest == 0 {
		return nil, err
	}
	b, err := afero.ReadFile(l.fs, l.prefix+changeset.IndexFile)
	if err != nil {
		return nil, err
	}
	if len(b) < int(latest)*changeset.RowSize {
		return nil, fmt.Errorf("%s: %d bytes, want %d rows", l.prefix+changeset.IndexFile, len(b), latest)
	}
	var rows []changeset.Row
	for part := range slices.Chunk(b[:int(latest)*changeset.RowSize], changeset.RowSize) {
		row, err := changeset.ParseRow(part)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// changeset reads the changeset of a row. As in the original, the row says whose it is, not the file.
func (l *log) changeset(row changeset.Row) (*changeset.Changeset, error) {
	b, err := l.changesets.Get(row.Key)
	if err != nil {
		return nil, err
	}
	c, err := changeset.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("changeset %s: %w", row.ID, err)
	}
	c.ID = row.ID
	return c, nil
}

// props returns the properties of a record; ok is false if it does not exist.
func (l *log) props(rec changeset.RecordID) (props map[string]string, ok bool, err error) {
	b, err := l.readAll(changeset.RecordPath(rec))
	if err != nil || len(b) < changeset.VersionSize {
		return nil, false, err
	}
	v, err := changeset.ParseVersion(b[len(b)-changeset.VersionSize:])
	if err != nil || v.Deleted() {
		return nil, false, err
	}
	if b, err = l.objects.Get(v.Key); err != nil {
		return nil, false, err
	}
	props, err = changeset.DecodeRecord(b)
	return props, true, err
}

// records returns the IDs of all records that have an index, by type and UUID.
func (l *log) records() (recs []changeset.RecordID, err error) {
	types, err := afero.ReadDir(l.fs, l.prefix+changeset.RecordsDir)
	if err != nil && !errors.Is(err, iofs.ErrNotExist) {
		return nil, err
	}
	for _, typ := range types {
		more, err := l.recordsOf(typ.Name())
		if err != nil {
			return nil, err
		}
		recs = append(recs, more...)
	}
	return recs, nil
}

// recordsOf returns those of one type.
func (l *log) recordsOf(typ string) (recs []changeset.RecordID, err error) {
	root := l.prefix + changeset.RecordsDir + "/" + typ
	if ok, err := afero.DirExists(l.fs, root); err != nil || !ok {
		return nil, err
	}
	err = afero.Walk(l.fs, root, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		u, err := changeset.ParseUUID(info.Name())
		recs = append(recs, changeset.RecordID{Type: typ, UUID: u})
		return err
	})
	return recs, err
}

// mark returns the highest number seen of a replica, -1 if none was.
func (l *log) mark(of uuid.UUID) (int64, error) {
	b, err := l.readAll(markFile(of))
	if err != nil || b == nil {
		return -1, err
	}
	return strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
}

// raise sets the mark of a replica to a number unless it is that high.
func (l *log) raise(of uuid.UUID, seq uint32) error {
	mark, err := l.mark(of)
	if err != nil || mark >= int64(seq) {
		return err
	}
	return l.write(markFile(of), strconv.AppendUint(nil, uint64(seq), 10))
}

func markFile(of uuid.UUID) string { return "local_metadata/last-changeset-from-" + of.String() }
