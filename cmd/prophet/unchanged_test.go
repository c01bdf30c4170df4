package main

import (
	"slices"
	"strings"
	"testing"

	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/webtest"
)

func TestPullWithNothingNewFromTheOriginalTakesTwoRequests(t *testing.T) {
	web := crashfs.New()
	fixture.Unpack(t, web, "", "three-laptops")
	srv := webtest.Static(t, web)
	w := newWorld()
	w.Fs = crashfs.New()
	if err := w.Fs.MkdirAll("/home/ann", 0o777); err != nil {
		t.Fatal(err)
	}
	location := srv.URL + "/" + fixture.Replicas("three-laptops")[0]
	command := func(words ...string) string {
		t.Helper()
		srv.Reset()
		w.out.Reset()
		if code := run(t.Context(), w.env, words); code != exitDone && code != exitConflicts {
			t.Fatalf("%v: %s", words, w.err)
		}
		return w.out.String()
	}
	command("clone", location, "/bugs")
	whole := command("pull", "--force", location, "-r", "/bugs") // which asks for all that tells what the source is
	if n := srv.Requests(); n <= 2 {
		t.Errorf("%d requests with --force", n)
	}
	for _, words := range [][]string{{"pull", location}, {"pull", location + "/"}, {"pull"}} {
		short := command(append(words, "-r", "/bugs")...)
		if n := srv.Requests(); n != 2 {
			t.Errorf("%v: %d requests: %v", words, n, srv.Log())
		}
		if strings.ReplaceAll(short, location+"/", location) != whole {
			t.Errorf("%v prints\n%s, not\n%s", words, short, whole)
		}
	}
	if log := srv.Log(); !slices.ContainsFunc(log, func(line string) bool { return strings.Contains(line, "resolutions/changesets.idx") }) {
		t.Errorf("the votes were not looked at: %v", log)
	}
}
