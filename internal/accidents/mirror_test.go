package accidents

import (
	"context"
	"fmt"
	iofs "io/fs"
	"path"
	"strings"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/durable"
	"prophet/replica"
	psync "prophet/sync"
)

// cloned returns what a clone of the mirror in a directory shows.
func cloned(fs afero.Fs, mirror string) (string, error) {
	source, err := replica.Open(dir(fs, mirror), replica.Options{Where: "www", Mirror: true})
	if isAbsent(err) {
		return "there is no mirror", nil
	}
	if err != nil {
		return "", err
	}
	r, _, err := psync.Clone(context.Background(), crashfs.New(), source, options("clone", march, ""), psync.Options{Adopt: true})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintln(&b, r.Latest(), r.Resolutions().Latest())
	err = show(&b, r)
	return b.String(), err
}

// filesOf lists the files of a file system with their bytes, without the locks and what crashes left of files not finished.
func filesOf(fs afero.Fs) (string, error) {
	var b strings.Builder
	err := afero.Walk(fs, ".", func(name string, info iofs.FileInfo, err error) error {
		if err != nil || info.IsDir() || durable.IsTemp(name) || path.Base(name) == "lock" {
			return err
		}
		text, err := afero.ReadFile(fs, name)
		fmt.Fprintf(&b, "%s: %q\n", name, text)
		return err
	})
	return b.String(), err
}
