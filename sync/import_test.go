package sync_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

func TestImportAgainBringsWhatWasAppended(t *testing.T) {
	fsys := crashfs.New()
	r := newReplica(t, fsys, "alice")
	text := line(change("create", 1, "a", "1")) + "\n" + line(change("update", 1, "a", "2"))
	importText(t, r, text)
	before := files(t, fsys)
	if report := importText(t, r, text); report.Integrated != 0 || report.Known != 2 || report.Latest != 2 {
		t.Errorf("the same again: %+v", *report)
	}
	if !maps.Equal(files(t, fsys), before) {
		t.Error("the same again changed a file")
	}
	if report := importText(t, r, text+line(change("update", 1, "a", "3"))); report.Integrated != 1 || report.Known != 2 {
		t.Errorf("with a line more: %+v", *report)
	}
	wantProps(t, r, 1, map[string]string{"a": "3"})
	if report := importText(t, r, text); report.Integrated != 0 || report.Known != 2 {
		t.Errorf("an older copy: %+v", *report)
	}
}

// TestImportWarnsOfAnEndThatIsMissing: a source lacks lines that were imported before. Nothing is taken back, and who imports is told; of one that is whole, or has more, nothing is said.
func TestImportWarnsOfAnEndThatIsMissing(t *testing.T) {
	r := newReplica(t, crashfs.New(), "alice")
	text := line(change("create", 1, "a", "1")) + "\n" + line(change("update", 1, "a", "2"))
	said := func(text string, dry bool) (words string) {
		_, err := psync.Import(t.Context(), r, "bugs", source(t, "bugs.jsonl", text), psync.ImportOptions{DryRun: dry, Warn: func(s string) { words += s }})
		if err != nil {
			t.Fatal(err)
		}
		return words
	}
	const missing = "bugs.jsonl ends with line 1, and line 3 of it was imported before, here or elsewhere: what came then stays"
	if got := said(text, false) + said(text, false); got != "" {
		t.Errorf("of a whole source it says %s", got)
	}
	for _, dry := range []bool{true, false} {
		if got := said(line(change("create", 1, "a", "1")), dry); got != missing {
			t.Errorf("of the beginning it says %q, want %q", got, missing)
		}
		if got := said("", dry); got != "bugs.jsonl has no line, and line 3 of it was imported before, here or elsewhere: what came then stays" {
			t.Errorf("of nothing it says %q", got)
		}
	}
	wantProps(t, r, 1, map[string]string{"a": "2"})
	if got := said(text+line(change("update", 1, "a", "3")), false); got != "" {
		t.Errorf("of one with more it says %s", got)
	}
}

func TestImportRefusesAnotherPast(t *testing.T) {
	create, update := line(change("create", 1, "a", "1")), line(change("update", 1, "a", "2"))
	tests := []struct{ name, text, want string }{
		{"another value", create + "\n" + line(change("update", 1, "a", "3")), "bugs.jsonl line 3: the past of a source does not change: this line said something else when it was imported"},
		{"another creator", strings.Replace(create, "ann", "bob", 1) + "\n" + update, "line 1: the past of a source does not change: this line said something else"},
		{"another time", create + "\n" + strings.Replace(update, "2020", "2021", 1), "line 3: the past of a source does not change: this line said something else"},
		{"a line less", create + "\n\n", "line 3: the past of a source does not change: a line that was imported is blank now"},
		{"a blank line less", create + update, "line 2: the past of a source does not change: when line 3 was imported this one was blank"},
		{"a line in the gap", create + line(change("create", 2, "b", "1")) + update, "line 2: the past of a source does not change: when line 3 was imported this one was blank"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fsys := crashfs.New()
			r := newReplica(t, fsys, "alice")
			importText(t, r, create+"\n"+update)
			before := files(t, fsys)
			_, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", test.text+line(change("create", 9))), psync.ImportOptions{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !errors.Is(err, psync.ErrPast) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
			if !maps.Equal(files(t, fsys), before) {
				t.Error("a file was changed")
			}
			if _, err := psync.Import(context.Background(), r, "bugs-2", source(t, "bugs.jsonl", test.text), psync.ImportOptions{}); err != nil && test.name != "a blank line less" {
				t.Errorf("under another name: %v", err)
			}
		})
	}
}

// manyLines are enough for several batches: n records that are created, then each updated.
func manyLines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(change("create", i, "status", "new", "n", fmt.Sprint(i))))
	}
	for i := range n {
		b.WriteString(line(change("update", i, "status", "open"), change("update", (i+1)%n, "owner", fmt.Sprint(i))))
	}
	return b.String()
}

func TestImportStoppedBetweenBatchesGoesOn(t *testing.T) {
	text := manyLines(1200)
	whole := newReplica(t, crashfs.New(), "alice")
	importText(t, whole, text)

	fsys := crashfs.New()
	r := newReplica(t, fsys, "alice")
	for stops := 0; ; stops++ {
		ctx, cancel := context.WithCancel(context.Background())
		report, err := psync.Import(ctx, r, "bugs", source(t, "bugs.jsonl", text), psync.ImportOptions{
			Progress: func(done, total int) {
				if done < total {
					cancel()
				}
			},
		})
		cancel()
		if err == nil {
			if stops != 2 || report.Integrated+report.Known != 2400 || report.Integrated > 1024 {
				t.Errorf("after %d stops: %+v", stops, *report)
			}
			break
		}
		if !strings.Contains(err.Error(), context.Canceled.Error()) {
			t.Fatal(err)
		}
	}
	sameLog(t, r, whole)
	wantSame(t, whole, r)
}

// sameLog checks that two logs hold the same changesets in the same order.
func sameLog(tb testing.TB, a, b *replica.Replica) {
	tb.Helper()
	x, y := rows(tb, a), rows(tb, b)
	if !slices.Equal(x, y) {
		tb.Errorf("%s has %d rows, %s %d, and they differ", a.Where(), len(x), b.Where(), len(y))
	}
}

func rows(tb testing.TB, r *replica.Replica) (all []changeset.Row) {
	tb.Helper()
	for row, err := range r.Log().Rows(1, r.Latest()) {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

func TestImportKilledAnywhereGoesOn(t *testing.T) {
	replicatest.OnFormat1(t)
	text, batches := manyLines(60), psync.ImportOptions{Batch: 100} // two of them
	start := crashfs.New()
	newReplica(t, start, "alice")
	open := func(fsys afero.Fs) *replica.Replica {
		r := replicatest.Open(t, fsys, replica.Options{Where: "alice"})
		return r
	}
	whole := start.Survivor(crashfs.Kill, 0)
	whole.Record()
	if _, err := psync.Import(context.Background(), open(whole), "bugs", source(t, "bugs.jsonl", text), batches); err != nil {
		t.Fatal(err)
	}
	end := len(whole.Ops())
	cut := map[uint32]bool{}
	for k := 1; k < end; k += end / 20 {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		if _, err := psync.Import(context.Background(), open(disk), "bugs", source(t, "bugs.jsonl", text), batches); err == nil {
			break // k is past the end
		}
		for _, mode := range []crashfs.Mode{crashfs.Kill, crashfs.PowerCut} {
			left := disk.Survivor(mode, int64(k))
			r := open(left)
			cut[r.Latest()] = true
			importText(t, r, text)
			sameLog(t, r, open(whole))
			wantSame(t, open(whole), open(left))
		}
	}
	if !cut[0] || !cut[100] {
		t.Errorf("killed with so many changesets committed: %v", cut)
	}
}

func TestTwoWhoImportTheSameAgree(t *testing.T) {
	alice, bob := newReplica(t, crashfs.New(), "alice"), newReplica(t, crashfs.New(), "bob")
	text := line(change("create", 21), change("create", 20)) + manyLines(20)
	importText(t, alice, text)
	importText(t, bob, text)
	sameLog(t, alice, bob)
	for _, report := range []*psync.Report{pull(t, alice, bob), pull(t, bob, alice)} {
		if report.Integrated != 0 || report.Known != 41 || len(report.Opened) > 0 {
			t.Errorf("a pull brought %+v", *report)
		}
	}
	carol := newReplica(t, crashfs.New(), "carol")
	pull(t, carol, alice)
	for n := range 22 {
		if a, c := localID(t, alice, n), localID(t, carol, n); a != c {
			t.Errorf("ticket %d has the local id %d where it was imported and %d where it was pulled", n, a, c)
		}
	}
	if report := importText(t, carol, text+line(change("update", 1, "status", "closed"))); report.Known != 41 || report.Integrated != 1 || len(report.Opened) > 0 {
		t.Errorf("carol, who had it from alice, imported %+v", *report)
	}
}

func localID(tb testing.TB, r *replica.Replica, n int) uint32 {
	tb.Helper()
	id, err := r.LocalID(record(n))
	if err != nil || id == 0 {
		tb.Fatalf("local id of ticket %d: %d, %v", n, id, err)
	}
	return id
}

func TestImportMeetsPeoplesEdits(t *testing.T) {
	alice, bob := newReplica(t, crashfs.New(), "alice"), newReplica(t, crashfs.New(), "bob")
	text := line(change("create", 1, "status", "new", "owner", "")) + line(change("create", 2, "status", "new"))
	importText(t, alice, text)
	importText(t, bob, text)
	edit(t, alice, 1, map[string]string{"status": "mine"})
	text += line(change("update", 1, "status", "open")) + line(change("update", 1, "status", "closed"), change("update", 2, "status", "open"))

	report := importText(t, alice, text)
	if want := (psync.Opened{Record: record(1), Prop: "status"}); len(report.Opened) != 1 || report.Opened[0] != want || report.Integrated != 2 {
		t.Errorf("alice's import: %+v", *report)
	}
	importText(t, bob, text)
	pull(t, bob, alice)
	pull(t, alice, bob)
	wantSame(t, alice, bob)
	wantProps(t, alice, 1, map[string]string{"status": "mine"}) // made later than the lines say that they were
	wantProps(t, alice, 2, map[string]string{"status": "open"})
	for _, id := range []uint32{3, 4} { // the same changesets, whoever met alice's edit first
		id := changeset.ID{Origin: psync.ImportOrigin(database, "bugs"), Seq: id}
		if a, b := find(t, alice, id), find(t, bob, id); a != b {
			t.Errorf("changeset %s is %s here and %s there", id, a, b)
		}
	}
}

// find returns the bytes of a changeset.
func find(tb testing.TB, r *replica.Replica, id changeset.ID) string {
	tb.Helper()
	seq, ok, err := r.Lookup(id)
	if err != nil || !ok {
		tb.Fatalf("changeset %s: %v, %v", id, ok, err)
	}
	row, err := r.Log().Row(seq)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := r.Log().Changeset(row)
	if err != nil {
		tb.Fatal(err)
	}
	return string(c.Encode())
}

func TestImportPrefers(t *testing.T) {
	for prefer, want := range map[psync.Prefer]string{psync.PreferNone: "mine", psync.PreferFrom: "open", psync.PreferTo: "mine"} {
		r := newReplica(t, crashfs.New(), "alice")
		text := line(change("create", 1, "status", "new"))
		importText(t, r, text)
		edit(t, r, 1, map[string]string{"status": "mine"})
		report, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", text+line(change("update", 1, "status", "open"))), psync.ImportOptions{Prefer: prefer})
		if err != nil {
			t.Fatal(err)
		}
		wantProps(t, r, 1, map[string]string{"status": want})
		if decided := prefer != psync.PreferNone; (len(report.Decided) == 1) != decided || (len(report.Opened) == 0) != decided {
			t.Errorf("prefer %q: %+v", prefer, *report)
		}
	}
	r := newReplica(t, crashfs.New(), "alice")
	if _, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", ""), psync.ImportOptions{Prefer: "them"}); err == nil {
		t.Error("prefer them: no error")
	}
}

func TestImportDryRunChangesNothing(t *testing.T) {
	fsys := crashfs.New()
	r := newReplica(t, fsys, "alice")
	text := line(change("create", 1, "status", "new"))
	importText(t, r, text)
	edit(t, r, 1, map[string]string{"status": "mine"})
	before := files(t, fsys)
	text += line(change("update", 1, "status", "open")) + strings.Repeat("\n", 10)
	for i := range 1100 {
		text += line(change("create", i+2))
	}
	report, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", text), psync.ImportOptions{DryRun: true})
	if err != nil || report.Integrated != 1101 || report.Known != 1 || len(report.Opened) != 1 || report.Latest < 1103 {
		t.Errorf("%+v, %v", report, err)
	}
	report, err = psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", text), psync.ImportOptions{DryRun: true, Prefer: psync.PreferTo})
	if err != nil || len(report.Opened) != 0 || len(report.Decided) != 1 || report.Decided[0].Value != "mine" {
		t.Errorf("prefer to: %+v, %v", report, err)
	}
	if !maps.Equal(files(t, fsys), before) {
		t.Error("a file was changed")
	}
}

func TestImportTellsHowFarItIs(t *testing.T) {
	r, text := newReplica(t, crashfs.New(), "alice"), gzipped(manyLines(600))
	var checked, size int64
	var done []int
	_, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", text), psync.ImportOptions{
		Checked:  func(read, total int64) { checked, size = read, total },
		Progress: func(n, total int) { done = append(done, n, total) },
	})
	if err != nil || checked != size || size != int64(len(text)) || !slices.Equal(done, []int{1024, 1200, 1200, 1200}) {
		t.Errorf("checked %d of %d bytes, of %d; progress %v; %v", checked, size, len(text), done, err)
	}
}

// swapped is a source that says something else when it is read a second time.
type swapped struct {
	*strings.Reader
	again string
	seeks int
}

func (s *swapped) Seek(offset int64, whence int) (int64, error) {
	if s.seeks++; s.seeks == 5 { // 3 to measure it, 1 to check it
		s.Reader = strings.NewReader(s.again)
	}
	return s.Reader.Seek(offset, whence)
}

func TestImportNoticesASourceThatChangesMeanwhile(t *testing.T) {
	first := line(change("create", 1, "a", "1")) + line(change("create", 2, "a", "1"))
	tests := []struct{ name, again, want string }{
		{"another line", strings.Replace(first, `"a":"1"`, `"a":"2"`, 1), "bugs.jsonl line 1: it is not what it was when it was checked"},
		{"shorter", line(change("create", 1, "a", "1")), "bugs.jsonl line 2: it is not what it was when it was checked"},
		{"a line break more", strings.Replace(first, "\n", "\n\n", 1), "bugs.jsonl line 3: it is not what it was when it was checked"},
		{"a line more", first + "{", ""},
	}
	for _, test := range tests {
		r := newReplica(t, crashfs.New(), "alice")
		src, err := psync.NewSource("bugs.jsonl", &swapped{Reader: strings.NewReader(first), again: test.again}, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = psync.Import(context.Background(), r, "bugs", src, psync.ImportOptions{})
		if test.want == "" && (err != nil || r.Latest() != 2) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || r.Latest() != 0) {
			t.Errorf("%s: %v, %d changesets; want %s", test.name, err, r.Latest(), test.want)
		}
	}
}

func TestTwoImportsAtATime(t *testing.T) {
	text := manyLines(5)
	tests := []struct{ name, other, want string }{
		{"the same lines", text, ""},
		{"some of them", line(change("create", 0, "status", "new", "n", "0")), ""},
		{"others under the same name", line(change("create", 0, "status", "old")), "bugs.jsonl line 1: the past of a source does not change"},
	}
	for _, test := range tests {
		fsys := crashfs.New()
		r := newReplica(t, fsys, "alice")
		meanwhile := func(read, size int64) {
			again := replicatest.Open(t, fsys, replica.Options{})
			importText(t, again, test.other)
		}
		report, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", text), psync.ImportOptions{Checked: meanwhile})
		if test.want != "" {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil || report.Integrated+report.Known != 10 || report.Latest != 10 || report.Known == 0 {
			t.Errorf("%s: %+v, %v", test.name, report, err)
		}
	}
}

func TestImportMakesSmallBatchesOfLargeLines(t *testing.T) {
	var text strings.Builder
	for i := range 6 {
		text.WriteString(line(change("create", i, "body", strings.Repeat("a", 1_500_000))))
	}
	var done []int
	_, err := psync.Import(context.Background(), newReplica(t, crashfs.New(), "alice"), "bugs", source(t, "bugs.jsonl", text.String()), psync.ImportOptions{
		Progress: func(n, total int) { done = append(done, n) },
	})
	if err != nil || !slices.Equal(done, []int{2, 4, 6}) {
		t.Errorf("transactions ended with the lines %v, %v", done, err)
	}
}
