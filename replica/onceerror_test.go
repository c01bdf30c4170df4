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

func TestAMarkThatCannotBeReadOnceMakesNoMirrorOfTheOriginal(t *testing.T) {
	_, mirror := newReplicaOn(t, crashfs.New())
	if err := afero.WriteFile(mirror, replica.MirrorMark, []byte(replica.Mark{}.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	once := 1
	m, err := replica.Open(brokenOnce{mirror, replica.MirrorMark, &once}, replica.Options{Mirror: true})
	if err != nil {
		t.Fatal(err)
	}
	if ours, err := m.Ours(); ours || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("where the mark cannot be read: %t, %v", ours, err)
	}
	if ours, err := m.Ours(); !ours || err != nil {
		t.Errorf("a moment later: %t, %v", ours, err)
	}
	if _, told, err := m.Mark(); !told || err != nil {
		t.Errorf("its mark tells: %t, %v", told, err)
	}
}

// What tells that a replica is ours is looked for in two places: one of them is enough.
func TestAReplicaIsOursIfOneOfTheSignsCanBeRead(t *testing.T) {
	for _, name := range []string{replica.MirrorMark, "prophet/rows"} {
		r, fsys := newReplicaOn(t, crashfs.New())
		grow(t, r, 1)
		if err := afero.WriteFile(fsys, replica.MirrorMark, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		once := 1
		if ours, err := replicatest.Open(t, brokenOnce{fsys, name, &once}, replica.Options{Uncounted: true}).Ours(); !ours || err != nil {
			t.Errorf("without %s: %t, %v", name, ours, err)
		}
	}
	r, fsys := newReplicaOn(t, crashfs.New())
	grow(t, r, 1)
	for _, broken := range []string{"prophet/rows", ""} {
		once := 1
		ours, err := replicatest.Open(t, brokenOnce{fsys, broken, &once}, replica.Options{Uncounted: true}).Ours()
		if ours != (broken == "") || errors.Is(err, syscall.ECONNRESET) != (broken != "") {
			t.Errorf("where %q cannot be read: %t, %v", broken, ours, err)
		}
	}
}
