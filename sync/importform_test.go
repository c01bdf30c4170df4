package sync_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	psync "prophet/sync"
)

func TestImportMakesOneChangesetALine(t *testing.T) {
	r := newReplica(t, crashfs.New(), "alice")
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
				r, temp := newReplica(t, crashfs.New(), "alice"), afero.NewMemMapFs()
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
	r, text := newReplica(t, crashfs.New(), "alice"), strings.NewReader("junk"+line(change("create", 1, "a", "1")))
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
