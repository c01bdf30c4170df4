package replica_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/minio/sha256-simd"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/replica"
)

// eachCutOff cuts an update of the first ticket off at every operation, and gives what is left of the files, with the journal there.
func eachCutOff(t *testing.T, check func(when string, left *crashfs.FS, rec changeset.RecordID)) {
	t.Helper()
	start := crashfs.New()
	r := replicatest.Init(t, start, replica.Options{Creator: "ann@example.com"})
	var rec changeset.RecordID
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"status": "new"})
		return err
	})
	for k := 1; ; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		r := replicatest.Open(t, disk, replica.Options{Creator: "ann@example.com"})
		disk.CrashAt(k)
		_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Update(rec, map[string]string{"status": "cut off"}) })
		if !disk.Failed() || err == nil {
			return
		}
		left := disk.Survivor(crashfs.Kill, 0)
		if text, err := afero.ReadFile(left, "prophet/journal"); err == nil && strings.Contains(string(text), "sha256") {
			check(fmt.Sprintf("operation %d", k), left, rec)
		}
		if k > 1000 {
			t.Fatal("it never ends")
		}
	}
}

// original lets a program of the original update a record. It reports false where that cannot read it, because a row of its index is torn.
func original(fsys afero.Fs, rec changeset.RecordID, value string) bool {
	p, err := v1peer.Open(fsys, v1peer.Options{Creator: "stranger@example.com"})
	if err == nil {
		err = p.Update(rec, map[string]string{"stranger": value})
	}
	return err == nil
}

// edits makes an edit, without a failure of the test.
func edits(fsys afero.Fs) error {
	r, err := replica.Open(fsys, replica.Options{})
	if err != nil {
		return err
	}
	_, err = r.Edit(context.Background(), func(e *replica.Edit) error {
		_, err := e.Create("Note", map[string]string{"text": "life goes on"})
		return err
	})
	return err
}

var (
	writeInto = regexp.MustCompile(`write (\d+) into`)
	cutTo     = regexp.MustCompile(`cut changesets.idx to (\d+) bytes`)
)

// follow does what the text of a refusal says; it reports whether that said anything.
func follow(t *testing.T, fsys afero.Fs, text string) bool {
	t.Helper()
	if m := cutTo.FindStringSubmatch(text); m != nil {
		b, err := afero.ReadFile(fsys, changeset.IndexFile)
		var n int
		fmt.Sscan(m[1], &n)
		if err == nil {
			err = afero.WriteFile(fsys, changeset.IndexFile, b[:n], 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m := writeInto.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	if err := afero.WriteFile(fsys, changeset.LatestFile, []byte(m[1]), 0o644); err != nil {
		t.Fatal(err)
	}
	return true
}

// shows fails the test unless the ticket has that value of the original's.
func shows(t *testing.T, when string, fsys afero.Fs, rec changeset.RecordID, want string) {
	t.Helper()
	props, exists, err := replicatest.Open(t, fsys, replica.Options{}).Log().Props(rec)
	if err != nil || !exists || props["stranger"] != want {
		t.Errorf("%s: the ticket is %v, %t (%v), want %q", when, props, exists, err, want)
	}
}

// TestARefusalAfterACrashNamesWhatToDo lets the original die too, at work on an edit after one that it made, or lose what it wrote. Readers and
// writers refuse, and what the refusal says to do leads to a sound replica.
func TestARefusalAfterACrashNamesWhatToDo(t *testing.T) {
	replicatest.OnFormat1(t)
	for what, tt := range map[string]struct {
		spoil func(t *testing.T, fsys afero.Fs)
		want  string // of the first update of the original afterwards
	}{
		"the number was written, and nothing more": {func(t *testing.T, fsys afero.Fs) { raise(t, fsys, 1) }, "first"},
		"part of a row was written":                {func(t *testing.T, fsys afero.Fs) { raise(t, fsys, 1); extend(t, fsys, "\x00\x00\x00\x09torn") }, "first"},
		"its changeset is lost":                    {loseLast, ""},
	} {
		refused := 0
		eachCutOff(t, func(when string, left *crashfs.FS, rec changeset.RecordID) {
			when = what + ", " + when
			if !original(left, rec, "first") {
				return
			}
			tt.spoil(t, left)
			err := edits(left)
			var damage *replica.DamageError
			if err == nil {
				shows(t, when, left, rec, tt.want)
				replicatest.Sound(t, left, when)
				return
			}
			refused++
			checkByHand(t, left, when)
			if _, rerr := replica.Open(left, replica.Options{}); rerr == nil || !errors.As(err, &damage) || !follow(t, left, err.Error()) {
				t.Errorf("%s: the edit: %v; a reader: %v", when, err, rerr)
				return
			}
			if err := edits(left); err != nil {
				t.Errorf("%s: after %q: %v", when, damage.Error(), err)
				return
			}
			shows(t, when, left, rec, tt.want)
			replicatest.Sound(t, left, when)
		})
		if refused == 0 {
			t.Errorf("%s: nothing was refused", what)
		}
	}
}

// checkByHand expects that a repair leaves what is refused, and that a check does not say that it mends that.
func checkByHand(t *testing.T, left *crashfs.FS, when string) {
	t.Helper()
	again := left.Survivor(crashfs.Kill, 0)
	if err := replica.Repair(t.Context(), again, replica.Options{}, replica.RepairOptions{}); !errors.Is(err, replica.ErrCutOff) {
		t.Errorf("%s: a repair: %v", when, err)
	}
	problems := 0
	err := replica.Check(t.Context(), left, replica.Options{}, func(p replica.Problem) {
		if problems++; !p.ByHand {
			t.Errorf("%s: is a repair to see to it that %s", when, p.Text)
		}
	}, nil)
	if err != nil || problems == 0 {
		t.Errorf("%s: %d problems, %v", when, problems, err)
	}
}

// TestARefusalThatCannotTellWhatIsWhoseNamesTheJournal puts bytes that are no rows behind what the original wrote. Without the journal, fsck lists the damage.
func TestARefusalThatCannotTellWhatIsWhoseNamesTheJournal(t *testing.T) {
	replicatest.OnFormat1(t)
	refused := 0
	eachCutOff(t, func(when string, left *crashfs.FS, rec changeset.RecordID) {
		if !original(left, rec, "first") {
			return
		}
		extend(t, left, strings.Repeat("x", 2*changeset.RowSize))
		_, err := replica.Open(left, replica.Options{Where: "/bugs"})
		var damage *replica.DamageError
		if err == nil {
			return
		}
		refused++
		if !errors.Is(err, replica.ErrCutOff) || !errors.As(err, &damage) || damage.Path != "prophet/journal" ||
			!strings.Contains(err.Error(), "/bugs/prophet/journal is damaged: ") || !strings.HasSuffix(err.Error(), "then remove prophet/journal") {
			t.Errorf("%s: %v", when, err)
			return
		}
		if found := problems(t, left); !strings.HasPrefix(found, "prophet/journal: ") || strings.Count(found, "\n") > 1 {
			t.Errorf("%s: fsck finds %s", when, found)
		}
		if err := left.Remove("prophet/journal"); err != nil {
			t.Fatal(err)
		}
		if problems(t, left) == "" {
			t.Errorf("%s: without the journal fsck finds nothing", when)
		}
	})
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

// raise adds to latest-sequence-no.
func raise(t *testing.T, fsys afero.Fs, by int) {
	t.Helper()
	b, err := afero.ReadFile(fsys, changeset.LatestFile)
	var n int
	fmt.Sscan(string(b), &n)
	if err == nil {
		err = afero.WriteFile(fsys, changeset.LatestFile, fmt.Append(nil, n+by), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// extend appends to the index.
func extend(t *testing.T, fsys afero.Fs, text string) {
	t.Helper()
	f, err := fsys.OpenFile(changeset.IndexFile, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// loseLast removes the changeset of the last row of the index.
func loseLast(t *testing.T, fsys afero.Fs) {
	t.Helper()
	b, err := afero.ReadFile(fsys, changeset.IndexFile)
	if err != nil {
		t.Fatal(err)
	}
	row, err := changeset.ParseRow(b[len(b)-changeset.RowSize:])
	if err == nil {
		err = fsys.Remove(changeset.ObjectPath(changeset.ChangesetObjects, row.Key))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestMendingCanBeCutOffToo cuts the recovery off at every operation, and another edit of the original follows.
func TestMendingCanBeCutOffToo(t *testing.T) {
	replicatest.OnFormat1(t)
	points, seen := 0, map[[32]byte]bool{}
	eachCutOff(t, func(when string, left *crashfs.FS, rec changeset.RecordID) {
		if !original(left, rec, "first") {
			return
		}
		for k := 1; ; k += race.Every(7) {
			disk := left.Survivor(crashfs.Kill, 0)
			disk.CrashAt(k)
			err := edits(disk)
			if !disk.Failed() {
				return
			}
			again := disk.Survivor(crashfs.Kill, 0)
			if seen[again.Print()] {
				continue // it was tried, and what follows is the same
			}
			seen[again.Print()] = true
			points++
			when := fmt.Sprintf("%s, then operation %d (%v)", when, k, err)
			if !original(again, rec, "second") {
				t.Fatalf("%s: the original cannot write", when)
			}
			if err := edits(again); err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			shows(t, when, again, rec, "second")
			replicatest.Sound(t, again, when)
		}
	})
	t.Logf("%d points", points)
	if points < 300/race.Every(7) {
		t.Error("that does not test much")
	}
}

// older turns the journal into one of an earlier version, which did not note what is appended.
func older(t *testing.T, fsys afero.Fs) {
	t.Helper()
	b, err := afero.ReadFile(fsys, "prophet/journal")
	if err != nil {
		t.Fatal(err)
	}
	body, _, _ := strings.Cut(string(b), "sha256 ")
	body = regexp.MustCompile(`(?m)^append (\w+ "[^"]*") ".*"$`).ReplaceAllString(body, "length $1")
	text := fmt.Sprintf("%ssha256 %x\n", body, sha256.Sum256([]byte(body)))
	if err := afero.WriteFile(fsys, "prophet/journal", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAJournalOfAnEarlierVersionIsRecovered(t *testing.T) {
	replicatest.OnFormat1(t)
	made := 0
	eachCutOff(t, func(when string, left *crashfs.FS, rec changeset.RecordID) {
		older(t, left)
		alone := left.Survivor(crashfs.Kill, 0)
		if err := edits(alone); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		replicatest.Sound(t, alone, when)
		if props, _, err := replicatest.Open(t, alone, replica.Options{}).Log().Props(rec); err == nil && props["status"] == "cut off" {
			made++
		}
		if !original(left, rec, "first") {
			return
		}
		if err := edits(left); err != nil {
			t.Fatalf("%s, the original wrote since: %v", when, err)
		}
		shows(t, when, left, rec, "first")
		replicatest.Sound(t, left, when)
	})
	if made == 0 {
		t.Error("none was made")
	}
}
