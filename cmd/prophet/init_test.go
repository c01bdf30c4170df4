package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
)

// TestAnInitThatFailsLeavesNoTrace lets the disk be full, and fail once, at each operation of an init and of a clone into a directory that is not there yet, nor the one above it: then both are as they were, but where changesets came already, or nothing is left to do but to say who will
// make the edits.
func TestAnInitThatFailsLeavesNoTrace(t *testing.T) {
	start := crashfs.New()
	must(t, start, "init", "/ann")
	must(t, start, "create", "-r", "/ann", "Ticket", "summary=toner")
	flush(t, start)
	before := namesOf(t, start)
	for _, line := range [][]string{{"init", "/new/bugs"}, {"init", "--format", "1", "/new/bugs"}, {"clone", "/ann", "/new/bugs"}} {
		for name, fail := range map[string]func(disk *crashfs.FS, k int){
			"full disk": func(disk *crashfs.FS, k int) { disk.FailFrom(k, syscall.ENOSPC, crashfs.Op.Grows) },
			"error":     func(disk *crashfs.FS, k int) { disk.FailAt(k, syscall.EIO) },
		} {
			failed := 0
			for k := 1; ; k++ {
				disk := start.Survivor(crashfs.Kill, 0)
				fail(disk, k)
				code, out := try(t, disk, line...)
				if !disk.Failed() {
					break
				}
				if there, err := afero.Exists(disk, "/new/bugs/replica-version"); err != nil || code == exitDone || there && (line[0] == "clone" || strings.HasPrefix(out, "Made")) {
					continue // it did not need that operation, or went on too far
				}
				failed++
				if got := namesOf(t, disk); !slices.Equal(got, before) {
					t.Errorf("%s, %s at %d: left %v; it said %s", line[0], name, k, slices.DeleteFunc(got, func(n string) bool { return slices.Contains(before, n) }), out)
				}
			}
			if failed < 9 {
				t.Errorf("%s, %s: only %d failed", line[0], name, failed)
			}
		}
	}
}

// namesOf returns the files and directories of a disk, sorted.
func namesOf(t *testing.T, fsys afero.Fs) []string {
	t.Helper()
	names := map[string]bool{}
	err := afero.Walk(fsys, "/", func(name string, info os.FileInfo, err error) error {
		names[fmt.Sprint(name, " ", err == nil && info.IsDir())] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(names))
}
