package durable

import (
	"fmt"

	"github.com/spf13/afero"
)

// staged are files that lie under temporary names until they get their own, each open until it was flushed.
type staged struct {
	files []stagedFile
	dirs  []string // of all that were staged, for the flush of their names
}

// stagedFile is a file with the name that it is to get.
type stagedFile struct {
	temp handle
	name string
}

// temps are the files under their temporary names.
func (s *staged) temps() []handle {
	temps := make([]handle, 0, len(s.files))
	for _, f := range s.files {
		temps = append(temps, f.temp)
	}
	return temps
}

// stage makes the directories of files, and writes the files under temporary names. Where they are many, only the last of them stay so, and those before have
// their names already. The caller flushes and closes what is open, and then calls rename; what has no name of its own goes with drop. After an error nothing is open.
func (w *writer) stage(files []Content) (staged, error) {
	dirs := parents(files, nameOf)
	if err := w.makeDirs(dirs); err != nil {
		return staged{}, err
	}
	for ; len(files) > maxOpen; files = files[maxOpen:] {
		if err := w.writeChunk(files[:maxOpen]); err != nil {
			return staged{}, err
		}
	}
	s, err := w.writeTemps(files)
	if err != nil {
		err = flushAll(w.fs, s.temps(), nil, err)
		s.drop(w.fs)
		return staged{}, err
	}
	s.dirs = dirs
	return s, nil
}

// writeTemps writes each file under a temporary name and leaves it open. After an error it returns those written so far.
func (w *writer) writeTemps(files []Content) (s staged, err error) {
	for _, f := range files {
		temp, err := w.createTemp(f.Name)
		if err != nil {
			return s, err
		}
		s.files = append(s.files, stagedFile{temp, f.Name})
		if _, err := temp.WriteAt(f.Data, 0); err != nil {
			return s, ofFile("write", f.Name, err)
		}
	}
	return s, nil
}

// rename gives all of them their names, which are flushed with their directories.
func (s *staged) rename(fs afero.Fs) error {
	for len(s.files) > 0 {
		if err := s.renameNext(fs); err != nil {
			return err
		}
	}
	return nil
}

// renameNext gives the next of them its name.
func (s *staged) renameNext(fs afero.Fs) error {
	next := s.files[0]
	if err := fs.Rename(next.temp.name, next.name); err != nil {
		return fmt.Errorf("rename to %s: %w", next.name, err)
	}
	s.files = s.files[1:]
	return nil
}

// drop removes those that have no name of their own yet.
func (s *staged) drop(fs afero.Fs) {
	for _, f := range s.files {
		_ = fs.Remove(f.temp.name) // the error at hand is the one to tell
	}
}
