package wire

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/durable"
)

// supersededFile lists the packs that a head named once and none does now, a line each: the day since when, and the name.
//
//	2026-11-22 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
const supersededFile = "prophet/superseded"

// keptDays is how long a superseded pack stays, so that a head that is as old as that works.
const keptDays = 30

const mostSuperseded = 16 << 20 // bytes of the list

// Expired returns the packs that are to be removed once a head is written: those that were superseded for 30 days, or with prune all that the head does not name.
func Expired(fsys afero.Fs, now *Head, today time.Time, prune bool) (expired []string, err error) {
	days, err := readSuperseded(fsys)
	if err == nil && prune {
		err = addUnnamed(fsys, now, days)
	}
	return expiredOf(days, now, today, prune), err
}

// expiredOf takes the packs that are to be removed out of those that are superseded, as it does those that the head names.
func expiredOf(days map[string]string, now *Head, today time.Time, prune bool) (expired []string) {
	for _, name := range now.names() {
		delete(days, name)
	}
	last := today.UTC().AddDate(0, 0, -keptDays).Format(time.DateOnly)
	for _, name := range slices.Sorted(maps.Keys(days)) {
		if prune || days[name] < last {
			expired = append(expired, name)
			delete(days, name)
		}
	}
	return expired
}

// Retire notes, before a new head is written, which packs it supersedes, and returns what [Expired] does. old is the head before; nil if there was none.
func Retire(fsys afero.Fs, old, now *Head, today time.Time, prune bool) (expired []string, err error) {
	days, err := readSuperseded(fsys)
	if err != nil {
		return nil, err
	}
	was := superseded(days)
	if old != nil {
		for _, name := range old.names() {
			if days[name] == "" {
				days[name] = today.UTC().Format(time.DateOnly)
			}
		}
	}
	if prune {
		if err := addUnnamed(fsys, now, days); err != nil {
			return nil, err
		}
	}
	expired = expiredOf(days, now, today, prune)
	if is := superseded(days); is != was {
		err = durable.WriteFile(fsys, supersededFile, []byte(is))
	}
	return expired, err
}

// Remove removes packs, which no head names.
func Remove(fsys afero.Fs, names []string) error {
	for _, name := range names {
		if err := fsys.Remove(PackFile(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a superseded pack: %w", err)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return durable.SyncDir(fsys, packDir)
}

// readSuperseded returns since which day each pack is superseded. A line that is none is passed over: --prune finds what it stood for.
func readSuperseded(fsys afero.Fs) (map[string]string, error) {
	days := map[string]string{}
	f, err := fsys.Open(supersededFile)
	if errors.Is(err, fs.ErrNotExist) {
		return days, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostSuperseded))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		day, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if _, err := time.Parse(time.DateOnly, day); err == nil && isName(name) {
			days[name] = day
		}
	}
	return days, nil
}

// superseded is the text of the list.
func superseded(days map[string]string) string {
	var lines []string
	for name, day := range days {
		lines = append(lines, day+" "+name+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// addUnnamed adds the packs that are there and that the head does not name, left by publications that were cut off.
func addUnnamed(fsys afero.Fs, now *Head, days map[string]string) error {
	infos, err := afero.ReadDir(fsys, packDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	names := now.names()
	for _, info := range infos {
		name, ok := strings.CutSuffix(path.Base(info.Name()), ".pack")
		if _, named := slices.BinarySearch(names, name); ok && !named && isName(name) && days[name] == "" {
			days[name] = "0001-01-01"
		}
	}
	return nil
}
