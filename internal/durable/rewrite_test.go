package durable

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
)

// A rewriting is a commit that is one file's new content. These are what is on the disk before it, after it, and after one more commit.
var (
	beforeRewriting = tree{"index": "row 1, row 2, row 3.", "records/x": "x1.", "latest": "3", "sub/latest": "1", "uuid": "old"}
	afterRewriting  = tree{"index": "row A, row B, row C, and one that was added: D.", "records/x": "x1.x2.", "records/y": "y1.", "latest": "4",
		"sub/latest": "1", "uuid": "new", "former": "old", "cas/a": "object"}
)

// rewriteIndex does the rewriting, with rows, a point and small files beside it.
func rewriteIndex(fs afero.Fs) error {
	if _, err := Recover(fs); err != nil {
		return err
	}
	if text, err := readText(fs, "uuid"); err != nil || text == "new" {
		return err
	}
	tx := Begin(fs)
	tx.Put("cas/a", []byte("object"))
	tx.Append("records/x", 3, []byte("x2."))
	tx.Append("records/y", 0, []byte("y1."))
	tx.Rewrite("index", []byte(afterRewriting["index"]))
	tx.Replace("former", []byte("old"))
	tx.Replace("uuid", []byte("new"))
	return tx.Commit(Point{"sub/latest", "1", "1"}, Point{"latest", "3", "4"})
}

func newRewriting(t *testing.T) *crashfs.FS {
	t.Helper()
	disk := crashfs.New()
	for name, text := range beforeRewriting {
		put(t, disk, name, text)
	}
	put(t, disk, Journal, journalHead)
	return disk
}

// checkRewriting checks that a reader sees the state before or after, whole, and that so does whoever recovers.
func checkRewriting(t *testing.T, when string, fs afero.Fs, done bool) {
	t.Helper()
	v, err := Uncommitted(fs)
	if err != nil {
		t.Fatal(err)
	}
	got := v.of(withoutTemps(read(t, fs).files()))
	maps.Copy(got, v.Replaced)
	checkEither(t, when+", a reader", got, done)
	if _, err := Recover(fs); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	checkEither(t, when+", recovered", withoutTemps(read(t, fs).files()), done)
}

func checkEither(t *testing.T, when string, got tree, done bool) {
	t.Helper()
	if maps.Equal(got, afterRewriting) {
		return
	}
	delete(got, "cas/a") // nothing names it yet
	if done || !maps.Equal(got, beforeRewriting) {
		t.Fatalf("%s, reported done %v, sees:%s", when, done, got)
	}
}

func TestCrashWhileAFileIsRewrittenLeavesTheStateBeforeOrAfter(t *testing.T) {
	points := 0
	for k := 1; ; k++ {
		disk := newRewriting(t)
		disk.CrashAt(k)
		err := rewriteIndex(disk)
		for _, c := range crashes(*seeds) {
			when := fmt.Sprintf("%v at %d", c, k)
			left := disk.Survivor(c.mode, c.seed)
			checkRewriting(t, when, left, err == nil)
			if err := rewriteIndex(left); err != nil {
				t.Fatalf("%s: the next commit: %v", when, err)
			}
			checkRewriting(t, when+", after the next commit", left.Survivor(crashfs.PowerCut, 0), true)
		}
		if !disk.Failed() {
			break
		}
		points++
	}
	if points < 30 {
		t.Errorf("only %d operations: that does not test much", points)
	}
}

func TestErrorWhileAFileIsRewrittenLeavesTheStateBeforeOrAfter(t *testing.T) {
	for k := 1; ; k++ {
		disk := newRewriting(t)
		disk.FailAt(k, syscall.ENOSPC)
		err := rewriteIndex(disk)
		if !disk.Failed() {
			break
		}
		checkRewriting(t, fmt.Sprintf("no space at %d: %v", k, err), disk, err == nil || errors.Is(err, ErrCommitted))
	}
}

func TestRewritingIsRefusedWhereItCannotBeTheCommit(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(tx *Tx)
		want string
	}{
		"the same content": {func(tx *Tx) { tx.Rewrite("index", []byte(beforeRewriting["index"])) }, "it has that content"},
		"no file":          {func(tx *Tx) { tx.Rewrite("nothing", []byte("x")) }, "rewrite nothing"},
		"two files":        {func(tx *Tx) { tx.Rewrite("index", []byte("x")); tx.Rewrite("latest", []byte("x")) }, "in one transaction"},
		"a growing file":   {func(tx *Tx) { tx.Append("index", 20, []byte("x")); tx.Rewrite("index", []byte("x")) }, "in one transaction"},
	} {
		disk := newRewriting(t)
		tx := Begin(disk)
		tt.do(tx)
		if err := tx.Commit(Point{"latest", "3", "4"}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		wantFiles(t, disk, beforeRewriting)
	}
}

func TestRecoverStopsWhereAnotherProgramWroteToTheRewrittenFile(t *testing.T) {
	disk := newRewriting(t)
	put(t, disk, Journal, (&journal{rewrite: &Rewritten{"index", sum([]byte("1")), sum([]byte("2"))}, lengths: []Grown{{Name: "records/x", At: 1}}}).text())
	if recovered, err := Recover(disk); recovered || err == nil || !strings.Contains(err.Error(), "another program wrote to it") {
		t.Errorf("recovered %t, %v", recovered, err)
	}
	wantFiles(t, disk, beforeRewriting)
}
