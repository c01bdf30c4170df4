package replica_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// names are the UUIDs that both logs of a replica have and had, with the original's marks of those that they gave up; "new" stands for one that it got.
func names(r *replica.Replica, was ...string) (string, error) {
	var b strings.Builder
	for i, l := range []*replica.Log{r.Log(), r.Resolutions()} {
		former, err := l.Former()
		if err != nil {
			return "", err
		}
		mark := "local_metadata/last-changeset-from-" + was[i]
		text, err := afero.ReadFile(r.FS(), []string{mark, "resolutions/" + mark}[i])
		is := "new"
		if l.UUID().String() == was[i] {
			is = "old"
		}
		fmt.Fprintf(&b, "%s, %d former, mark %q, %d rows\n", is, len(former), text, l.Latest())
		if err != nil && is == "new" {
			return "", err
		}
	}
	return b.String(), nil
}

// A replica that takes a new identity takes it whole: a crash leaves both logs with the old UUIDs, or both with new ones, and all that goes with these.
func TestACrashInReidentifyLeavesTheOldUUIDsOrTheNewOnes(t *testing.T) {
	start := crashfs.New()
	r := replicatest.Init(t, start, replica.Options{Creator: "ann"})
	grow(t, r, 3)
	update(t, r, rivalsOf(t, r, "Note", map[string]string{"m": "1"}, map[string]string{"m": "2"}, map[string]string{"m": "4"}), "m", "3")
	was := []string{r.UUID().String(), r.Resolutions().UUID().String()}
	before, err := names(r, was...)
	if err != nil {
		t.Fatal(err)
	}
	done := start.Survivor(crashfs.Kill, 0)
	if r = replicatest.Open(t, done, replica.Options{}); r.Reidentify(t.Context()) != nil {
		t.Fatal("it fails")
	}
	after, err := names(r, was...)
	if err != nil {
		t.Fatal(err)
	}
	for k, past := 1, false; !past; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		r := replicatest.Open(t, disk, replica.Options{})
		disk.CrashAt(k)
		err := r.Reidentify(t.Context())
		past = !disk.Failed()
		for _, left := range []*crashfs.FS{disk.Survivor(crashfs.Kill, 0), disk.Survivor(crashfs.PowerCut, 0), disk.Survivor(crashfs.PowerCut, int64(k))} {
			reader, failed := names(replicatest.Open(t, left, replica.Options{}), was...)
			writer := replicatest.Open(t, left, replica.Options{})
			if failed == nil {
				failed = writer.Update(t.Context(), func(*replica.Tx) error { return nil })
			}
			now, _ := names(writer, was...)
			if failed != nil || now != before && now != after || now != after && err == nil {
				t.Fatalf("at %d (%v): %v\n%swant\n%sor\n%s", k, err, failed, now, before, after)
			}
			if strings.Contains(reader, "new") != strings.Contains(now, "new") || strings.Contains(reader, "old") != strings.Contains(now, "old") {
				t.Errorf("at %d a reader sees\n%sthe next writer\n%s", k, reader, now)
			}
			replicatest.Sound(t, left, fmt.Sprint("crashed at ", k))
		}
	}
}

// Where the original raised its mark of the old UUID after the commit was cut off, because it met a copy, that mark stays: with another one it would take what
// it took twice.
func TestAMarkThatTheOriginalRaisedStaysWhenReidentifyWasCutOff(t *testing.T) {
	start := crashfs.New()
	r := replicatest.Init(t, start, replica.Options{Creator: "ann"})
	grow(t, r, 3)
	mark, raised := "local_metadata/last-changeset-from-"+r.UUID().String(), map[bool]int{}
	for k, past := 1, false; !past; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		cutOff := replicatest.Open(t, disk, replica.Options{})
		disk.CrashAt(k)
		_ = cutOff.Reidentify(t.Context())
		past = !disk.Failed()
		left := disk.Survivor(crashfs.Kill, 0)
		if text, _ := afero.ReadFile(left, mark); string(text) != "3" {
			continue
		}
		if err := afero.WriteFile(left, mark, []byte("9"), 0o666); err != nil {
			t.Fatal(err)
		}
		writer := replicatest.Open(t, left, replica.Options{})
		if err := writer.Update(t.Context(), func(*replica.Tx) error { return nil }); err != nil {
			t.Fatalf("at %d: %v", k, err)
		}
		raised[writer.UUID() == r.UUID()]++
		if text, err := afero.ReadFile(left, mark); string(text) != "9" {
			t.Errorf("at %d: the mark became %q, %v", k, text, err)
		}
		if (writer.UUID() == r.UUID()) != (writer.Resolutions().UUID() == r.Resolutions().UUID()) {
			t.Errorf("at %d: one log has its old UUID, the other one a new one", k)
		}
	}
	if raised[true] == 0 || raised[false] == 0 {
		t.Errorf("it was raised before the commit %d times, %d times after it", raised[true], raised[false])
	}
}

func TestAnErrorInReidentifyLeavesTheOldUUIDsOrTheNewOnes(t *testing.T) {
	start := crashfs.New()
	r := replicatest.Init(t, start, replica.Options{Creator: "ann"})
	grow(t, r, 3)
	was := []string{r.UUID().String(), r.Resolutions().UUID().String()}
	before, err := names(r, was...)
	if err != nil {
		t.Fatal(err)
	}
	for k := 1; ; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		r := replicatest.Open(t, disk, replica.Options{})
		disk.FailAt(k, syscall.EIO)
		err := r.Reidentify(t.Context())
		if !disk.Failed() {
			break
		}
		own, failed := names(r, was...)
		fresh, ferr := names(replicatest.Open(t, disk, replica.Options{}), was...)
		if failed != nil || ferr != nil || own != fresh || (own == before) == (err == nil) || strings.Contains(own, "old") && strings.Contains(own, "new") {
			t.Errorf("at %d (%v): itself %v\n%sanother reader %v\n%s", k, err, failed, own, ferr, fresh)
		}
		replicatest.Sound(t, disk, fmt.Sprint("failed at ", k))
	}
}
