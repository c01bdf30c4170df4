package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/afero"

	"prophet/internal/race"
)

// A story starts the program for each of its commands. To start it takes several times what most of them do, and with the race detector in it ten times that: so
// the commands run inside of the test, which is what the program does once it has the world: see [run]. With -all each is a process, as it is where a story needs
// one, because it runs beside others, reads what it is given, starts another program, or is stopped in known places.

// inside returns the files of stories in which the commands run inside of the test, with the same names and as many lines.
func inside(t *testing.T, dir string) (files []string) {
	t.Helper()
	stories, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(stories) == 0 {
		t.Fatalf("%d stories, %v", len(stories), err)
	}
	tmp := t.TempDir()
	for _, name := range stories {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(tmp, filepath.Base(name))
		if err := os.WriteFile(file, []byte(moveInside(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

var (
	startsProphet = regexp.MustCompile(`^(?:exec|(! )exec|code (\d+)) prophet\b`)
	inBackground  = regexp.MustCompile(`&(\w+&)?$`)
)

// moveInside returns a story whose lines "exec prophet", "! exec prophet" and "code N prophet" are "inside 0", "! inside 0" and "inside N". What reads what it is given, and what
// runs in the background, stays.
func moveInside(story string) string {
	var b strings.Builder
	given, files := false, false
	for line := range strings.Lines(story) {
		files = files || strings.HasPrefix(line, "-- ")
		if m := startsProphet.FindStringSubmatch(line); m != nil && !given && !files && !inBackground.MatchString(strings.TrimSpace(line)) {
			line = m[1] + "inside " + max(m[2], "0") + line[len(m[0]):]
		}
		given = strings.HasPrefix(line, "stdin ")
		b.WriteString(line)
	}
	return b.String()
}

// runInside runs the program on the world of a story, and checks its exit code: inside N ARGUMENT ...
func runInside(ts *testscript.TestScript, neg bool, args []string) {
	var got int
	if needsProcess(ts) {
		err := ts.Exec("prophet", args[1:]...)
		if err != nil {
			var convErr error
			if got, convErr = strconv.Atoi(strings.TrimPrefix(err.Error(), "exit status ")); convErr != nil {
				ts.Fatalf("%v", err)
			}
		}
	} else {
		got = runHere(ts, args[1:])
	}
	if (strconv.Itoa(got) == args[0]) == neg {
		ts.Fatalf("exit code %d", got)
	}
}

// needsProcess reports whether a variable is set that lets the program start another one, or stop, or leaves it without a place for what can be made again.
func needsProcess(ts *testscript.TestScript) bool {
	for _, name := range []string{gateVar, "RSYNC", "EDITOR", "VISUAL"} {
		if ts.Getenv(name) != "" {
			return true
		}
	}
	return ts.Getenv("XDG_CACHE_HOME") == ""
}

func runHere(ts *testscript.TestScript, args []string) (code int) {
	host, err := os.Hostname()
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var said strings.Builder
	e := &env{
		Stdin:  strings.NewReader(""),
		Stdout: io.MultiWriter(ts.Stdout(), &said),
		Stderr: io.MultiWriter(ts.Stderr(), &said),
		Getenv: ts.Getenv,
		Dir:    ts.MkAbs("."),
		Cache:  ts.Getenv("XDG_CACHE_HOME"),
		Host:   host,
		Fs:     afero.NewOsFs(),
		Now:    time.Now,
		Exec:   func(string, ...string) error { panic("a program is run") },
	}
	if now, err := time.Parse(time.DateTime, ts.Getenv("NOW")); err == nil {
		e.Now = func() time.Time { return now }
	}
	code = run(ctx, e, args)
	if wrong := e.elsewhere(said.String()); len(wrong) > 0 && args[0] != "clone" && !slices.Contains(args, "--help") {
		ts.Fatalf("%q: %q work where the user is not", args, wrong)
	}
	return code
}

var errorLine = regexp.MustCompile(`(?m)^prophet: error: .*$`)

// elsewhere returns the commands in what was said to the user that name no replica, of a user who named one. Where errors name one they tell what is wrong, maybe with another replica;
// the hint below says what to run.
func (e *env) elsewhere(said string) (wrong []string) {
	if e.given == "" {
		return nil
	}
	said = errorLine.ReplaceAllString(said, "")
	for _, m := range quotedCommand().FindAllStringSubmatch(strings.ReplaceAll(said, hintMirror, ""), -1) {
		json := strings.HasSuffix(m[2], `\`)
		if e.isCommand(m[1]) && !anywhere(m[1]) && !json && !strings.Contains(m[2], " -r ") {
			wrong = append(wrong, m[0])
		}
	}
	return wrong
}

func TestWhatAStoryNeedsOfProcessesStays(t *testing.T) {
	story := "exec prophet show 1\n! exec prophet show 2\ncode 3 prophet show 3\nstdin text\nexec prophet create -\nexec prophet pull &late&\n" +
		"exec sh -c 'prophet log'\n-- file --\nexec prophet show 1\n"
	want := "inside 0 show 1\n! inside 0 show 2\ninside 3 show 3\nstdin text\nexec prophet create -\nexec prophet pull &late&\n" +
		"exec sh -c 'prophet log'\n-- file --\nexec prophet show 1\n"
	if got := moveInside(story); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// stories says where the stories are.
func stories(t *testing.T, p *testscript.Params) {
	const dir = "testdata/script"
	if *race.All || *updateFiles {
		p.Dir = dir
		return
	}
	p.Files = inside(t, dir)
}
