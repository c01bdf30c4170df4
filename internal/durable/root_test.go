package durable

import (
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
)

func TestMakeRootSurvivesAPowerCut(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		for range 2 {
			if _, err := MakeRoot(fs, "/home/ann/bugs"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := afterPowerCut(fs).Stat("/home/ann/bugs"); err != nil {
			t.Error(err)
		}
	})
}

// A process may die between making a directory and flushing it in its parent; whoever goes on flushes it.
func TestRootOfADeadProcessIsFlushed(t *testing.T) {
	for k := 1; ; k++ {
		disk := crashfs.New()
		disk.CrashAt(k)
		_, err := MakeRoot(disk, "home/ann/bugs")
		done := err == nil
		alive := disk.Survivor(crashfs.Kill, 0)
		if _, err := MakeRoot(alive, "home/ann/bugs"); err != nil {
			t.Fatal(err)
		}
		if _, err := alive.Survivor(crashfs.PowerCut, 0).Stat("home/ann/bugs"); err != nil {
			t.Errorf("killed at %d, made again, power cut: %v", k, err)
		}
		if done {
			break
		}
	}
}

func TestMakeRootRefusesAFile(t *testing.T) {
	fs := crashfs.New()
	put(t, fs, "notes", "text")
	for _, dir := range []string{"notes", "notes/bugs"} {
		if _, err := MakeRoot(fs, dir); err == nil {
			t.Errorf("%s: no error", dir)
		}
	}
}
