package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/fixture"
	"prophet/replica"
)

// readOnly are command lines that only read, for a replica that has a record 1.
func readOnly() [][]string {
	lines := [][]string{
		{"show", "1"}, {"search"}, {"search", "Ticket", "--match", "e", "--sort", "status"}, {"history", "1"}, {"history", "1", "--graph"}, {"log"}, {"log", "--all"},
		{"log", "LATEST~3"}, {"types"}, {"info"}, {"dump"}, {"dump", "--records"}, {"fsck"}, {"conflicts"}, {"rules", "Ticket", "status"},
		{"digest"}, {"digest", "--types"}, {"digest", "--records", "Ticket"}, {"digest", "--record", "1"},
	}
	for _, l := range lines {
		lines = append(lines, append(l[:len(l):len(l)], "--json"))
	}
	return lines
}

// filesOf returns the files below a directory, with what tells whether they were touched.
func filesOf(t *testing.T, fsys afero.Fs, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := afero.Walk(fsys, dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			files[path] = "a directory"
			return err
		}
		b, err := afero.ReadFile(fsys, path)
		files[path] = fmt.Sprint(info.ModTime(), info.Mode(), string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// readAll runs the read-only commands on the replica in a directory that cannot be written, and checks that they work and leave it as it was.
func readAll(t *testing.T, fsys afero.Fs, dir string) {
	t.Helper()
	before := filesOf(t, fsys, dir)
	for _, words := range readOnly() {
		w := newWorld()
		w.Fs = afero.NewReadOnlyFs(fsys)
		words = append(words, "-r", dir)
		code := run(t.Context(), w.env, words)
		deleted := code == exitNoRecord && (words[0] == "show" || words[0] == "digest")
		if code != exitDone && !deleted || w.err.Len() > 0 && words[0] != "conflicts" && words[0] != "search" && !deleted { // these two say what is open
			t.Errorf("%v: exit code %d, %s", words, code, w.err)
		}
		if strings.Contains(strings.Join(words, " "), "--json") && words[0] != "dump" {
			checkJSONLines(t, words, w.out.String())
		}
	}
	if !maps.Equal(before, filesOf(t, fsys, dir)) {
		t.Errorf("%s is not what it was", dir)
	}
}

// checkJSONLines checks that a command printed canonical JSON, a document a line.
func checkJSONLines(t *testing.T, words []string, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Errorf("%v: %v in %.200s", words, err, line)
			continue
		}
		if want, err := appendJSON(nil, v); err != nil || string(want) != line {
			t.Errorf("%v: not canonical: %.200s", words, line)
		}
	}
}

func TestReadingChangesNothingInReplicasOfTheOriginal(t *testing.T) {
	for _, scenario := range fixture.Names() {
		fsys := afero.NewMemMapFs()
		fixture.Unpack(t, fsys, "/f", scenario)
		for _, name := range fixture.Replicas(scenario) {
			readAll(t, fsys, "/f/"+name)
		}
	}
}

func TestReadingChangesNothingInAReplicaOfOurs(t *testing.T) {
	fsys := afero.NewOsFs()
	dir := t.TempDir()
	w := newWorld()
	w.Fs = fsys
	for _, words := range [][]string{
		{"init"}, {"create", "Ticket", "status=new", "summary=printer"}, {"update", "1", "status=open"}, {"create", "Note"}, {"delete", "2"},
	} {
		if code := run(t.Context(), w.env, append(words, "-r", dir)); code != exitDone {
			t.Fatalf("%v: %s", words, w.err)
		}
	}
	// What a writer left behind that was cut off is not mended by reading.
	r, err := replica.Open(afero.NewBasePathFs(fsys, dir), replica.Options{})
	if err != nil || r.Latest() != 4 {
		t.Fatal(r, err)
	}
	f, err := fsys.OpenFile(dir+"/changesets.idx", os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = f.WriteString("half a row")
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, fsys, dir)
}

func TestExportedCopiesAreNotWritten(t *testing.T) {
	fsys := afero.NewMemMapFs()
	fixture.Unpack(t, fsys, "/f", "three-laptops")
	w := newWorld()
	w.Fs = fsys
	if code := run(t.Context(), w.env, []string{"create", "Ticket", "-r", "/f/bob-export"}); code != exitFailed {
		t.Errorf("an exported copy was written to: exit code %d", code)
	}
	want := "/f/bob-export is an exported copy, made to be cloned and not to be edited\n" +
		"prophet: hint: \"prophet clone /f/bob-export DIR\" makes a replica of it that can be edited\n"
	if !strings.HasSuffix(w.err.String(), want) {
		t.Errorf("got %s", w.err)
	}
}
