package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The documents show commands and what they print, in blocks that begin with ```console. These tests run the commands of a document, with the
// real program, in one shell, and compare. In what is shown, "…" stands for anything in a line, and
// for any lines where it is all of one; runs of blanks are equal. Of a command that shows nothing only the exit code is looked at. One that shows an
// error fails.

// step is a command of a document.
type step struct {
	line    int
	command string
	shown   string
}

// steps returns the commands of the blocks of one kind in a document.
func steps(text, kind string) (all []step) {
	inside := false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```"+kind
		case !inside:
		case kind == "sh":
			all = append(all, step{line: i + 1, command: line})
		case strings.HasPrefix(line, "$ "):
			all = append(all, step{line: i + 1, command: line[2:]})
		default:
			all[len(all)-1].shown += line + "\n"
		}
	}
	return all
}

// shell returns the script that runs the steps in one shell and writes what each prints, and its exit code, to files in dir. With ticks each step is a second
// later than the one before, by the clock of [clockMain]: people are not so fast, and later edits are to bear later times.
func shell(all []step, dir string, ticks bool) string {
	var b strings.Builder
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for i, s := range all {
		if ticks {
			fmt.Fprintf(&b, "export NOW='%s'\n", noon.Add(time.Duration(i)*time.Second).Format(time.DateTime))
		}
		fmt.Fprintf(&b, "{ %s\n} >%s/%d.out 2>&1; echo $? >%s/%d.code\n", s.command, dir, i, dir, i)
	}
	return b.String()
}

var blanks = regexp.MustCompile(`[ \t]+`)

// matches reports whether a command printed what is shown.
func matches(shown, printed string) bool {
	pattern := regexp.QuoteMeta(blanks.ReplaceAllString(shown, " "))
	pattern = regexp.MustCompile(`(?m)^…\n`).ReplaceAllString(pattern, "(?:.*\n)*")
	pattern = strings.ReplaceAll(pattern, "…", ".*")
	pattern = strings.ReplaceAll(pattern, "\n", " ?\n")
	return regexp.MustCompile("^" + pattern + "$").MatchString(blanks.ReplaceAllString(printed, " "))
}

func TestMatches(t *testing.T) {
	tests := []struct {
		shown, printed string
		want           bool
	}{
		{"a b\n", "a\t  b \n", true},
		{"a b\n", "a c\n", false},
		{"a b\n", "a b\nc\n", false},
		{"a … c\n", "a b b c\n", true},
		{"a … c\n", "a b\nb c\n", false},
		{"a\n…\n", "a\nb\nc\n", true},
		{"a\n…\n", "a\n", true},
		{"(a.b)\n", "(axb)\n", false},
	}
	for _, tt := range tests {
		if got := matches(tt.shown, tt.printed); got != tt.want {
			t.Errorf("%q, %q: got %v", tt.shown, tt.printed, got)
		}
	}
}

func TestDocumentsShowWhatIsPrinted(t *testing.T) {
	t.Parallel()
	bin := prophetIn(t)
	for _, name := range []string{"README.md", "docs/tutorial.md", "docs/merge.md"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runSteps(t, name, steps(readDocument(t, name), "console"), bin)
		})
	}
}

// TestStoriesOfMergesShowWhatIsPrinted runs a document that sets the clock of each command, by NOW: see [clockMain].
func TestStoriesOfMergesShowWhatIsPrinted(t *testing.T) {
	t.Parallel()
	const name = "docs/merge-stories.md"
	runSteps(t, name, steps(readDocument(t, name), "console"), prophetIn(t))
}

// prophetIn returns a directory in which this test binary has the name prophet, and so is the program: see [TestMain].
func prophetIn(t *testing.T) (bin string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin = t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "prophet")); err != nil {
		t.Fatal(err)
	}
	return bin
}

func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func runSteps(t *testing.T, name string, all []step, bin string) {
	if len(all) == 0 {
		t.Fatalf("%s shows no commands", name)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := exec.Command("bash", "-c", shell(all, dir, name == "docs/merge.md")) // the others are pasted in one go
	c.Dir = t.TempDir()
	c.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "REPO=" + root, raceOption + "=" + raceValue, "GOMAXPROCS=" + processors()}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i, s := range all {
		printed, err := os.ReadFile(fmt.Sprintf("%s/%d.out", dir, i))
		if err != nil {
			t.Fatal(err)
		}
		code, err := os.ReadFile(fmt.Sprintf("%s/%d.code", dir, i))
		if err != nil {
			t.Fatal(err)
		}
		if fails := strings.Contains(s.shown, "prophet: error: "); fails && string(code) != "1\n" || !fails && string(code) != "0\n" && string(code) != "3\n" {
			t.Errorf("%s:%d: %s: exit code %s", name, s.line, s.command, code)
		}
		if s.shown != "" && !matches(s.shown, string(printed)) {
			t.Errorf("%s:%d: %s\nprints\n%sthe document shows\n%s", name, s.line, s.command, printed, s.shown)
		}
	}
}

func TestReadmeBeginsWithTwoCommands(t *testing.T) {
	t.Parallel()
	all := steps(readDocument(t, "README.md"), "sh")
	if len(all) != 2 || all[1].command != "go test ./..." {
		t.Fatalf("got %+v", all)
	}
	tmp, built := t.TempDir(), filepath.Join(prophetIn(t), "prophet")
	again := strings.ReplaceAll(all[0].command, "go run ./cmd/prophet", built)
	for _, command := range []string{all[0].command, again} { // people try again
		c := exec.Command("bash", "-c", command)
		c.Dir, c.Env = filepath.Join("..", ".."), append(os.Environ(), "TMPDIR="+tmp)
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Laser cutter stops after ten minutes") {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}
