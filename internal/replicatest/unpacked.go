package replicatest

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/replica"
)

// Unpacked returns what a user of the original can read of a replica or a mirror: all of it, or, where it has parts, a copy that was unpacked.
func Unpacked(fsys *crashfs.FS) (afero.Fs, error) {
	packed := false
	for _, log := range []string{"", changeset.ResolutionsDir + "/"} {
		files, err := afero.ReadDir(fsys, log+parts.Dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, file := range files {
			packed = packed || path.Ext(file.Name()) == parts.PackExt
		}
	}
	if !packed {
		return fsys, nil
	}
	plain := fsys.Survivor(crashfs.Kill, 0)
	r, err := replica.Open(plain, replica.Options{})
	if err != nil {
		return nil, err
	}
	return plain, r.Unpack(context.Background(), nil)
}
