package cas

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/durable"
)

const helloKey = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d" // SHA-1 of "hello"

// each runs a test on a store in memory and on one on disk.
func each(t *testing.T, test func(t *testing.T, fs afero.Fs, s *Store)) {
	for name, fs := range map[string]afero.Fs{"memory": afero.NewMemMapFs(), "disk": afero.NewBasePathFs(afero.NewOsFs(), t.TempDir())} {
		t.Run(name, func(t *testing.T) { test(t, fs, New(fs, "cas/changesets")) })
	}
}

// put stores texts in one commit and returns their keys.
func put(t *testing.T, fs afero.Fs, s *Store, texts ...string) (keys []Key) {
	t.Helper()
	tx := durable.Begin(fs)
	for _, text := range texts {
		keys = append(keys, s.Put(tx, []byte(text)))
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestKeyRoundTrip(t *testing.T) {
	key := Sum([]byte("hello"))
	if key.String() != helloKey {
		t.Errorf("key %s, want %s", key, helloKey)
	}
	if back, err := ParseKey(helloKey); err != nil || back != key {
		t.Errorf("parsed as %s, %v", back, err)
	}
	if key.IsZero() || !(Key{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestParseKeyAcceptsOnlyWhatStringWrites(t *testing.T) {
	for _, s := range []string{"", "aa", helloKey[1:], helloKey + "0", strings.ToUpper(helloKey), "g" + helloKey[1:], " " + helloKey[1:]} {
		if key, err := ParseKey(s); err == nil {
			t.Errorf("%q was parsed as %s", s, key)
		}
	}
}

func TestPutThenGet(t *testing.T) {
	each(t, func(t *testing.T, fs afero.Fs, s *Store) {
		for _, text := range []string{"hello", "", strings.Repeat("long", 1<<16)} {
			key := put(t, fs, s, text)[0]
			b, err := s.Get(key)
			if err != nil || string(b) != text {
				t.Errorf("got %.20q, %v, want %.20q", b, err, text)
			}
			if has, err := s.Has(key); !has || err != nil {
				t.Errorf("Has is %t, %v", has, err)
			}
		}
		if got, want := s.Path(Sum([]byte("hello"))), "cas/changesets/a/a/"+helloKey; got != want {
			t.Errorf("path %s, want %s", got, want)
		}
	})
}

func TestPutSurvivesAPowerCut(t *testing.T) {
	disk := crashfs.New()
	key := put(t, disk, New(disk, "cas/records"), "hello")[0]
	if _, err := New(disk.Survivor(crashfs.PowerCut, 0), "cas/records").Get(key); err != nil {
		t.Error(err)
	}
}

func TestMissingObject(t *testing.T) {
	each(t, func(t *testing.T, fs afero.Fs, s *Store) {
		key := Sum([]byte("hello"))
		_, err := s.Get(key)
		if !errors.Is(err, iofs.ErrNotExist) || !strings.Contains(err.Error(), s.Path(key)) {
			t.Errorf("Get: %v", err)
		}
		if has, err := s.Has(key); has || err != nil {
			t.Errorf("Has is %t, %v", has, err)
		}
	})
}

func TestDamageIsAnErrorAndPutMendsIt(t *testing.T) {
	each(t, func(t *testing.T, fs afero.Fs, s *Store) {
		for _, damaged := range []string{"", "hell", "hellO", "hello "} {
			key := put(t, fs, s, "hello")[0]
			if err := afero.WriteFile(fs, s.Path(key), []byte(damaged), 0o666); err != nil {
				t.Fatal(err)
			}
			b, err := s.Get(key)
			var corrupt *CorruptError
			if b != nil || !errors.As(err, &corrupt) {
				t.Fatalf("damaged to %q: %q, %v", damaged, b, err)
			}
			if want := (CorruptError{s.Path(key), key, Sum([]byte(damaged))}); *corrupt != want {
				t.Errorf("error %+v, want %+v", *corrupt, want)
			}
			put(t, fs, s, "hello")
			if _, err := s.Get(key); err != nil {
				t.Errorf("damaged to %q and put again: %v", damaged, err)
			}
		}
	})
}

func TestGetIsBounded(t *testing.T) {
	fs := afero.NewMemMapFs()
	s := New(fs, "cas/records")
	whole := make([]byte, MaxSize+1)
	key := Sum(whole)
	afero.WriteFile(fs, s.Path(key), whole, 0o666)
	if _, err := s.Get(key); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("an object of %d bytes: %v", len(whole), err)
	}
	key = Sum(whole[1:])
	afero.WriteFile(fs, s.Path(key), whole[1:], 0o666)
	if b, err := s.Get(key); len(b) != MaxSize || err != nil {
		t.Errorf("an object of %d bytes: %d, %v", MaxSize, len(b), err)
	}
}

func TestWalkIsSortedAndReportsStrays(t *testing.T) {
	each(t, func(t *testing.T, fs afero.Fs, s *Store) {
		var texts, want []string
		for i := range 600 {
			texts = append(texts, fmt.Sprint(i))
		}
		for _, key := range put(t, fs, s, texts...) {
			want = append(want, s.Path(key))
		}
		slices.Sort(want)
		strays := []string{
			"cas/changesets/README",
			"cas/changesets/a/" + helloKey,           // in the wrong directory
			"cas/changesets/a/b/" + helloKey,         // likewise
			"cas/changesets/b/b/" + helloKey[1:],     // too short
			"cas/changesets/c/x",                     // no directory of ours
			"cas/changesets/0/0/" + (Key{}).String(), // names no object
			"cas/changesets/f/f/F" + helloKey[:39],   // upper case
		}
		for _, name := range append(strays, "cas/changesets/a/a/."+helloKey+".tmp0", "cas/changesets/zz/hidden") {
			if err := durable.WriteFile(fs, name, nil); err != nil {
				t.Fatal(err)
			}
		}
		strays = append(strays, "cas/changesets/zz") // as a whole
		var objects, others []string
		err := s.Walk(func(key Key, name string) error {
			if key.IsZero() {
				others = append(others, name)
			} else {
				objects = append(objects, s.Path(key))
			}
			return nil
		})
		if err != nil || !slices.Equal(objects, want) {
			t.Errorf("%d objects of %d, %v", len(objects), len(want), err)
		}
		if slices.Sort(strays); !slices.Equal(slices.Sorted(slices.Values(others)), strays) {
			t.Errorf("strays %q, want %q", others, strays)
		}
	})
}

func TestWalkOfAnEmptyStore(t *testing.T) {
	each(t, func(t *testing.T, _ afero.Fs, s *Store) {
		if err := s.Walk(func(Key, string) error { return errors.New("called") }); err != nil {
			t.Error(err)
		}
	})
}

func TestWalkStopsAtAnError(t *testing.T) {
	each(t, func(t *testing.T, fs afero.Fs, s *Store) {
		put(t, fs, s, "one", "two", "three")
		stop, calls := errors.New("stop"), 0
		err := s.Walk(func(Key, string) error { calls++; return stop })
		if err != stop || calls != 1 {
			t.Errorf("%d calls, %v", calls, err)
		}
	})
}

// reads counts how often files are read.
type reads struct {
	afero.Fs
	n int
}

type readFile struct {
	afero.File
	of *reads
}

func (r *reads) Open(name string) (afero.File, error) {
	f, err := r.Fs.Open(name)
	return readFile{f, r}, err
}

func (f readFile) Read(p []byte) (int, error) {
	f.of.n++
	return f.File.Read(p)
}

func TestAnObjectOfUsualSizeIsReadInOneGo(t *testing.T) {
	fs := &reads{Fs: afero.NewMemMapFs()}
	s := New(fs, "cas/changesets")
	for size, most := range map[int]int{0: 3, 1: 1, 800: 1, usualSize - 1: 1, usualSize: 3, 100_000: 20} {
		text := strings.Repeat("x", size)
		key := put(t, fs, s, text)[0]
		fs.n = 0
		if b, err := s.Get(key); err != nil || string(b) != text {
			t.Errorf("%d bytes: %d came, %v", size, len(b), err)
		}
		if fs.n > most {
			t.Errorf("%d bytes were read in %d goes", size, fs.n)
		}
	}
}
