package durable

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/afero"
)

// MkdirAll makes the named directory and those above it that are missing. When it returns nil,
// they survive a power cut.
func MkdirAll(fs afero.Fs, name string) error {
	if name == "." {
		return nil
	}
	if err := checkName(name); err != nil {
		return fmt.Errorf("make directory %w", err)
	}
	w := writer{fs: fs}
	return w.makeDirs([]string{name})
}

// MakeRoot makes the directory that is to be the root of a file system, and those above it that are missing. dir is a path of fs, absolute or
// relative. When MakeRoot returns nil, these directories survive a power cut, also if a process that made them died before it could flush them. unmake removes
// those again that MakeRoot made, as far as they are empty; where it returns an error it did so itself.
func MakeRoot(fs afero.Fs, dir string) (unmake func(), err error) {
	w := writer{fs: fs}
	if err := w.makeRoot(filepath.Clean(dir)); err != nil {
		w.unmake()
		return nil, err
	}
	return w.unmake, nil
}

func (w *writer) makeRoot(dir string) error {
	parent := filepath.Dir(dir)
	if parent == dir {
		return nil
	}
	exists, empty, err := lookAt(w.fs, dir)
	switch {
	case err != nil:
		return err
	case !exists:
		if err := w.makeRoot(parent); err != nil {
			return err
		}
		if err := w.mkdir(dir); err != nil {
			return err
		}
		return SyncDir(w.fs, parent)
	case empty:
		if err := SyncDir(w.fs, parent); !errors.Is(err, iofs.ErrPermission) { // who may not look at the parent did not make dir
			return err
		}
	}
	return nil
}

// makeDirs makes those of the directories and of their parents that are missing, the shallow ones first. Each level
// is flushed in its parents before anything is put into it, so a directory that holds something is known to survive.
func (w *writer) makeDirs(dirs []string) error {
	levels, unsure, err := missing(w.fs, dirs)
	if err != nil {
		return err
	}
	if err := syncDirs(w.fs, unsure); err != nil {
		return err
	}
	for _, level := range levels {
		for _, dir := range level {
			if err := w.mkdir(dir); err != nil {
				return err
			}
		}
		if err := syncDirs(w.fs, parents(level, strings.Clone)); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) mkdir(dir string) error {
	err := w.fs.Mkdir(dir, dirPerm)
	if errors.Is(err, iofs.ErrExist) {
		return nil // made by another process just now
	}
	if err != nil {
		return fmt.Errorf("make directory %s: %w", dir, err)
	}
	w.made = append(w.made, dir)
	return nil
}

// missing returns the directories to make, by depth, and the parents of those that exist and are
// empty: whoever made these may have died before the flush.
func missing(fs afero.Fs, dirs []string) (levels [][]string, unsure []string, err error) {
	seen := map[string]bool{".": true}
	for _, dir := range dirs {
		for ; !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			exists, empty, err := lookAt(fs, dir)
			if err != nil {
				return nil, nil, err
			}
			if empty {
				unsure = append(unsure, path.Dir(dir))
			}
			if exists {
				break
			}
			depth := strings.Count(dir, "/")
			for len(levels) <= depth {
				levels = append(levels, nil)
			}
			levels[depth] = append(levels[depth], dir)
		}
	}
	return levels, unsure, nil
}

// lookAt reports whether the directory exists, and if so whether it is empty.
func lookAt(fs afero.Fs, dir string) (exists, empty bool, err error) {
	d, err := fs.Open(dir)
	if errors.Is(err, iofs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("look at directory %s: %w", dir, err)
	}
	defer d.Close()
	_, err = d.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		return true, true, nil
	}
	if errors.Is(err, iofs.ErrNotExist) { // it was removed meanwhile
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("look at directory %s: %w", dir, err)
	}
	return true, false, nil
}

// unmake removes those of the directories made that are empty. What cannot be removed stays and harms nobody.
func (w *writer) unmake() {
	for len(w.made) > 0 {
		last := len(w.made) - 1
		if _, empty, err := lookAt(w.fs, w.made[last]); err == nil && empty {
			_ = w.fs.Remove(w.made[last])
		}
		w.made = w.made[:last]
	}
}
