package replica

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/parts"
)

// What cannot be read is not damaged for all that is known: whoever gets the right to read it finds it as it was. A repair leaves it, too: it stops at it.

// IsUnread reports whether an error says that a file may not be read, that the disk fails, or that the system lets no more files be open.
func IsUnread(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EIO) || tooManyOpen(err)
}

func tooManyOpen(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// Unread is the problem of such a file.
func Unread(file string, err error) Problem {
	why := "the disk fails (input/output error)"
	switch {
	case errors.Is(err, fs.ErrPermission):
		why = "permission denied"
	case tooManyOpen(err):
		why = "too many files are open"
	}
	return Problem{Path: file, Unread: true, Why: err, Text: fmt.Sprintf("it cannot be read: %s; nothing is known to be damaged", why)}
}

// checkReadable looks whether the files can be read without which nothing else can be checked, and reports those that cannot.
func checkReadable(fsys afero.Fs, report func(Problem)) (readable bool) {
	readable = true
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		for _, name := range []string{changeset.DatabaseUUIDFile, changeset.ReplicaUUIDFile, changeset.LatestFile, changeset.ReplicaVersionFile, changeset.IndexFile,
			rowsFile, idsFile, conflictsFile, DigestsFile, LostFile, RepresentationsFile, LatestRepresentationFile, IdentityFile, parts.ListFile} {
			if err := readByte(fsys, prefix+name); IsUnread(err) {
				report(Unread(prefix+name, err))
				readable = false
			}
		}
	}
	return readable
}

// readByte reads the first byte of a file.
func readByte(fsys afero.Fs, name string) error {
	f, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.ReadFull(f, make([]byte, 1))
	return err
}
