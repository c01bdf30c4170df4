package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"prophet/replica"
	psync "prophet/sync"
)

// checkPlace looks at where something, such as "replica", is to be made: not where a file is, nor among the files of a replica or mirror. Beside these it warns, if nothing is there yet.
func (e *env) checkPlace(p *printer, what, dir string) error {
	if err := e.checkNoFile(dir); err != nil {
		return err
	}
	outer, kind := e.around(dir)
	if outer == "" {
		return nil
	}
	rel, err := filepath.Rel(outer, dir)
	if err != nil {
		return err
	}
	if first, _, _ := strings.Cut(filepath.ToSlash(rel), "/"); slices.Contains(replica.OwnDirs, first) {
		return withHint(fmt.Errorf("make a %s in %s: that is among the files of the %s %s, in its %s", what, dir, kind, outer, first), "name a directory outside of it")
	}
	if checkEmptyDir(e.Fs, dir) == nil {
		p.warnf("%s lies inside the %s %s: who copies, moves or removes that does so with it", dir, kind, outer)
	}
	return nil
}

// around returns the replica, or mirror, in which a directory lies, and which of them it is; "" if it lies in none.
func (e *env) around(dir string) (outer, kind string) {
	for d := filepath.Dir(dir); ; d = filepath.Dir(d) {
		switch there, err := isReplica(e.Fs, d); {
		case err != nil:
			return "", ""
		case there && psync.IsMirror(e.dir(d)):
			return d, "mirror"
		case there:
			return d, "replica"
		}
		if root, err := isFile(e.Fs, filepath.Join(d, psync.MirrorFile)); root && err == nil {
			return d, "mirror"
		}
		if d == filepath.Dir(d) {
			return "", ""
		}
	}
}

// checkNoFile refuses a directory in whose place, or above which, a file is.
func (e *env) checkNoFile(dir string) error {
	for d := dir; ; d = filepath.Dir(d) {
		info, err := e.Fs.Stat(d)
		if err == nil && !info.IsDir() {
			return isNoDirectory(d)
		}
		if err == nil || d == filepath.Dir(d) {
			return nil
		}
	}
}

func isNoDirectory(file string) error {
	return withHint(fmt.Errorf("%s is a file, not a directory", file), hintNewDir)
}

const hintNewDir = "name a directory that does not exist"
