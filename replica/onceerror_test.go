package replica_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// brokenOnce fails to open and to look at one file, so often.
type brokenOnce struct {
	afero.Fs
	name string
	left *int
}

func (b brokenOnce) fail(op, name string) error {
	if name != b.name || *b.left == 0 {
		return nil
	}
	*b.left--
	return &os.PathError{Op: op, Path: name, Err: syscall.ECONNRESET}
}

func (b brokenOnce) Open(name string) (afero.File, error) {
	if err := b.fail("open", name); err != nil {
		return nil, err
	}
	return b.Fs.Open(name)
}

func (b brokenOnce) Stat(name string) (os.FileInfo, error) {
	if err := b.fail("stat", name); err != nil {
		return nil, err
	}
	return b.Fs.Stat(name)
}

func TestAnErrorOfReadingFormerUUIDsIsNotKept(t *testing.T) {
	fsys := crashfs.New()
	was := replicatest.Init(t, fsys, replica.Options{}).UUID()
	if err := replicatest.Open(t, fsys, replica.Options{}).Reidentify(t.Context()); err != nil {
		t.Fatal(err)
	}
	once := 1
	l := replicatest.Open(t, brokenOnce{fsys, "prophet/former-uuids", &once}, replica.Options{}).Log()
	if former, err := l.Former(); !errors.Is(err, syscall.ECONNRESET) || len(former) > 0 {
		t.Errorf("where it cannot be read: %v, %v", former, err)
	}
	if former, err := l.Former(); err != nil || len(former) != 1 || former[0] != was {
		t.Errorf("a moment later: %v, %v; want %s", former, err, []uuid.UUID{was})
	}
}
