package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// grown returns a file system in memory with a replica of so many records in /bugs, in one part if it is of format 2.
func grown(tb testing.TB, n int) afero.Fs {
	tb.Helper()
	fsys := crashfs.New()
	if err := fsys.MkdirAll("/bugs", 0o777); err != nil {
		tb.Fatal(err)
	}
	r, err := replica.Init(tb.Context(), afero.NewBasePathFs(fsys, "/bugs"), replica.Identity{}, replica.Options{Creator: "ann@example.com"})
	if err != nil {
		tb.Fatal(err)
	}
	for first := 0; first < n; first += 2000 {
		err := r.Update(tb.Context(), func(tx *replica.Tx) error {
			for i := first; i < min(n, first+2000); i++ {
				if _, err := tx.Edit(func(e *replica.Edit) error { return createTicket(e, i) }); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	if _, err := r.GC(tb.Context(), replica.GCOptions{}); err != nil {
		tb.Fatal(err)
	}
	return fsys
}

func createTicket(e *replica.Edit, i int) error {
	_, err := e.Create("Ticket", map[string]string{
		"summary":  fmt.Sprintf("Ticket number %06d, which has a summary of usual length", i),
		"status":   []string{"new", "open", "stalled", "closed"}[i%4],
		"priority": fmt.Sprint(i % 10),
		"owner":    fmt.Sprintf("user%02d@example.com", i%50),
	})
	return err
}

// commandCosts counts what commands do to the files of a replica with so many records.
func commandCosts(t *testing.T, records int) map[string]replicatest.Counts {
	t.Helper()
	counting := replicatest.Count(grown(t, records))
	costs := map[string]replicatest.Counts{}
	for _, words := range [][]string{
		{"show", "50"},
		{"create", "Note", "text=of a fixed length"},
		{"show", fmt.Sprint(records + 1)},
		{"update", fmt.Sprint(records + 1), "text=of the same size"},
		{"update", "50", "status=settled"},
		{"history", "50"},
		{"log", "--limit", "5"},
		{"delete", "50"},
	} {
		w := newWorld()
		w.Fs = counting
		counting.Reset()
		if code := run(t.Context(), w.env, append(words, "-r", "/bugs")); code != exitDone {
			t.Fatalf("%v: %s", words, w.err)
		}
		costs[fmt.Sprint(len(costs), " ", words[0])] = counting.Counts()
	}
	return costs
}

func TestCommandsCostTheSameAtAnySize(t *testing.T) {
	for _, test := range []struct {
		make  func(testing.TB)
		ops   int
		bytes int64
	}{
		{replicatest.OnFormat1, 8, 100},           // directories that are there already, the number of digits of sequence numbers
		{replicatest.OnFormat2, 8 + 48, 96 << 10}, // and pages of the table of a part, in which a search by halves takes seven steps more, and a frame that is full
	} {
		test.make(t)
		small, large := commandCosts(t, 100), commandCosts(t, 10_000)
		for what, s := range small {
			l := large[what]
			t.Logf("%s: %s; at 10,000 %s", what, s, l)
			if l.Ops() > s.Ops()+test.ops || l.Bytes > s.Bytes+test.bytes {
				t.Errorf("%s: %s at 100 records, %s at 10,000", what, s, l)
			}
		}
	}
}

// openings counts how often each file is opened.
type openings struct {
	afero.Fs
	mu sync.Mutex
	of map[string]int
}

func (o *openings) Open(name string) (afero.File, error) { return o.OpenFile(name, os.O_RDONLY, 0) }

func (o *openings) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	o.mu.Lock()
	o.of[name]++
	o.mu.Unlock()
	return o.Fs.OpenFile(name, flag, perm)
}

func TestCreateOpensTheReplicaOnce(t *testing.T) {
	fsys := &openings{Fs: grown(t, 100), of: map[string]int{}}
	w := newWorld()
	w.vars["EMAIL"] = "ann@example.com"
	w.Fs = fsys
	if code := run(t.Context(), w.env, []string{"create", "Note", "text=short", "-r", "/bugs"}); code != exitDone {
		t.Fatal(w.err)
	}
	for _, name := range []string{"config", "database-uuid", "replica-uuid", "prophet/latest-representation",
		"resolutions/database-uuid", "resolutions/replica-uuid"} {
		if n := fsys.of["/bugs/"+name]; n > 1 {
			t.Errorf("%s was opened %d times", name, n)
		}
	}
	all := 0
	for name, n := range fsys.of {
		all += n
		if n > 5 {
			t.Errorf("%s was opened %d times", name, n)
		}
	}
	if all > 80 { // 67 on format 1; of format 2 the lists of parts and a table are read too, and directories are made and flushed that loose files would have had
		t.Errorf("%d times a file was opened: %v", all, fsys.of)
	}
}

func TestHistoryLooksTheRecordUpOnce(t *testing.T) {
	fsys := &openings{Fs: grown(t, 10), of: map[string]int{}}
	w := newWorld()
	w.Fs = fsys
	command := func(words ...string) {
		t.Helper()
		if code := run(t.Context(), w.env, append(words, "-r", "/bugs")); code != exitDone {
			t.Fatalf("%v: %s", words, w.err)
		}
	}
	const changes = 30
	for i := range changes {
		command("update", "5", fmt.Sprint("priority=", i))
	}
	for _, words := range [][]string{{"history", "5"}, {"history", "5", "--json"}, {"history", "5", "--graph"}} {
		clear(fsys.of)
		command(words...)
		for name, n := range fsys.of {
			if strings.Contains(name, "/records/Ticket/") && n > 3 || strings.HasSuffix(name, "/prophet/ids") && n > 3 {
				t.Errorf("%v of %d changes opens %s %d times", words, changes, name, n)
			}
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	for _, records := range []int{1000, 10_000} {
		fsys := grown(b, records)
		for name, words := range map[string][]string{
			"all":  {"search"},
			"one":  {"search", "Ticket", "summary=~number 000500"},
			"json": {"search", "--json"},
		} {
			b.Run(fmt.Sprintf("records=%d/%s", records, name), func(b *testing.B) {
				for b.Loop() {
					w := newWorld()
					w.Fs = fsys
					if code := run(b.Context(), w.env, append(words, "-r", "/bugs")); code != exitDone || w.out.Len() == 0 {
						b.Fatal(code, w.err)
					}
				}
			})
		}
	}
}
