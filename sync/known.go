package sync

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/httpfs"
	"prophet/internal/wire"
	"prophet/replica"
)

// known is a mirror on the web of which some is known already, so that it is not asked for that.
type known struct {
	afero.Fs                   // the web
	original bool              // it is the original's, and has no files of ours
	files    map[string][]byte // that are known; nil: there is none
	ends     map[string]end    // of indexes
}

// end is what a file has from an offset on.
type end struct {
	from int64
	b    []byte
}

// askEnd asks for the rows of a log that were read last, and for what follows them. ok is false where they are others, or where more than so many follow. Where none was read, there may be no index, and no rows.
func (k *known) askEnd(web *httpfs.FS, prefix string, peer replica.Peer, following uint32) (ok bool) {
	name := prefix + changeset.IndexFile
	first := replica.TailBegins(peer.Read)
	old := int(peer.Read + 1 - first)
	most := old + int(following)
	if peer.Read == 0 {
		most = 0
	}
	buf := make([]byte, most*changeset.RowSize+1) // there is nothing behind that
	n, err := web.ReadPart(name, buf, int64(first-1)*changeset.RowSize)
	if peer.Read == 0 {
		return errors.Is(err, fs.ErrNotExist)
	}
	if err != nil || n == len(buf) || n < old*changeset.RowSize {
		return false
	}
	rows, err := changeset.ParseRows(buf[:n], first)
	if err != nil {
		return false
	}
	last, read := peer.LastRow()
	k.ends[name] = end{int64(first-1) * changeset.RowSize, buf[:n]}
	return read && rows[old-1] == last && peer.Tail == replica.Tail(rows[:old])
}

// latest returns how many rows a log has.
func (k *known) latest(prefix string) uint32 {
	e := k.ends[prefix+changeset.IndexFile]
	return uint32((e.from + int64(len(e.b))) / changeset.RowSize)
}

// tell makes known the small files of a log, of which so many rows count.
func (k *known) tell(prefix string, database, self uuid.UUID, rows uint32) {
	k.files[prefix+changeset.ReplicaVersionFile] = []byte(formatVersion)
	k.files[prefix+changeset.ReplicaUUIDFile] = []byte(self.String())
	k.files[prefix+changeset.DatabaseUUIDFile] = []byte(database.String())
	k.files[prefix+changeset.LatestFile] = []byte(formatNumber(rows))
}

// Revalidate makes it be asked for everything, and caches on the way too.
func (k *known) Revalidate() {
	k.original, k.files, k.ends = false, nil, nil
	if cached, ok := k.Fs.(interface{ Revalidate() }); ok {
		cached.Revalidate()
	}
}

// find returns what is known of a file: its bytes, or that there is none, as an error that wraps [fs.ErrNotExist]. Else both are nil.
func (k *known) find(name string) (file string, b []byte, err error) {
	file = strings.TrimPrefix(path.Clean(filepath.ToSlash(name)), "/")
	b, is := k.files[file]
	ours := k.original && strings.HasPrefix(strings.TrimPrefix(file, changeset.ResolutionsDir+"/"), "prophet/")
	if b == nil && (is || ours) {
		return file, nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return file, b, nil
}

// Open opens a file.
func (k *known) Open(name string) (afero.File, error) {
	file, b, err := k.find(name)
	if err != nil {
		return nil, err
	}
	if b != nil {
		return wire.InMemory(file, b), nil
	}
	f, err := k.Fs.Open(name)
	if e, is := k.ends[file]; is && err == nil {
		return &endedFile{f, e}, nil
	}
	return f, err
}

// OpenFile is Open: what would write fails there.
func (k *known) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if flag != os.O_RDONLY {
		return k.Fs.OpenFile(name, flag, perm)
	}
	return k.Open(name)
}

// Stat says what a file is.
func (k *known) Stat(name string) (os.FileInfo, error) {
	_, b, err := k.find(name)
	if b == nil && err == nil {
		return k.Fs.Stat(name)
	}
	if err != nil {
		return nil, err
	}
	f, err := k.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// endedFile is a file on the web of which the end is known. ReadAt alone asks nothing for that, where it begins there.
type endedFile struct {
	afero.File
	end end
}

func (f *endedFile) ReadAt(p []byte, off int64) (int, error) {
	if off < f.end.from {
		return f.File.ReadAt(p, off)
	}
	return bytes.NewReader(f.end.b).ReadAt(p, off-f.end.from)
}
