package sync_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/replica"
	psync "prophet/sync"
)

// database is that of the replicas of these tests, votes that of their resolutions.
var (
	database = uuid.MustParse("d0d0d0d0-0000-4000-8000-000000000001")
	votes    = uuid.MustParse("d0d0d0d0-0000-4000-8000-000000000002")
)

// newReplica makes an empty replica; its clock stands still and its UUIDs come from its name.
func newReplica(tb testing.TB, fsys afero.Fs, name string) *replica.Replica {
	tb.Helper()
	n := 0
	r, err := replica.Init(context.Background(), fsys, replica.Identity{Database: database, Votes: votes}, replica.Options{
		Where: name, Creator: name + "@example.com",
		Now:     func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
		NewUUID: func() uuid.UUID { n++; return uuid.NewSHA1(database, fmt.Appendf(nil, "%s %d", name, n)) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func source(tb testing.TB, where, text string) *psync.Source {
	tb.Helper()
	src, err := psync.NewSource(where, strings.NewReader(text), nil, "")
	if err != nil {
		tb.Fatal(err)
	}
	return src
}

func importText(tb testing.TB, r *replica.Replica, text string) *psync.Report {
	tb.Helper()
	report, err := psync.Import(context.Background(), r, "bugs", source(tb, "bugs.jsonl", text), psync.ImportOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return report
}

// record returns the n-th record of these tests.
func record(n int) changeset.RecordID {
	return changeset.RecordID{Type: "Ticket", UUID: uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))}
}

// change and line write the form of a source; props are name, value, name, value.
func change(op string, n int, props ...string) string {
	var b strings.Builder
	for i := 0; i < len(props); i += 2 {
		fmt.Fprintf(&b, ",%q:%q", props[i], props[i+1])
	}
	return fmt.Sprintf(`{"op":%q,"type":"Ticket","uuid":"%s","props":{%s}}`, op, record(n).UUID, strings.TrimPrefix(b.String(), ","))
}

func line(changes ...string) string {
	return `{"created":"2020-01-02 03:04:05","creator":"ann","changes":[` + strings.Join(changes, ",") + "]}\n"
}

func ticket(tb testing.TB, r *replica.Replica, n int) map[string]string {
	tb.Helper()
	props, _, err := r.Log().Props(record(n))
	if err != nil {
		tb.Fatal(err)
	}
	return props
}

func wantProps(tb testing.TB, r *replica.Replica, n int, want map[string]string) {
	tb.Helper()
	if got := ticket(tb, r, n); !maps.Equal(got, want) {
		tb.Errorf("%s shows ticket %d as %v, want %v", r.Where(), n, got, want)
	}
}

// wantSame checks that replicas show the same records.
func wantSame(tb testing.TB, want *replica.Replica, rs ...*replica.Replica) {
	tb.Helper()
	for _, r := range rs {
		sameRecords(tb, r.Where()+" and "+want.Where(), shown(tb, r), shown(tb, want))
	}
}

func pull(tb testing.TB, to, from *replica.Replica) *psync.Report {
	tb.Helper()
	report, err := psync.Pull(context.Background(), to, from, psync.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return report
}

func edit(tb testing.TB, r *replica.Replica, n int, props map[string]string) {
	tb.Helper()
	if _, err := r.Edit(context.Background(), func(e *replica.Edit) error { return e.Update(record(n), props) }); err != nil {
		tb.Fatal(err)
	}
}

// files returns the name and content of every file.
func files(tb testing.TB, fsys afero.Fs) map[string]string {
	tb.Helper()
	all := map[string]string{}
	err := afero.Walk(fsys, "", func(name string, info fs.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := afero.ReadFile(fsys, name)
		all[name] = string(b)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestImportMakesOneChangesetALine(t *testing.T) {
	r := newReplica(t, newMemFS(), "alice")
	report := importText(t, r, strings.Join([]string{
		line(change("create", 1, "status", "new", "body", ""), change("create", 2, "status", "new")),
		"\n",
		`{"created":"2020-01-02 03:04:06","changes":[{"op":"update","type":"Ticket","uuid":"` + strings.ToUpper(record(1).UUID.String()) + `","props":{"status":null,"owner":"zoë\u00e9\ud83d\ude00"}}]}` + "\n",
		line(change("delete", 2)),
		line(change("create", 2, "owner", "bob"), change("update", 1, "owner", "x")),
	}, ""))
	if report.Integrated != 4 || report.Latest != 4 || len(report.Opened) > 0 {
		t.Errorf("report %+v", *report)
	}
	wantProps(t, r, 1, map[string]string{"owner": "x"})
	wantProps(t, r, 2, map[string]string{"owner": "bob"})

	origin := psync.ImportOrigin(database, "bugs")
	id := func(n uint32) changeset.ID { return changeset.ID{Origin: origin, Seq: n} }
	text, null := changeset.Text, changeset.Value{}
	want := []*changeset.Changeset{
		{ID: id(1), Created: "2020-01-02 03:04:05", Creator: text("ann"), Changes: []changeset.Change{
			{Record: record(1), Kind: changeset.Create, Parents: []changeset.ID{}, Props: map[string]changeset.PropChange{"status": {New: text("new")}, "body": {}}},
			{Record: record(2), Kind: changeset.Create, Parents: []changeset.ID{}, Props: map[string]changeset.PropChange{"status": {New: text("new")}}}}},
		{ID: id(3), Created: "2020-01-02 03:04:06", Changes: []changeset.Change{
			{Record: record(1), Kind: changeset.Update, Parents: []changeset.ID{id(1)},
				Props: map[string]changeset.PropChange{"status": {Old: text("new"), New: null}, "owner": {New: text("zoëé😀")}}}}},
		{ID: id(4), Created: "2020-01-02 03:04:05", Creator: text("ann"), Changes: []changeset.Change{
			{Record: record(2), Kind: changeset.Delete, Parents: []changeset.ID{id(1)}}}},
		{ID: id(5), Created: "2020-01-02 03:04:05", Creator: text("ann"), Changes: []changeset.Change{
			{Record: record(1), Kind: changeset.Update, Parents: []changeset.ID{id(3)}, Props: map[string]changeset.PropChange{"owner": {Old: text("zoëé😀"), New: text("x")}}},
			{Record: record(2), Kind: changeset.Create, Parents: []changeset.ID{id(4)}, Props: map[string]changeset.PropChange{"owner": {New: text("bob")}}}}},
	}
	for i, c := range want {
		row, err := r.Log().Row(uint32(i + 1))
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Log().Changeset(row)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Encode()) != string(c.Encode()) {
			t.Errorf("row %d is\n%s\nwant\n%s", i+1, got.Encode(), c.Encode())
		}
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

func zstandard(text string) string {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

func TestImportReadsEveryForm(t *testing.T) {
	one, two := line(change("create", 1, "a", "1")), line(change("create", 2, "a", "2"))
	tests := []struct{ name, text string }{
		{"plain", one + two},
		{"no line break at the end", one + strings.TrimSuffix(two, "\n")},
		{"CRLF", strings.ReplaceAll(one+two, "\n", "\r\n")},
		{"byte order mark", "\ufeff" + one + two},
		{"blank lines", one + two + "\n \t\r\n\n"},
		{"white space around", " \t" + one + two},
		{"gzip", gzipped(one + two)},
		{"gzip in members that break a line", gzipped(one+two[:20]) + gzipped(two[20:])},
		{"gzip with a byte order mark", gzipped("\ufeff" + one + two)},
		{"zstd", zstandard(one + two)},
		{"zstd in frames", zstandard(one+two[:20]) + zstandard(two[20:])},
		{"zstd after a frame to skip", "\x51\x2a\x4d\x18\x04\x00\x00\x00junk" + zstandard(one+two)},
	}
	for _, test := range tests {
		for _, pipe := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, pipe %v", test.name, pipe), func(t *testing.T) {
				r, temp := newReplica(t, newMemFS(), "alice"), afero.NewMemMapFs()
				in := io.Reader(strings.NewReader(test.text))
				if pipe {
					in = io.MultiReader(in) // which cannot seek
				}
				src, err := psync.NewSource("-", in, temp, "tmp")
				if err != nil {
					t.Fatal(err)
				}
				report, err := psync.Import(context.Background(), r, "bugs", src, psync.ImportOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if report.Integrated != 2 {
					t.Errorf("report %+v", *report)
				}
				wantProps(t, r, 2, map[string]string{"a": "2"})
				if spooled := len(files(t, temp)) == 1; spooled != pipe {
					t.Errorf("spooled: %v", files(t, temp))
				}
				if err := src.Close(); err != nil {
					t.Fatal(err)
				}
				if left := files(t, temp); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			})
		}
	}
}

func TestImportBeginsWhereAFileStands(t *testing.T) {
	r, text := newReplica(t, newMemFS(), "alice"), strings.NewReader("junk"+line(change("create", 1, "a", "1")))
	text.Seek(4, io.SeekStart)
	src, err := psync.NewSource("-", text, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if report, err := psync.Import(context.Background(), r, "bugs", src, psync.ImportOptions{}); err != nil || report.Integrated != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestSourceName(t *testing.T) {
	for file, want := range map[string]string{
		"tracker.jsonl.gz": "tracker", "a/b/tracker.jsonl.zst": "tracker", "tracker.jsonl": "tracker", "tracker.json": "tracker.json",
		"tracker": "tracker", "tracker.gz": "tracker", "tracker.gz.zst": "tracker.gz",
	} {
		if got := psync.SourceName(file); got != want {
			t.Errorf("%s is named %s, want %s", file, got, want)
		}
	}
}

func TestImportAgainBringsWhatWasAppended(t *testing.T) {
	fsys := newMemFS()
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
			fsys := newMemFS()
			r := newReplica(t, fsys, "alice")
			importText(t, r, create+"\n"+update)
			before := files(t, fsys)
			_, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", test.text+line(change("create", 9))), psync.ImportOptions{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasSuffix(err.Error(), "; import it under another name with --as") {
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
	whole := newReplica(t, newMemFS(), "alice")
	importText(t, whole, text)

	fsys := newMemFS()
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
	text := manyLines(600) // two batches
	start := crashfs.New()
	newReplica(t, start, "alice")
	open := func(fsys afero.Fs) *replica.Replica {
		r, err := replica.Open(fsys, replica.Options{Where: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	whole := start.Survivor(crashfs.Kill, 0)
	importText(t, open(whole), text)
	end := len(whole.Ops())
	cut := map[uint32]bool{}
	for k := 1; k < end; k += end / 11 {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		if _, err := psync.Import(context.Background(), open(disk), "bugs", source(t, "bugs.jsonl", text), psync.ImportOptions{}); err == nil {
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
	if !cut[0] || !cut[1024] {
		t.Errorf("killed with so many changesets committed: %v", cut)
	}
}

func TestTwoWhoImportTheSameAgree(t *testing.T) {
	alice, bob := newReplica(t, newMemFS(), "alice"), newReplica(t, newMemFS(), "bob")
	text := manyLines(20)
	importText(t, alice, text)
	importText(t, bob, text)
	sameLog(t, alice, bob)
	for _, report := range []*psync.Report{pull(t, alice, bob), pull(t, bob, alice)} {
		if report.Integrated != 0 || report.Known != 40 || len(report.Opened) > 0 {
			t.Errorf("a pull brought %+v", *report)
		}
	}
	carol := newReplica(t, newMemFS(), "carol")
	pull(t, carol, alice)
	if report := importText(t, carol, text+line(change("update", 1, "status", "closed"))); report.Known != 40 || report.Integrated != 1 || len(report.Opened) > 0 {
		t.Errorf("carol, who had it from alice, imported %+v", *report)
	}
}

func TestImportMeetsPeoplesEdits(t *testing.T) {
	alice, bob := newReplica(t, newMemFS(), "alice"), newReplica(t, newMemFS(), "bob")
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
		r := newReplica(t, newMemFS(), "alice")
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
	r := newReplica(t, newMemFS(), "alice")
	if _, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", ""), psync.ImportOptions{Prefer: "them"}); err == nil {
		t.Error("prefer them: no error")
	}
}

func TestImportDryRunChangesNothing(t *testing.T) {
	fsys := newMemFS()
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
	if err != nil || report.Integrated != 1101 || report.Known != 1 || len(report.Opened) != 1 || report.Latest != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	if !maps.Equal(files(t, fsys), before) {
		t.Error("a file was changed")
	}
}

func TestImportTellsHowFarItIs(t *testing.T) {
	r, text := newReplica(t, newMemFS(), "alice"), gzipped(manyLines(600))
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
		r := newReplica(t, newMemFS(), "alice")
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
		fsys := newMemFS()
		r := newReplica(t, fsys, "alice")
		meanwhile := func(read, size int64) {
			again, err := replica.Open(fsys, replica.Options{})
			if err != nil {
				t.Fatal(err)
			}
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
	_, err := psync.Import(context.Background(), newReplica(t, newMemFS(), "alice"), "bugs", source(t, "bugs.jsonl", text.String()), psync.ImportOptions{
		Progress: func(n, total int) { done = append(done, n) },
	})
	if err != nil || !slices.Equal(done, []int{2, 4, 6}) {
		t.Errorf("transactions ended with the lines %v, %v", done, err)
	}
}
