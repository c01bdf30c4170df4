package rsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The variables that make the program of these tests one that stands in for rsync: a file to which it adds what it was told, the codes with which it ends,
// run by run, and a file that it makes once it waits to be interrupted, if there is to be one.
const (
	runsVar  = "FAKE_RSYNC_RUNS"
	codesVar = "FAKE_RSYNC_CODES"
	waitVar  = "FAKE_RSYNC_WAIT"
)

func TestMain(m *testing.M) {
	if os.Getenv(runsVar) != "" {
		os.Exit(standIn())
	}
	os.Exit(m.Run())
}

// told is what rsync was told in a run.
type told struct {
	Args  []string
	Input string
	Dir   string
}

func standIn() int {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	input, _ := io.ReadAll(os.Stdin)
	dir, _ := os.Getwd()
	line, _ := json.Marshal(told{os.Args[1:], string(input), dir})
	was, _ := os.ReadFile(os.Getenv(runsVar))
	_ = os.WriteFile(os.Getenv(runsVar), append(append(was, line...), '\n'), 0o600)
	if file := os.Getenv(waitVar); file != "" {
		_ = os.WriteFile(file, nil, 0o600)
		<-interrupted
		return exitSignal
	}
	codes := strings.Fields(os.Getenv(codesVar))
	if n := strings.Count(string(was), "\n"); n < len(codes) && codes[n] != "0" {
		fmt.Fprintf(os.Stderr, "connect to host www: \x1b[31mno\n\nrsync error: unexplained error (code %s)\n", codes[n])
		code, _ := strconv.Atoi(codes[n])
		return code
	}
	return 0
}

// faked returns a copier that runs the stand-in, which ends with these codes, and what tells what it was told.
func faked(t *testing.T, to, codes string) (c *Copier, runs func() []told) {
	t.Helper()
	place, err := Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "runs")
	t.Setenv(runsVar, file)
	t.Setenv(codesVar, codes)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c = &Copier{Program: program, Dir: dir, To: place}
	return c, func() (all []told) {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			var one told
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatal(err)
			}
			if one.Dir != c.Dir {
				t.Errorf("it runs in %s", one.Dir)
			}
			all = append(all, one)
		}
		return all
	}
}

func TestWhatRsyncIsTold(t *testing.T) {
	const fetch = `["--recursive" "--checksum" "--delete" "--prune-empty-dirs" "--chmod=u+rwX" "--include=/prophet.json" "--include=/db/" "--include=/db/cas/" "--include=/db/cas/**" "--include=/*/" "--include=/*/x" "--exclude=*" `
	names := []string{"prophet.json", "db/cas/", "*/x"}
	for _, tc := range []struct {
		name, to, codes string
		do              func(c *Copier) error
		want            []string // arguments of each run, and what it read
	}{
		{"a fetch", "www:/srv/bugs", "", func(c *Copier) error { return c.Fetch(t.Context(), names) },
			[]string{fetch + `"--" "www:/srv/bugs/" "./"] ""`}},
		{"a fetch from what is not there", "www:/srv/bugs", "23", func(c *Copier) error { return c.Fetch(t.Context(), names) },
			[]string{fetch + `"--" "www:/srv/bugs/" "./"] ""`, `["--dirs" "--chmod=Du+rwx,Da+rx" "--exclude=*" "--" "./" "www:/srv/bugs/"] ""`, fetch + `"--" "www:/srv/bugs/" "./"] ""`}},
		{"a copy", "www::m/our bugs", "", func(c *Copier) error { return c.Send(t.Context(), []string{"a", "-b"}, nil) },
			[]string{`["--files-from=-" "--from0" "--ignore-times" "--chmod=Du+rwx,Da+rx,Fu+rw,Fa+r" "--" "./" "www::m/our bugs/"] "a\x00-b"`}},
		{"a copy with files that are gone", "www:our bugs", "", func(c *Copier) error { return c.Send(t.Context(), []string{"a"}, []string{"b"}) },
			[]string{`["--files-from=-" "--from0" "--ignore-times" "--chmod=Du+rwx,Da+rx,Fu+rw,Fa+r" "--delete-missing-args" "--protect-args" "--" "./" "www:our bugs/"] "a\x00b"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, runs := faked(t, tc.to, tc.codes)
			if err := tc.do(c); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, run := range runs() {
				got = append(got, fmt.Sprintf("%q %q", run.Args, run.Input))
			}
			if strings.Join(got, "\n") != strings.Join(tc.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

func TestAFailureOfRsyncSaysWhatItSaid(t *testing.T) {
	for codes, runs := range map[string]int{"255": 1, "23 11": 2, "23 0 23": 3} {
		c, told := faked(t, "www:/srv/bugs", codes)
		err := c.Fetch(t.Context(), []string{"prophet.json"})
		var failed *Error
		if !errors.As(err, &failed) || failed.Output != "connect to host www: \x1b[31mno" || failed.Missing() || failed.Unreached() != (codes == "255") || len(told()) != runs {
			t.Errorf("%s: %v after %d runs", codes, err, len(told()))
		}
	}
	c, _ := faked(t, "www:/srv/bugs", "")
	for _, program := range []string{"no-such-rsync", filepath.Join(c.Dir, "rsync")} {
		c.Program = program
		var failed *Error
		if err := c.Send(t.Context(), []string{"a"}, nil); !errors.As(err, &failed) || !failed.Missing() || !strings.Contains(err.Error(), program) {
			t.Errorf("%s: %v", program, err)
		}
	}
}

func TestWhatRsyncPrintsIsKeptInBounds(t *testing.T) {
	var printed tail
	for range 1000 {
		fmt.Fprintln(&printed, "a line that is printed again and again")
	}
	fmt.Fprint(&printed, "rsync: the end\n\n  rsync error: some (code 1)\n")
	if got := printed.lines(); len(got) > 2*mostPrinted || !strings.HasSuffix(got, "again; rsync: the end") {
		t.Errorf("%d bytes: %.100q", len(got), got)
	}
}

func TestAnInterruptionEndsRsync(t *testing.T) {
	c, _ := faked(t, "www:/srv/bugs", "")
	waits := filepath.Join(c.Dir, "waits")
	t.Setenv(waitVar, waits)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	go func() {
		for {
			if _, err := os.Stat(waits); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		cancel(cause)
	}()
	if err := c.Send(ctx, []string{"a"}, nil); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	if err := c.Send(ctx, []string{"a"}, nil); !errors.Is(err, cause) {
		t.Errorf("a run that would begin after it: %v", err)
	}
}

// A terminal interrupts rsync and this program at once, and either may hear of it first.
func TestAnInterruptionThatRsyncHearsFirstIsOne(t *testing.T) {
	c, _ := faked(t, "www:/srv/bugs", strconv.Itoa(exitSignal))
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	c.after = func(time.Duration) <-chan time.Time { // it has ended
		cancel(cause)
		return nil
	}
	if err := c.Send(ctx, []string{"a"}, nil); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}

func TestAnInterruptionOfRsyncAloneIsAnError(t *testing.T) {
	c, _ := faked(t, "www:/srv/bugs", strconv.Itoa(exitSignal))
	c.after = func(time.Duration) <-chan time.Time {
		over := make(chan time.Time)
		close(over)
		return over
	}
	var failed *Error
	if err := c.Send(t.Context(), []string{"a"}, nil); !errors.As(err, &failed) || failed.Code != exitSignal {
		t.Errorf("error %v", err)
	}
}
