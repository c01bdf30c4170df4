package main

import (
	"io/fs"
	"os"
	"path/filepath"
)

// tree is what lies below a directory.
type tree struct {
	files     int64
	bytes     int64 // of contents
	allocated int64 // that files and directories take on the disk
}

// countTree counts a file, or what lies below a directory.
func countTree(dir string) (t tree, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		t.allocated += allocated(info)
		if entry.Type().IsRegular() {
			t.files++
			t.bytes += info.Size()
		}
		return nil
	})
	return t, err
}

// copyTree copies a directory.
func copyTree(to, from string) error { return os.CopyFS(to, os.DirFS(from)) }
