package accidents

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var lose = flag.Bool("lose", false, "leave out each flush in turn, and see that a golden file and the table show it")

// flushes are the places at which internal/durable flushes, each with what stands there if that is forgotten.
var flushes = []struct {
	name, file, old, new string
	seen                 string // "" if the golden files and the table show the loss, else why not both
}{
	{"small files before their rename", "write.go", "	if err = flushAll(w.fs, s.temps(), nil, err); err != nil {\n		return err\n	}\n	return s.rename(w.fs)",
		"	if err != nil {\n		return err\n	}\n	return s.rename(w.fs)", ""},
	{"directories after renames", "write.go", "	return syncDirs(w.fs, dirs)", "	return nil", ""},
	{"new directories in their parents", "dirs.go", "		if err := syncDirs(w.fs, parents(level, strings.Clone)); err != nil {", "		if err := error(nil); err != nil {", ""},
	{"directories that a dead writer made", "dirs.go", "	if err := syncDirs(w.fs, unsure); err != nil {", "	if err := syncDirs(w.fs, unsure[:0]); err != nil {",
		"what a kill left would have to lose power too: TestCrashAfterACrash of internal/durable shows it"},
	{"objects before their rename", "commit.go", "flushAll(t.fs, append(objects.temps(), journal...), nil, err)", "flushAll(t.fs, journal, nil, err)", ""},
	{"the journal", "commit.go", "flushAll(t.fs, append(objects.temps(), journal...), nil, err)", "flushAll(t.fs, append(objects.temps(), journal[:0]...), nil, err)", ""},
	{"the name of a new journal", "journal.go", "		err = SyncDir(fs, path.Dir(Journal))", "		err = nil",
		"only the first edit of a replica makes one, and that is not in a golden file"},
	{"the empty journal", "journal.go", "	return flushAll(fs, []handle{{Journal, f}}, nil, err)", "	return err", ""},
	{"rows", "commit.go", "flushAll(t.fs, append(files, points.temps()...), append(dirs, objects...), err)", "flushAll(t.fs, append(files[:0], points.temps()...), append(dirs, objects...), err)", ""},
	{"new texts of commit points", "commit.go", "flushAll(t.fs, append(files, points.temps()...), append(dirs, objects...), err)", "flushAll(t.fs, append(files, points.temps()[:0]...), append(dirs, objects...), err)", ""},
	{"names of new files with rows", "commit.go", "flushAll(t.fs, append(files, points.temps()...), append(dirs, objects...), err)", "flushAll(t.fs, append(files, points.temps()...), append(dirs[:0], objects...), err)", ""},
	{"names of objects", "commit.go", "flushAll(t.fs, append(files, points.temps()...), append(dirs, objects...), err)", "flushAll(t.fs, append(files, points.temps()...), append(dirs, objects[:0]...), err)", ""},
	{"names of commit points", "commit.go", "		if err := SyncDir(t.fs, path.Dir(name)); err != nil {", "		if _ = path.Dir(name); false {\n			var err error", ""},
}

func TestEveryLostFlushFitsTheSource(t *testing.T) {
	for _, f := range flushes {
		if n := strings.Count(source(t, f.file), f.old); n != 1 {
			t.Errorf("%s: the text stands %d times in %s, want once:\n%s", f.name, n, f.file, f.old)
		}
	}
}

// TestALostFlushIsSeen builds the tests without each flush in its turn, without touching the sources: go test ./internal/accidents -run Lost -lose -v
func TestALostFlushIsSeen(t *testing.T) {
	if !*lose {
		t.Log("nothing is built without -lose")
		return
	}
	for _, f := range flushes {
		overlay := overlay(t, f.file, strings.Replace(source(t, f.file), f.old, f.new, 1))
		golden, table := fails(t, overlay, "TestOrderOf"), fails(t, overlay, "TestTableOf")
		t.Logf("%s: golden files %t, table %t %s", f.name, golden, table, f.seen)
		if (golden && table) != (f.seen == "") {
			t.Errorf("%s: golden files %t, table %t", f.name, golden, table)
		}
	}
}

// fails reports whether a test of this package fails, with other sources.
func fails(t *testing.T, overlay, test string) bool {
	t.Helper()
	b, err := exec.Command("go", "test", "-count=1", "-failfast", "-timeout=10m", "-overlay="+overlay, "-run="+test, ".").CombinedOutput()
	if strings.Contains(string(b), "build failed") {
		t.Fatalf("%s", b)
	}
	return err != nil
}

func source(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "durable", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// overlay writes another text of a source, and the file that tells the go command to take it for the real one.
func overlay(t *testing.T, file, text string) string {
	t.Helper()
	dir := t.TempDir()
	real, err := filepath.Abs(filepath.Join("..", "durable", file))
	if err != nil {
		t.Fatal(err)
	}
	mutated, list := filepath.Join(dir, "mutated.go"), filepath.Join(dir, "overlay.json")
	b, err := json.Marshal(map[string]map[string]string{"Replace": {real: mutated}})
	for name, content := range map[string][]byte{mutated: []byte(text), list: b} {
		if err == nil {
			err = os.WriteFile(name, content, 0o600)
		}
	}
	if err != nil {
		t.Fatal(fmt.Errorf("overlay: %w", err))
	}
	return list
}
