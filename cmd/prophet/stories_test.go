package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/afero"

	"prophet/internal/fixture"
)

// Commands of the stories about several replicas.

// clockMain is main with a clock that stands still at what the variable NOW says, if it is set: env NOW='2026-11-21 09:00:00'.
func clockMain() {
	now, err := time.Parse(time.DateTime, os.Getenv("NOW"))
	if err != nil {
		main()
		return
	}
	var s interrupts
	ctx, stop := s.watch(context.Background())
	defer stop()
	e := systemEnv(ctx, &s)
	e.Now = func() time.Time { return now }
	os.Exit(run(ctx, e, os.Args[1:]))
}

// unpackCommand returns the command fixture, which unpacks replicas that the original wrote into the working directory: fixture three-laptops.
func unpackCommand(t *testing.T) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: fixture NAME")
		}
		fixture.Unpack(t, afero.NewOsFs(), ts.MkAbs("."), args[0])
	}
}

// serve serves a directory as a static web server does, until the story ends, and puts its URL into a variable: serve DIR NAME. The
// user ann with the password secret may read what lies below /private/.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: serve DIR NAME")
	}
	files := http.FileServer(http.Dir(ts.MkAbs(args[0])))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, private := strings.CutPrefix(r.URL.Path, "/private")
		if user, password, _ := r.BasicAuth(); private && (user != "ann" || password != "secret") {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		r.URL.Path = path
		files.ServeHTTP(w, r)
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[1], s.URL)
	ts.Setenv(args[1]+"_HOST", strings.TrimPrefix(s.URL, "http://"))
}

// tree writes the names and contents of all files below a directory to a file, for cmp: tree DIR FILE.
func tree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tree DIR FILE")
	}
	var b strings.Builder
	err := afero.Walk(afero.NewOsFs(), ts.MkAbs(args[0]), func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			b.WriteString(path + "\n")
			return err
		}
		data, err := os.ReadFile(path)
		b.WriteString(path + "\n" + string(data) + "\n")
		return err
	})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o600))
}

var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	short = regexp.MustCompile(`replica [0-9a-f]{8}`)
	names = regexp.MustCompile(`\b[0-9a-f]{8}:\d`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
)

// hide writes the last output of a command to a file, for cmp, without what differs from run to run: hide stdout FILE.
func hide(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: hide stdout FILE")
	}
	text := ts.ReadFile(args[0])
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "$WORK")
	text = uuids.ReplaceAllString(text, "UUID")
	text = short.ReplaceAllString(text, "replica ID")
	text = names.ReplaceAllStringFunc(text, func(name string) string { return "ID" + name[8:] })
	text = times.ReplaceAllString(text, "TIME")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
