package sync_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/realserver"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// transport makes a directory of the disk reachable and returns the location; not ok if what it takes is not installed.
type transport func(tb testing.TB, dir string) (location string, ok bool)

// static is Go's file server, changed by modifiers.
func static(modifiers ...webtest.Modifier) transport {
	return func(tb testing.TB, dir string) (string, bool) {
		return webtest.Static(tb, afero.NewBasePathFs(afero.NewOsFs(), dir), modifiers...).URL, true
	}
}

func plainPath(_ testing.TB, dir string) (string, bool) { return dir, true }

func fileURL(_ testing.TB, dir string) (string, bool) { return "file://" + filepath.ToSlash(dir), true }

func TestPullFromADirectory(t *testing.T) { testPullableFrom(t, plainPath) }

func TestPullFromAFileURL(t *testing.T) { testPullableFrom(t, fileURL) }

func TestPullFromGosFileServer(t *testing.T) { testPullableFrom(t, static()) }

func TestPullFromAServerWithoutRange(t *testing.T) { testPullableFrom(t, static(webtest.NoRange())) }

func TestPullFromAServerThatCompresses(t *testing.T) { testPullableFrom(t, static(webtest.Gzip())) }

func TestPullFromAServerThatRedirects(t *testing.T) {
	testPullableFrom(t, static(webtest.Redirect("moved/here")))
}

func TestPullFromPythonsServer(t *testing.T) { testPullableFrom(t, realserver.Python) }

func TestPullFromNginx(t *testing.T) { testPullableFrom(t, realserver.Nginx) }

func TestPullFromNginxThatCompresses(t *testing.T) { testPullableFrom(t, realserver.NginxGzip) }

func TestPushToADirectory(t *testing.T) { testPushableTo(t, plainPath) }

func TestPushToAFileURL(t *testing.T) { testPushableTo(t, fileURL) }

// testPullableFrom checks that replicas and mirrors can be pulled from over a transport.
func testPullableFrom(t *testing.T, serve transport) {
	dir := t.TempDir()
	location, ok := serve(t, dir)
	if !ok {
		t.Log("the server is not installed: not tried")
		return
	}
	p := &pullable{dir: dir, root: afero.NewBasePathFs(afero.NewOsFs(), dir), location: location}
	t.Run("a mirror, cloned and pulled from", func(t *testing.T) { p.mirror(t, "bugs", psync.PublishOptions{}) })
	t.Run("a v1 tree, cloned and pulled from", func(t *testing.T) { p.mirror(t, "tree", psync.PublishOptions{NoPacks: true}) })
	t.Run("packs alone, cloned and pulled from", func(t *testing.T) { p.mirror(t, "packs", psync.PublishOptions{NoTree: true}) })
	t.Run("a replica of the original", p.original)
	t.Run("nothing there", p.nothing)
	t.Run("a file missing or damaged", p.damaged)
}

// pullable is a directory that a transport makes reachable.
type pullable struct {
	dir      string
	root     afero.Fs
	location string
}

func (p *pullable) sub(name string) (afero.Fs, string) {
	return afero.NewBasePathFs(p.root, name), p.location + "/" + name
}

func (p *pullable) mirror(t *testing.T, name string, opts psync.PublishOptions) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	dest, short := p.sub(name)
	long := short + "/" + w.publish(dest, opts).Path
	for _, location := range []string{short, short + "/", long} {
		clone, report, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, location), replica.Options{}, psync.Options{Adopt: true})
		if err != nil {
			t.Fatal(err)
		}
		sameState(t, location, clone, w.ann)
		replicatest.Faultless(t, clone.FS(), location)
		if report.Adopted > 0 {
			t.Errorf("%s: report %+v", location, *report)
		}
		before := filesOf(t, clone.FS())
		if report, err := psync.Pull(t.Context(), clone, openLocation(t, location), psync.Options{}); err != nil || report.Integrated+report.Votes > 0 {
			t.Errorf("%s: with nothing new: %+v, %v", location, report, err)
		}
		sameFiles(t, "with nothing new", filesOf(t, clone.FS()), before)
		w.ticket(w.ann, "Dust extraction howls", "new", "wood")
		w.publish(dest, opts)
		if report, err := psync.Pull(t.Context(), clone, openLocation(t, location), psync.Options{}); err != nil || report.Integrated != 1 || report.Known > 0 {
			t.Errorf("%s: with something new: %+v, %v", location, report, err)
		}
		sameState(t, location+", pulled", clone, w.ann)
	}
}

// link shows another directory of the disk under a name.
func (p *pullable) link(t *testing.T, name, dir string) {
	t.Helper()
	if err := os.Symlink(dir, filepath.Join(p.dir, name)); err != nil {
		t.Fatal(err)
	}
}

// originalsDir is where the replicas of the original are for all transports: unpacked once, when first asked for, and removed by TestMain.
var originalsDir string

func threeLaptops(t *testing.T) string {
	t.Helper()
	if originalsDir == "" {
		dir, err := os.MkdirTemp("", "three-laptops")
		if err != nil {
			t.Fatal(err)
		}
		originalsDir = dir
		fixture.Unpack(t, afero.NewBasePathFs(afero.NewOsFs(), dir), "", "three-laptops")
	}
	return originalsDir
}

// original pulls from replicas that the original wrote, an exported one too, at their roots and as <url>/<uuid>.
func (p *pullable) original(t *testing.T) {
	p.link(t, "v1", threeLaptops(t))
	for _, name := range []string{"bob", "bob-export"} {
		fsys, location := p.sub("v1/" + name)
		want := replicatest.Open(t, fsys, replica.Options{})
		clone := replicatest.Clone(t, openLocation(t, location), replica.Options{})
		if got, want := recordsOf(t, clone), recordsOf(t, want); len(got) != len(want) {
			t.Errorf("%s: %d records, want %d", name, len(got), len(want))
		} else {
			for rec, text := range want {
				if got[rec] != text {
					t.Errorf("%s: %s is %s, want %s", name, rec, got[rec], text)
				}
			}
		}
	}
}

func (p *pullable) nothing(t *testing.T) {
	_, err := carriers().Open(t.Context(), p.location+"/nowhere", replica.Options{})
	if !errors.Is(err, replica.ErrNotReplica) && !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("error %v", err)
	}
}

// damaged takes away or changes one file after another of what is new: the pull fails and names it, the replica is left alone, and goes on later.
func (p *pullable) damaged(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), w.ann, replica.Options{}, psync.Options{Adopt: true})
	w.check(err)
	w.ticket(w.ann, "Dust extraction howls", "new", "wood")
	dest, location := p.sub("damaged")
	w.publish(dest, psync.PublishOptions{Flat: true, NoPacks: true})
	last, err := w.ann.Log().Row(w.ann.Latest())
	w.check(err)
	before := filesOf(t, clone.FS())
	for _, name := range []string{"replica-version", "latest-sequence-no", "replica-uuid", "database-uuid", "resolutions/latest-sequence-no", "changesets.idx",
		changeset.ObjectPath(changeset.ChangesetObjects, last.Key)} {
		good, err := afero.ReadFile(dest, name)
		w.check(err)
		for _, damage := range []struct {
			what string
			do   func() error
		}{
			{"missing", func() error { return dest.Remove(name) }},
			{"empty", func() error { return afero.WriteFile(dest, name, nil, 0o666) }},
			{"cut", func() error { return afero.WriteFile(dest, name, good[:len(good)/2], 0o666) }},
			{"a page", func() error { return afero.WriteFile(dest, name, []byte("<!DOCTYPE html><html>404</html>"), 0o666) }},
		} {
			if len(good) < 3 && damage.what == "cut" {
				continue // a lower number is a state like any other
			}
			w.check(damage.do())
			err := pullFrom(t.Context(), carriers(), clone, location)
			if err == nil || !strings.Contains(err.Error(), p.location) || !strings.Contains(err.Error(), filepath.Base(name)) && name != "replica-version" {
				t.Errorf("%s %s: error %v", name, damage.what, err)
			}
			sameFiles(t, name+" "+damage.what, filesOf(t, clone.FS()), before)
			w.check(afero.WriteFile(dest, name, good, 0o666))
		}
	}
	w.check(pullFrom(t.Context(), carriers(), clone, location))
	sameState(t, "in the end", clone, w.ann)
}

// testPushableTo checks that changesets can be pushed to a replica over a transport: it pulls them.
func testPushableTo(t *testing.T, serve transport) {
	dir := t.TempDir()
	location, ok := serve(t, filepath.Join(dir, "theirs"))
	if !ok {
		return
	}
	if psync.ReadOnly(location) {
		t.Errorf("%s: it is called read only", location)
	}
	w := newWorkshop(t, crashfs.New())
	w.few()
	root := afero.NewBasePathFs(afero.NewOsFs(), dir)
	w.check(root.MkdirAll("theirs", 0o777))
	_, _, err := psync.Clone(t.Context(), afero.NewBasePathFs(root, "theirs"), w.ann, w.options("theirs"), psync.Options{Adopt: true})
	w.check(err)
	push := func(from *replica.Replica) (*psync.Report, error) {
		return psync.Pull(t.Context(), openLocation(t, location), from, psync.Options{})
	}

	rec := w.ticket(w.ann, "Dust extraction howls", "new", "wood")
	if report, err := push(w.ann); err != nil || report.Integrated != 1 {
		t.Errorf("push: %+v, %v", report, err)
	}
	before := filesOf(t, root)
	if report, err := push(w.ann); err != nil || report.Integrated > 0 {
		t.Errorf("push again: %+v, %v", report, err)
	}
	sameFiles(t, "pushed to with nothing new", filesOf(t, root), before)

	theirs := openLocation(t, location)
	w.update(theirs, rec, map[string]string{"status": "open"})
	w.update(w.ann, rec, map[string]string{"status": "resolved"})
	if report, err := push(w.ann); err != nil || len(report.Opened) != 1 {
		t.Errorf("push of a rival: %+v, %v", report, err)
	}
	w.pull(w.ann, openLocation(t, location))
	sameState(t, "in the end", openLocation(t, location), w.ann)
	replicatest.Faultless(t, afero.NewBasePathFs(root, "theirs"), "in the end")
	p := &pushable{root, location}
	p.refusesOthers(t, w)
}

// pushable is a directory with a replica in theirs.
type pushable struct {
	root     afero.Fs
	location string
}

// refusesOthers checks that neither another database nor what cannot be read, nor a copy made to be cloned, changes anything.
func (p *pushable) refusesOthers(t *testing.T, w *workshop) {
	t.Helper()
	before := filesOf(t, p.root)
	other, err := replica.Init(t.Context(), crashfs.New(), replica.Identity{}, replica.Options{})
	w.check(err)
	if _, err := psync.Pull(t.Context(), openLocation(t, p.location), other, psync.Options{}); !errors.Is(err, psync.ErrOtherDatabase) {
		t.Errorf("push of another database: %v", err)
	}
	w.ticket(w.ann, "Window does not close", "new", "loft")
	replicatest.Loosen(t, w.ann.FS())
	last, err := w.ann.Log().Row(w.ann.Latest())
	w.check(err)
	w.check(w.ann.FS().Remove(changeset.ObjectPath(changeset.ChangesetObjects, last.Key)))
	if _, err := psync.Pull(t.Context(), openLocation(t, p.location), w.ann, psync.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("push of a damaged replica: %v", err)
	}
	sameFiles(t, "after refusals", filesOf(t, p.root), before)
	w.check(psync.Export(t.Context(), openLocation(t, p.location), afero.NewBasePathFs(p.root, "copy"), nil))
	copied, err := openAt(p.root, "copy")
	w.check(err)
	before = p.files(t)
	w.ticket(w.ben, "Lamp above the bench flickers", "new", "wood")
	if _, err := psync.Pull(t.Context(), copied, w.ben, psync.Options{}); !errors.Is(err, replica.ErrExported) {
		t.Errorf("push to an exported copy: %v", err)
	}
	sameFiles(t, "the exported copy", p.files(t), before)
}

// files returns the files that the original reads.
func (p *pushable) files(t *testing.T) map[string]string {
	t.Helper()
	files := filesOf(t, p.root)
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.Contains(name, "/prophet/") })
	return files
}
