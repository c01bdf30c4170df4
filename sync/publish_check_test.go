package sync_test

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

var checked = psync.PublishOptions{Check: true}

// fullMirror makes a mirror of a replica that has changesets and votes, and returns what is in it.
func fullMirror(t *testing.T) (*workshop, *crashfs.FS, map[string]string) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	dest := crashfs.New()
	w.publish(dest, psync.PublishOptions{})
	return w, dest, filesOf(t, dest)
}

// damages are what can become of a file that another one lies beside.
var damages = []struct {
	name string
	do   func(text, other string) (string, bool) // false: the file is gone
}{
	{"gone", func(string, string) (string, bool) { return "", false }},
	{"emptied", func(string, string) (string, bool) { return "", true }},
	{"cut off", func(text, _ string) (string, bool) { return text[:len(text)/2], true }},
	{"a bit flipped", func(text, _ string) (string, bool) { return text[:len(text)-1] + string(text[len(text)-1]^1), true }},
	{"of other bytes", func(_, other string) (string, bool) { return other, true }},
	{"with junk", func(text, _ string) (string, bool) { return text + "junk", true }},
}

// mendsEach damages each of the files of a mirror in each way, and publishes to it.
func mendsEach(t *testing.T, from *replica.Replica, whole *crashfs.FS, opts psync.PublishOptions, names []string) (mended, refused int) {
	t.Helper()
	opts.Check = true
	want, tried := filesOf(t, whole), 0
	for _, name := range names {
		for _, damage := range damages {
			if tried++; tried%race.Every(9) != 0 {
				continue
			}
			broken, there := damage.do(want[name], "another file")
			dest := whole.Survivor(crashfs.Kill, 0)
			err := dest.Remove(name)
			if there {
				err = afero.WriteFile(dest, name, []byte(broken), 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
			report, err := psync.Publish(t.Context(), from, dest, opts)
			if err != nil && damage.name == "a bit flipped" && mayBeAnother(name) {
				refused++
				continue
			}
			if err != nil {
				t.Fatalf("%s %s: %v", name, damage.name, err)
			}
			mended++
			sameFiles(t, name+" "+damage.name, filesOf(t, dest), want)
			if report.Restored != 1 && !isNumber(name) || !report.Wrote {
				t.Errorf("%s %s: report %+v", name, damage.name, *report)
			}
			again, err := psync.Publish(t.Context(), from, dest, opts)
			if err != nil || again.Wrote || again.Restored > 0 {
				t.Errorf("%s %s: again %+v, %v", name, damage.name, again, err)
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	return mended, refused
}

// Nobody can tell a UUID, or a number of a format, with a flipped bit from another one: that is refused.
func TestCheckedPublicationMendsEachFile(t *testing.T) {
	w, whole, want := fullMirror(t)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(want)), func(name string) bool { return path.Base(name) == "lock" })
	mended, refused := mendsEach(t, w.ann, whole, psync.PublishOptions{}, names)
	t.Logf("%d files, %d damages mended, %d refused", len(names), mended, refused)
	if mended < 400/race.Every(9) || refused > 6 {
		t.Errorf("%d damages were mended, %d refused", mended, refused)
	}
}

func TestCheckedPublicationMendsTheListOfRepresentations(t *testing.T) {
	_, from := learnt(t)
	whole, flat := crashfs.New(), psync.PublishOptions{Flat: true}
	if _, err := psync.Publish(t.Context(), from, whole, flat); err != nil {
		t.Fatal(err)
	}
	list, err := from.Representations()
	if err != nil {
		t.Fatal(err)
	}
	row, err := list.Row(list.Latest())
	if err != nil {
		t.Fatal(err)
	}
	mendsEach(t, from, whole, flat, []string{replica.RepresentationsFile, replica.LatestRepresentationFile, changeset.ObjectPath(changeset.ChangesetObjects, row.Key)})
}

func mayBeAnother(name string) bool {
	return strings.HasSuffix(name, "-uuid") || strings.HasSuffix(name, changeset.ReplicaVersionFile)
}

// isNumber reports whether a file says how many rows count: with a smaller number, the others are new.
func isNumber(name string) bool {
	return strings.HasSuffix(name, changeset.LatestFile) || strings.HasSuffix(name, replica.LatestRepresentationFile)
}

func TestCheckedPublicationOfAWholeMirrorWritesNothing(t *testing.T) {
	w, dest, want := fullMirror(t)
	dest.Record()
	done, total := 0, 0
	report := w.publish(dest, psync.PublishOptions{Check: true, Progress: func(d, n int) { done, total = d, n }})
	if report.Wrote || report.Restored > 0 || total == 0 || done != total {
		t.Errorf("report %+v, %d of %d", *report, done, total)
	}
	for _, op := range dest.Ops() {
		if op.Kind == "rename" {
			t.Errorf("it was written to: %s", op)
		}
	}
	sameFiles(t, "mirror", filesOf(t, dest), want)
}

func TestCheckedPublicationCountsWhatWasLostApartFromWhatIsNew(t *testing.T) {
	w, dest, _ := fullMirror(t)
	dir := w.ann.Database().String()
	w.check(dest.RemoveAll(dir + "/cas/changesets"))
	lost := len(idsOf(t, w.ann.Log()))
	rec := w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
	w.update(w.ann, rec, map[string]string{"status": "resolved"})
	report := w.publish(dest, checked)
	if report.Changesets != 2 || report.Records != 1 || report.Restored < lost {
		t.Errorf("report %+v; %d changesets were lost", *report, lost)
	}
	fresh := crashfs.New()
	w.publish(fresh, psync.PublishOptions{})
	sameFiles(t, "mirror", withoutOldVersions(filesOf(t, dest), filesOf(t, fresh)), filesOf(t, fresh))
}

func TestCheckedPublicationMakesANewMirror(t *testing.T) {
	w, _, want := fullMirror(t)
	dest := crashfs.New()
	if report := w.publish(dest, checked); report.Restored > 0 || !report.Wrote {
		t.Errorf("report %+v", *report)
	}
	sameFiles(t, "mirror", filesOf(t, dest), want)
}

// What the mirror of a copy holds, and this replica does not, is not taken for damage.
func TestCheckedPublicationRefusesWhatWouldBeLost(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	disk := crashfs.New()
	for name, text := range filesOf(t, w.ann.FS()) {
		w.write(disk, name, text)
	}
	twin, err := replica.Open(disk, w.options("twin"))
	w.check(err)
	w.ticket(twin, "Made in the copy", "new", "loft")
	dest := crashfs.New()
	_, err = psync.Publish(t.Context(), twin, dest, psync.PublishOptions{})
	w.check(err)
	want := filesOf(t, dest)
	for range 2 {
		_, err = psync.Publish(t.Context(), w.ann, dest, checked)
		if err == nil || !strings.Contains(err.Error(), "in the mirror and not here: this replica was copied or restored") {
			t.Errorf("got %v", err)
		}
		sameFiles(t, "mirror", filesOf(t, dest), want)
		w.ticket(w.ann, "Made in the first", "new", "loft") // so that the row there is another one here
	}
}

// Nor does it help another's mirror to have lost its UUID.
func TestCheckedPublicationRefusesWhatIsNotItsMirror(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	dest := crashfs.New()
	_, err := psync.Publish(t.Context(), w.ben, dest, psync.PublishOptions{})
	w.check(err)
	dir := w.ann.Database().String() + "/"
	_, err = psync.Publish(t.Context(), w.ann, dest, checked)
	if err == nil || !strings.Contains(err.Error(), "there is a mirror of another replica already") {
		t.Errorf("got %v", err)
	}
	w.check(dest.Remove(dir + "replica-uuid"))
	_, err = psync.Publish(t.Context(), w.ann, dest, checked)
	if err == nil || !strings.Contains(err.Error(), "in the mirror and not here") && !strings.Contains(err.Error(), "another replica") {
		t.Errorf("got %v", err)
	}
}

func TestCheckedPublicationListsTheOtherDatabasesAgain(t *testing.T) {
	w, dest, _ := fullMirror(t)
	other, err := replica.Init(t.Context(), crashfs.New(), replica.Identity{}, w.options("other"))
	w.check(err)
	_, err = psync.Publish(t.Context(), other, dest, psync.PublishOptions{})
	w.check(err)
	want := filesOf(t, dest)
	for _, text := range []string{"", want[psync.MirrorFile][:20]} {
		w.write(dest, psync.MirrorFile, text)
		w.publish(dest, checked)
		sameFiles(t, "mirror", filesOf(t, dest), want)
	}
}

// The mirror of a former UUID is written anew, whatever it lost.
func TestCheckedPublicationFollowsANewUUID(t *testing.T) {
	w, dest, _ := fullMirror(t)
	dir := w.ann.Database().String() + "/"
	w.check(w.ann.Update(t.Context(), func(tx *replica.Tx) error { tx.Renew(); return nil }))
	w.check(dest.RemoveAll(dir + "cas/changesets"))
	w.write(dest, dir+"changesets.idx", row(1, 5)) // which names nothing that is there
	w.publish(dest, checked)
	fresh := crashfs.New()
	w.publish(fresh, psync.PublishOptions{})
	sameFiles(t, "mirror", withoutOldVersions(filesOf(t, dest), filesOf(t, fresh)), filesOf(t, fresh))
}

// A checked publication that is cut off leaves nothing worse, and the next one ends it.
func TestCheckedPublicationCanBeCutOff(t *testing.T) {
	w, whole, want := fullMirror(t)
	dir := w.ann.Database().String() + "/"
	names := slices.Sorted(maps.Keys(want))
	for i, name := range names {
		if i%3 == 0 && (strings.HasPrefix(name, dir+"cas/") || strings.HasPrefix(name, dir+"records/")) {
			w.check(whole.Remove(name))
		}
	}
	w.check(whole.Remove(dir + "changesets.idx"))
	for k := 1; ; k += 3 {
		disk := whole.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		_, err := psync.Publish(t.Context(), w.ann, disk, checked)
		if !disk.Failed() {
			break
		}
		if err == nil {
			t.Fatalf("operation %d failed, and nothing was said", k)
		}
		left := disk.Survivor(crashfs.PowerCut, int64(k%3))
		w.publish(left, checked)
		if sameFiles(t, "mirror", filesOf(t, left), want); t.Failed() {
			t.FailNow()
		}
	}
}

func TestPublishSaysThatTheMirrorLostItsLastChangeset(t *testing.T) {
	w, dest, _ := fullMirror(t)
	w.check(dest.RemoveAll(w.ann.Database().String() + "/cas/changesets"))
	for range 2 {
		_, err := psync.Publish(t.Context(), w.ann, dest, psync.PublishOptions{})
		var damaged *psync.MirrorError
		if !errors.As(err, &damaged) || !strings.Contains(err.Error(), "publish: the mirror lacks cas/changesets/") {
			t.Errorf("got %v", err)
		}
		w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
	}
}

// Who reads a mirror that lost a file, or has one damaged, is told that it is one, and other errors are not taken for that.
func TestReaderOfADamagedMirrorLearnsWhereTheFaultIs(t *testing.T) {
	w, whole, want := fullMirror(t)
	dir := w.ann.Database().String()
	last, err := w.ann.Log().Row(w.ann.Latest())
	w.check(err)
	for _, name := range []string{"changesets.idx", changeset.ObjectPath(changeset.ChangesetObjects, last.Key)} {
		for _, text := range []string{"", want[dir+"/"+name][:30], "gone"} {
			dest := whole.Survivor(crashfs.Kill, 0)
			w.write(dest, dir+"/"+name, text)
			if text == "gone" {
				w.check(dest.Remove(dir + "/" + name))
			}
			mirror, err := replica.Open(afero.NewBasePathFs(dest, dir), replica.Options{Where: "www", Sleep: replicatest.AtOnce})
			w.check(err)
			_, _, err = psync.Clone(t.Context(), crashfs.New(), mirror, replica.Options{}, psync.Options{Adopt: true})
			var faulty *replica.FaultyError
			if !errors.As(err, &faulty) || faulty.Where != "www" || !faulty.Mirror {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	}
}

// What no record shows any longer stays for readers who began before. Where it is damaged, it is no use to them, and fsck names it.
func TestCheckedPublicationTakesDamagedObjectsThatNothingNames(t *testing.T) {
	for _, elsewhereToo := range []bool{false, true} {
		w := newWorkshop(t, crashfs.New())
		ticket := w.ticket(w.ann, "first", "new", "")
		dest := afero.Fs(crashfs.New())
		publish := func(opts psync.PublishOptions) *psync.Published { return w.publish(dest, opts) }
		if elsewhereToo {
			there, at := newElsewhere(dest, 1)
			publish = func(opts psync.PublishOptions) *psync.Published { return w.publishElsewhere(at, there, opts) }
		}
		publish(psync.PublishOptions{})
		before := filesOf(t, dest)
		w.update(w.ann, ticket, map[string]string{"status": "open"})
		publish(psync.PublishOptions{})
		after := filesOf(t, dest)
		superseded := ""
		for name, text := range before {
			if strings.Contains(name, "/"+changeset.RecordObjects+"/") && after[name] == text {
				superseded = name
			}
		}
		if superseded == "" {
			t.Fatal("the first version of the ticket is gone already")
		}
		if err := afero.WriteFile(dest, superseded, []byte("damage"), 0o666); err != nil {
			t.Fatal(err)
		}
		if report := publish(checked); report.Restored != 1 || !report.Wrote {
			t.Errorf("elsewhere %t: report %+v", elsewhereToo, *report)
		}
		delete(after, superseded)
		sameFiles(t, "the damaged object of a former version", filesOf(t, dest), after)
	}
}
