package durable

import (
	"errors"
	"testing"

	"prophet/internal/crashfs"
)

// A commit that is cut off anywhere leaves what it brings if it was made, or if that was there before; else not.
func TestWhatACommitBringsGoesWithIt(t *testing.T) {
	n, gone, made := 0, 0, 0
	for _, mode := range []crashfs.Mode{crashfs.Kill, crashfs.PowerCut} {
		for k, cut := 1, true; cut; k++ {
			start := crashfs.New()
			put(t, start, "latest", "1")
			put(t, start, "parts/old", "it was there")
			fs := start.Survivor(crashfs.Kill, 0)
			fs.CrashAt(k)
			tx := Begin(fs)
			tx.Put("cas/a", []byte("an object"))
			tx.Bring("parts/old", []byte("it was there"))
			tx.Bring("parts/new", []byte("it is new"))
			tx.Append("rows", 0, []byte("one."))
			cut = tx.Commit(Point{"latest", "1", "2"}) != nil
			fs = fs.Survivor(mode, int64(k))
			if _, err := Recover(fs); err != nil {
				t.Fatal(err)
			}
			now := read(t, fs)
			n++
			_, is := now["parts/new"]
			if now["parts/old"] != "it was there" || is != (now["latest"] == "2") {
				t.Fatalf("%v at %d: %v", mode, k, now)
			}
			if is {
				made++
			} else if now["cas/a"] != "" {
				gone++ // there was a journal
			}
		}
	}
	if n < 20 || gone < 5 || made < 3 {
		t.Errorf("%d cuts, of which %d took it back, and %d made it", n, gone, made)
	}
}

// Where another program wrote since, what the commit brought goes if it does not count as made.
func TestWhatACommitBringsGoesWhereSomebodyWroteSince(t *testing.T) {
	for _, made := range []bool{false, true} {
		fs := crashfs.New()
		put(t, fs, "latest", "7")
		put(t, fs, "parts/new", "it is new")
		put(t, fs, Journal, (&journal{points: []Point{{"latest", "1", "2"}}, brings: []string{"parts/new"}}).text())
		_, err := Recover(fs)
		var foreign *ForeignError
		if !errors.As(err, &foreign) {
			t.Fatal(err)
		}
		if err := foreign.Unfinished.Mend(fs, Mend{Made: made}); err != nil {
			t.Fatal(err)
		}
		if _, is := read(t, fs)["parts/new"]; is != made {
			t.Errorf("made %t, and the file is there %t", made, is)
		}
	}
}
