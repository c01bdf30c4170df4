package sync_test

import (
	"fmt"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

func TestMirrorIsACopyThatCanBeCloned(t *testing.T) {
	for _, opts := range []psync.PublishOptions{{}, {Flat: true}} {
		t.Run(fmt.Sprintf("flat %v", opts.Flat), func(t *testing.T) {
			w := newWorkshop(t, crashfs.New())
			w.fill()
			dest := crashfs.New()
			report := w.publish(dest, opts)
			if report.Changesets != int(w.ann.Latest()) || report.Latest != w.ann.Latest() || report.Records != 15 || !report.Wrote || report.Votes == 0 {
				t.Errorf("report %+v", *report)
			}
			if indexed, _ := afero.Exists(dest, "prophet.json"); indexed == opts.Flat {
				t.Errorf("there is a prophet.json: %v", indexed)
			}
			mirror, err := openAt(dest, report.Path)
			if err != nil {
				t.Fatal(err)
			}
			replicatest.Faultless(t, mirror.FS(), "mirror")
			sameState(t, "mirror", mirror, w.ann)
			clone, pulled, err := psync.Clone(t.Context(), crashfs.New(), mirror, replica.Options{}, psync.Options{Adopt: true})
			if err != nil {
				t.Fatal(err)
			}
			sameState(t, "clone", clone, w.ann)
			if pulled.Adopted > 0 || clone.Latest() < uint32(pulled.Integrated) {
				t.Errorf("the clone of a mirror of ours adopted something: %+v", *pulled)
			}
		})
	}
}

func TestPublishWritesOnlyWhatIsNew(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	dest := crashfs.New()
	w.publish(dest, psync.PublishOptions{})
	dest.Record()

	rec := w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
	w.update(w.ann, rec, map[string]string{"status": "resolved"})
	report := w.publish(dest, psync.PublishOptions{})
	if report.Changesets != 2 || report.Records != 1 || report.Votes != 0 {
		t.Errorf("report %+v", *report)
	}
	objects := 0
	for _, op := range dest.Ops() {
		if strings.HasPrefix(op.To, report.Path+"/cas/") {
			objects++
		}
	}
	if objects != 3 {
		t.Errorf("%d objects were written, want two changesets and a record", objects)
	}
	fresh := crashfs.New()
	w.publish(fresh, psync.PublishOptions{})
	sameFiles(t, "mirror", withoutOldVersions(filesOf(t, dest), filesOf(t, fresh)), filesOf(t, fresh))
}

// withoutOldVersions leaves out objects of records that a new mirror would not have: no record shows them any longer.
func withoutOldVersions(files, fresh map[string]string) map[string]string {
	for name := range files {
		if _, ok := fresh[name]; !ok && strings.Contains(name, "/cas/records/") {
			delete(files, name)
		}
	}
	return files
}

func TestPublishWithNothingNewWritesNothing(t *testing.T) {
	for _, opts := range []psync.PublishOptions{{}, {Flat: true}} {
		w := newWorkshop(t, crashfs.New())
		w.fill()
		dest := crashfs.New()
		w.publish(dest, opts)
		dest.Record()
		report := w.publish(dest, opts)
		if report.Wrote || report.Changesets+report.Records+report.Votes+report.Removed != 0 || report.Latest != w.ann.Latest() {
			t.Errorf("report %+v", *report)
		}
		for _, op := range dest.Ops() {
			if op.Changes() {
				t.Errorf("flat %v: %s", opts.Flat, op)
			}
		}
	}
}

func TestPublishWritesInTheOrderOfReaders(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	dest := crashfs.New()
	dest.Record()
	db := w.publish(dest, psync.PublishOptions{}).Path
	rank := func(name string) int {
		order := []string{"prophet/mirror", "replica-uuid", "database-uuid", "cas/", "records/", "changesets.idx", "prophet/digests", "resolutions/latest-sequence-no", "resolutions/replica-version", "latest-sequence-no", "replica-version", "prophet/identity", "the whole mark", "prophet/head", "prophet.json"}
		for i, begin := range order {
			if strings.HasPrefix(name, begin) {
				return max(i, 2)
			}
		}
		return rankOfVotes(name)
	}
	last, lastName, marked := 0, "", false
	for _, op := range dest.Ops() {
		name := strings.TrimPrefix(op.To, db+"/")
		if op.Kind != "rename" {
			continue
		}
		if name == replica.MirrorMark {
			if marked {
				name = "the whole mark"
			}
			marked = true
		}
		if r := rank(name); r < last {
			t.Errorf("%s is written after %s", name, lastName)
		} else {
			last, lastName = r, name
		}
	}
	if lastName != "prophet.json" {
		t.Errorf("the last file is %s", lastName)
	}
}

// rankOfVotes ranks the other files of the resolutions with those of the log.
func rankOfVotes(name string) int {
	switch {
	case strings.HasPrefix(name, "resolutions/cas/"):
		return 3
	case name == "resolutions/changesets.idx":
		return 5
	case strings.HasSuffix(name, replica.DigestsFile):
		return 6
	}
	return 2
}

func TestDeletedRecordLosesItsFile(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	rec := w.ticket(w.ann, "to be deleted", "new", "yard")
	dest := crashfs.New()
	file := path.Join(w.publish(dest, psync.PublishOptions{}).Path, changeset.RecordPath(rec))
	if ok, _ := afero.Exists(dest, file); !ok {
		t.Fatalf("%s is missing", file)
	}
	w.remove(w.ann, rec)
	if report := w.publish(dest, psync.PublishOptions{}); report.Removed != 1 {
		t.Errorf("report %+v", *report)
	}
	if ok, _ := afero.Exists(dest, file); ok {
		t.Errorf("%s is there still", file)
	}
	w.edit(w.ann, func(e *replica.Edit) error { return e.Restore(rec, map[string]string{"summary": "back"}) })
	w.publish(dest, psync.PublishOptions{})
	if b, _ := afero.ReadFile(dest, file); len(b) != changeset.VersionSize || string(b[:4]) != "\x00\x00\x00\x00" {
		t.Errorf("the index of the restored record is %x", b)
	}
}

func TestMirrorOfAReplicaOfTheOriginalIsAdopted(t *testing.T) {
	eachFixture(t, func(t *testing.T, from *replica.Replica, want expected, _ []string, _ afero.Fs) {
		dest := crashfs.New()
		report, err := psync.Publish(t.Context(), from, dest, psync.PublishOptions{Flat: true})
		if err != nil {
			t.Fatal(err)
		}
		if report.Latest != from.Latest() {
			t.Errorf("report %+v", *report)
		}
		mirror := replicatest.Open(t, dest, replica.Options{Where: "mirror"})
		clone := replicatest.Clone(t, mirror, replica.Options{})
		sameRecords(t, "mirror", shown(t, mirror), want.Records)
		sameRecords(t, "clone", shown(t, clone), want.Records)
	})
}

func TestMirrorHoldsSeveralDatabases(t *testing.T) {
	dest := &interrupted{Fs: crashfs.New(), at: "rename", interrupt: func(name string) {
		if path.Base(name) == "prophet.json" {
			time.Sleep(3 * time.Millisecond) // in which another publisher may read it
		}
	}}
	if err := afero.WriteFile(dest, "prophet.json", []byte(`{"prophet":1,"databases":[],"title":{"de":"Werkstatt"}}`), 0o666); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var databases []string
	for range 6 {
		r := replicatest.Init(t, crashfs.New(), replica.Options{})
		databases = append(databases, r.Database().String())
		for range 2 { // and two publishers of each
			group.Go(func() {
				if _, err := psync.Publish(t.Context(), r, dest, psync.PublishOptions{}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	b, _ := afero.ReadFile(dest, "prophet.json")
	for _, d := range databases {
		if strings.Count(string(b), d) != 1 {
			t.Errorf("prophet.json names %s %d times: %s", d, strings.Count(string(b), d), b)
		}
		if mirror, err := openAt(dest, d); err != nil || mirror.Database().String() != d {
			t.Errorf("database %s: %v", d, err)
		}
	}
	if !strings.HasPrefix(string(b), `{"databases":["`) || !strings.HasSuffix(string(b), `],"prophet":1,"title":{"de":"Werkstatt"}}`+"\n") {
		t.Errorf("prophet.json is %s", b)
	}
}

func TestPublishersOfOneReplicaTakeTurns(t *testing.T) {
	w := newWorkshop(t, afero.NewBasePathFs(afero.NewOsFs(), t.TempDir()))
	dest := afero.NewBasePathFs(afero.NewOsFs(), t.TempDir())
	var group sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		group.Go(func() {
			from, err := replica.Open(w.ann.FS(), replica.Options{})
			for err == nil {
				if _, err = psync.Publish(t.Context(), from, dest, psync.PublishOptions{}); err != nil {
					t.Error(err)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 40 {
		w.ticket(w.ann, fmt.Sprint("ticket ", i), "new", "loft")
	}
	close(stop)
	group.Wait()
	w.publish(dest, psync.PublishOptions{})
	mirror, err := openAt(dest, w.ann.Database().String())
	if err != nil {
		t.Fatal(err)
	}
	sameState(t, "mirror", mirror, w.ann)
	replicatest.Faultless(t, mirror.FS(), "mirror")
}

// interrupted is a file system that does something else before some operations.
type interrupted struct {
	afero.Fs
	at        string
	interrupt func(name string)
}

func (f *interrupted) Mkdir(name string, perm os.FileMode) error {
	if f.at == "mkdir" {
		f.interrupt(name)
	}
	return f.Fs.Mkdir(name, perm)
}

func (f *interrupted) Rename(from, to string) error {
	if f.at == "rename" {
		f.interrupt(to)
	}
	return f.Fs.Rename(from, to)
}

// Between the look at the mirror and the lock, another publisher brings it to a newer state.
func TestPublisherLooksAgainWhenItHasTheLock(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	mem := crashfs.New()
	other := false
	dest := &interrupted{Fs: mem, at: "mkdir", interrupt: func(name string) {
		if name == "prophet" && !other { // where the lock will be
			other = true
			w.ticket(w.ann, "Window in the loft does not close", "new", "loft")
			w.publish(mem, psync.PublishOptions{Flat: true})
		}
	}}
	report, err := psync.Publish(t.Context(), w.ann, dest, psync.PublishOptions{Flat: true})
	if err != nil || !other || report.Wrote || report.Latest != w.ann.Latest() {
		t.Errorf("report %+v, %v", report, err)
	}
}

// A batch is flushed before the next is collected, so that memory does not grow with the replica: neither with many small changesets nor with large ones.
func TestPublishWritesInBatches(t *testing.T) {
	tests := []struct {
		name           string
		fill           func(w *workshop)
		looksAt, least int // after so many changesets, so many objects are written
	}{
		{"large", func(w *workshop) {
			for i := range 8 {
				w.ticket(w.ann, strings.Repeat(fmt.Sprint(i), 2<<20), "new", "loft")
			}
		}, 7, 8},
		{"many", func(w *workshop) { w.many(6000) }, 5900, 5900},
	}
	for _, tc := range tests[:race.Part(len(tests))] {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorkshop(t, crashfs.New()) // which renames faster than afero's
			tc.fill(w)
			dest := crashfs.New()
			written := 0
			w.publish(dest, psync.PublishOptions{Flat: true, Progress: func(done, total int) {
				if done == tc.looksAt {
					written = len(filesOf(t, afero.NewBasePathFs(dest, "cas")))
				}
			}})
			if written < tc.least {
				t.Errorf("%d objects are written when %d changesets were read", written, tc.looksAt)
			}
		})
	}
}

func TestProgressEndsWithTheTotal(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	var done, total int
	report := w.publish(crashfs.New(), psync.PublishOptions{Progress: func(d, n int) { done, total = d, n }})
	if done != total || total != report.Changesets+report.Votes {
		t.Errorf("%d of %d, report %+v", done, total, *report)
	}
}

func TestPublishOfAnEmptyReplicaCanBeCloned(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	dest := afero.NewBasePathFs(afero.NewOsFs(), path.Join(t.TempDir(), "not", "there", "yet"))
	mirror, err := openAt(dest, w.publish(dest, psync.PublishOptions{}).Path)
	if err != nil {
		t.Fatal(err)
	}
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), mirror, replica.Options{}, psync.Options{Adopt: true})
	if err != nil || clone.Database() != w.ann.Database() || clone.Latest() != 0 {
		t.Errorf("clone %+v, %v", clone, err)
	}
	if again := w.publish(dest, psync.PublishOptions{}); again.Wrote {
		t.Errorf("again: %+v", *again)
	}
}
