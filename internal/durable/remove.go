package durable

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"path"
	"slices"

	"github.com/spf13/afero"
)

// Remove removes the named file, if it exists. When it returns nil, that survives a power cut.
func Remove(fs afero.Fs, name string) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("remove %w", err)
	}
	return removeAll(fs, []Grown{{Name: name}})
}

// TakeBack removes files and directories that were made in this order, the last one first, before anybody was told of them. What is missing is passed over, and so is a directory that
// holds something. What was made before one that cannot be removed stays. When TakeBack returns nil, a power cut may bring back a part of it, but nothing without what was made before that.
func TakeBack(fs afero.Fs, made []string) error {
	for _, name := range slices.Backward(made) {
		info, err := fs.Stat(name)
		if errors.Is(err, iofs.ErrNotExist) {
			continue
		}
		if err == nil && info.IsDir() {
			if _, empty, err := lookAt(fs, name); err == nil && !empty {
				continue
			}
		}
		if err := Remove(fs, name); err != nil {
			return fmt.Errorf("take back what was made: %w", err)
		}
	}
	return nil
}

// ResetJournal makes the journal its first line again, where it holds anything else, which keep is handed first. The lock must be held, and [Recover]
// must have returned nil.
func ResetJournal(fs afero.Fs, keep func(was []byte) error) error {
	was, err := afero.ReadFile(fs, Journal)
	if errors.Is(err, iofs.ErrNotExist) || err == nil && string(was) == journalHead {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", Journal, err)
	}
	if err := keep(was); err != nil {
		return err
	}
	return WriteFile(fs, Journal, []byte(journalHead))
}

// Move gives a file, a directory or a symbolic link another name, which nothing has, and makes the directories above that. When it returns nil, that survives a power cut.
func Move(fs afero.Fs, from, to string) error {
	for _, name := range []string{from, to} {
		if err := checkName(name); err != nil {
			return fmt.Errorf("move %w", err)
		}
	}
	dirs := []string{path.Dir(to), path.Dir(from)}
	if err := MkdirAll(fs, dirs[0]); err != nil {
		return fmt.Errorf("move %s: %w", from, err)
	}
	if err := fs.Rename(from, to); err != nil {
		return fmt.Errorf("move %s: %w", from, err)
	}
	return syncDirs(fs, dirs)
}
