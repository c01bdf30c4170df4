package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/afero"

	"prophet/internal/durable"
	"prophet/internal/fixture"
	"prophet/internal/webtest"
)

// Commands of the stories about several replicas.

// clockMain is main, but that the clock stands still at what the variable NOW says, if it is set (env NOW='2026-11-21 09:00:00'), and with a gate, if there is one.
func clockMain() {
	if os.Getenv("NOW") == "" && os.Getenv(gateVar) == "" {
		main()
		return
	}
	var s interrupts
	ctx, stop := s.watch(context.Background())
	defer stop()
	e := systemEnv(ctx, &s)
	e.Fs = gated(ctx, e.Fs)
	if now, err := time.Parse(time.DateTime, os.Getenv("NOW")); err == nil {
		e.Now = func() time.Time { return now }
	}
	os.Exit(run(ctx, e, os.Args[1:]))
}

// holdMain holds the lock that a file stands for until it is killed, and makes a file "held": holding bugs/prophet/lock.
func holdMain() {
	if _, err := durable.Lock(context.Background(), afero.NewOsFs(), os.Args[1], durable.Patience{}); err != nil {
		panic(err)
	}
	touch("held")
	time.Sleep(time.Hour)
}

// unpackTree returns the command fixture, which unpacks replicas that the original wrote into the working directory: fixture three-laptops.
func unpackTree(t *testing.T) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: fixture NAME")
		}
		fixture.Unpack(t, afero.NewOsFs(), ts.MkAbs("."), args[0])
	}
}

// serve serves a directory as a static web server does, until the story ends, and puts its URL into a variable: serve DIR NAME. The user
// ann with the password secret may read what lies below /private/. While there is a file "wait", which holds a number, so many changesets
// below /stuck/ can be read; at the next one a reader waits for ever, and a file "waits" appears. Below /stuck/ and /tree/ no mirror has a head, as those
// that older versions published. Below /cut/ packs are never sent to their end, and nobody may read what lies below /forbidden/.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: serve DIR NAME")
	}
	files := http.FileServer(http.Dir(ts.MkAbs(args[0])))
	s := httptest.NewServer(&webServer{files: files, wait: ts.MkAbs("wait"), waits: ts.MkAbs("waits")})
	ts.Defer(s.Close)
	ts.Setenv(args[1], s.URL)
	ts.Setenv(args[1]+"_HOST", strings.TrimPrefix(s.URL, "http://"))
}

type webServer struct {
	files       http.Handler
	wait, waits string // paths of files
	read        atomic.Int32
}

// stuck reports whether the reader of a changeset is to wait.
func (s *webServer) stuck() bool {
	text, err := os.ReadFile(s.wait)
	if err != nil {
		s.read.Store(0)
		return false
	}
	most, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return int(s.read.Add(1)) > most
}

func (s *webServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, private := strings.CutPrefix(r.URL.Path, "/private")
	if user, password, _ := r.BasicAuth(); private && (user != "ann" || password != "secret") {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if strings.HasPrefix(path, "/forbidden/") {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	path, stuck := strings.CutPrefix(path, "/stuck")
	if stuck && strings.Contains(path, "/cas/changesets/") && s.stuck() {
		touch(s.waits)
		<-r.Context().Done()
		return
	}
	path, tree := strings.CutPrefix(path, "/tree")
	if (tree || stuck) && strings.HasSuffix(path, "/prophet/head") {
		http.NotFound(w, r)
		return
	}
	path, cut := strings.CutPrefix(path, "/cut")
	r.URL.Path = path
	if cut && strings.HasSuffix(path, ".pack") {
		webtest.Truncate("*", 50)(s.files).ServeHTTP(w, r)
		return
	}
	s.files.ServeHTTP(w, r)
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
	sums  = regexp.MustCompile(`\b[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}\b`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
)

// hide writes the last output of a command to a file, for cmp, without what differs from run to run: hide stdout FILE.
func hide(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: hide stdout|stderr FILE")
	}
	text := ts.ReadFile(args[0])
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "$WORK")
	text = uuids.ReplaceAllString(text, "UUID")
	text = sums.ReplaceAllString(text, "DIGEST")
	text = short.ReplaceAllString(text, "replica ID")
	text = names.ReplaceAllStringFunc(text, func(name string) string { return "ID" + name[8:] })
	text = times.ReplaceAllString(text, "TIME")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
