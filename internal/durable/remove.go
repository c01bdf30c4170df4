package durable

import (
	"errors"
	"fmt"
	iofs "io/fs"

	"github.com/spf13/afero"
)

// Remove removes the named file, if it exists. When it returns nil, that survives a power cut.
func Remove(fs afero.Fs, name string) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("remove %w", err)
	}
	return removeAll(fs, []Grown{{Name: name}})
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
