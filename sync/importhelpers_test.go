package sync_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
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
	var b []byte
	for i := 0; i < len(props); i += 2 {
		b = strconv.AppendQuote(append(b, ','), props[i])
		b = strconv.AppendQuote(append(b, ':'), props[i+1])
	}
	return fmt.Sprintf(`{"op":%q,"type":"Ticket","uuid":"%s","props":{%s}}`, op, record(n).UUID, bytes.TrimPrefix(b, []byte(",")))
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
	replicatest.Edit(tb, r, func(e *replica.Edit) error { return e.Update(record(n), props) })
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
