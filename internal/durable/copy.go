package durable

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/afero"
)

// pieceSize is how many bytes of a file are in memory while it is copied or compared.
const pieceSize = 64 << 10

// CopyFile makes what the file from holds the content of the file to, as [WriteFile] does, piece by piece: it may have any length. Pieces of zeros take no room on the disk.
func CopyFile(fs afero.Fs, from, to string) error {
	if err := checkName(to); err != nil {
		return fmt.Errorf("write %w", err)
	}
	w := writer{fs: fs}
	if err := w.copy(from, to); err != nil {
		return fmt.Errorf("copy %s to %s: %w", from, to, err)
	}
	return nil
}

func (w *writer) copy(from, to string) (err error) {
	source, err := w.fs.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	dirs := parents([]string{to}, func(name string) string { return name })
	if err := w.makeDirs(dirs); err != nil {
		return err
	}
	temp, err := w.createTemp(to)
	if err != nil {
		return err
	}
	err = flushAll(w.fs, []handle{temp}, nil, copyPieces(temp, source))
	if err == nil {
		err = w.fs.Rename(temp.name, to)
	}
	if err != nil {
		_ = w.fs.Remove(temp.name) // the error at hand is the one to tell
		return err
	}
	return syncDirs(w.fs, dirs)
}

// copyPieces writes what is in a file to an empty one.
func copyPieces(to, from afero.File) error {
	info, err := from.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if err := to.Truncate(size); err != nil {
		return err
	}
	var zeros [pieceSize]byte
	for at := PastHole(from, 0, size); at < size; at = PastHole(from, at, size) {
		piece, err := readPiece(from, at, size)
		if err != nil {
			return err
		}
		if !bytes.Equal(piece, zeros[:len(piece)]) {
			if _, err := to.WriteAt(piece, at); err != nil {
				return err
			}
		}
		at += int64(len(piece))
	}
	return nil
}

// SameContent reports whether two files hold the same bytes. It has a piece of each in memory. The error wraps [io/fs.ErrNotExist] where one of them is missing.
func SameContent(fs afero.Fs, one, other string) (bool, error) {
	a, err := fs.Open(one)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := fs.Open(other)
	if err != nil {
		return false, err
	}
	defer b.Close()
	its, err := a.Stat()
	if err != nil {
		return false, err
	}
	info, err := b.Stat()
	if err != nil || info.Size() != its.Size() {
		return false, err
	}
	for at, size := int64(0), info.Size(); at < size; {
		if at = min(PastHole(a, at, size), PastHole(b, at, size)); at == size {
			break
		}
		x, err := readPiece(a, at, size)
		if err != nil {
			return false, err
		}
		y, err := readPiece(b, at, size)
		if err != nil || !bytes.Equal(x, y) {
			return false, err
		}
		at += int64(len(x))
	}
	return true, nil
}

// readPiece reads the piece at a byte of a file of so many bytes.
func readPiece(f afero.File, at, size int64) ([]byte, error) {
	piece := make([]byte, min(pieceSize, size-at))
	_, err := io.ReadFull(io.NewSectionReader(f, at, int64(len(piece))), piece)
	return piece, err
}
