package sync_test

import (
	"errors"
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// yesterday is carol, who has read a mirror of ann's, ann, who edited since and has published that too, and what the mirror was before.
type yesterday struct {
	*family
	mirror afero.Fs
	before map[string]string
}

func newYesterday(t *testing.T, write func(ann *replica.Replica, to afero.Fs) error) *yesterday {
	t.Helper()
	y := &yesterday{family: newFamily(t), mirror: crashfs.New()}
	for _, value := range []string{"first", "second"} {
		y.edit(y.ann, value)
		y.before = filesOf(t, y.mirror)
		y.put(nil)
		if err := write(y.ann, y.mirror); err != nil {
			t.Fatal(err)
		}
	}
	return y
}

// put makes the mirror be these files.
func (y *yesterday) put(files map[string]string) {
	y.t.Helper()
	for name := range filesOf(y.t, y.mirror) {
		if _, stays := files[name]; !stays && files != nil {
			y.must(y.mirror.Remove(name))
		}
	}
	for name, text := range files {
		y.must(errors.Join(y.mirror.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(y.mirror, name, []byte(text), 0o666)))
	}
}

func (y *yesterday) must(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

// refused expects that carol's pull ends with the error, and leaves her replica as it is.
func (y *yesterday) refused(from *replica.Replica, earlier bool) {
	y.t.Helper()
	was := filesOf(y.t, y.carol.FS())
	_, err := psync.Pull(y.t.Context(), y.carol, from, psync.Options{})
	var back *psync.WentBackError
	if !errors.As(err, &back) || back.Earlier != earlier || back.Where != from.Where() {
		y.t.Errorf("pull from %s: %v, want that it went back, earlier %t", from.Where(), err, earlier)
	}
	if now := filesOf(y.t, y.carol.FS()); !maps.Equal(now, was) {
		y.t.Error("the pull that failed left something behind")
	}
}

func TestAMirrorThatShowsYesterdaysStateIsToldSo(t *testing.T) {
	for name, modifiers := range map[string][]webtest.Modifier{"with Range": nil, "without Range": {webtest.NoRange()}} {
		t.Run(name, func(t *testing.T) {
			y := newYesterday(t, publishFlat)
			srv := webtest.Static(t, y.mirror, modifiers...)
			pull(t, y.carol, openLocation(t, srv.URL))
			now := filesOf(t, y.mirror)
			y.put(y.before)
			y.refused(openLocation(t, srv.URL), true)
			y.refused(openLocation(t, srv.URL), true)
			y.put(now)
			if report := pull(t, y.carol, openLocation(t, srv.URL)); report.Known > 0 {
				t.Errorf("after the cache is new: %+v", report)
			}
		})
	}
}

// Bookkeeping stays where it was made, so no puller ever has it: that the old state ends with it makes that no other one.
func TestYesterdaysStateMayEndWithBookkeeping(t *testing.T) {
	y := &yesterday{family: newFamily(t), mirror: crashfs.New()}
	y.edit(y.ann, "a")
	y.edit(y.dave, "b")
	pull(t, y.ann, y.dave)
	pull(t, y.dave, y.ann)
	if !endsWithBookkeeping(t, y.ann) { // it is at the one whose value won
		y.ann = y.dave
	}
	if !endsWithBookkeeping(t, y.ann) {
		t.Fatal("neither log ends with bookkeeping")
	}
	y.must(publishFlat(y.ann, y.mirror))
	y.before = filesOf(t, y.mirror)
	newTicket(t, y.ann)
	y.must(publishFlat(y.ann, y.mirror))
	srv := webtest.Static(t, y.mirror)
	pull(t, y.carol, openLocation(t, srv.URL))
	y.put(y.before)
	y.refused(openLocation(t, srv.URL), true)
}

func endsWithBookkeeping(t *testing.T, r *replica.Replica) bool {
	t.Helper()
	last, err := r.Log().Row(r.Latest())
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Log().Changeset(last)
	if err != nil {
		t.Fatal(err)
	}
	return c.Bookkeeping()
}

func TestAMirrorThatRewroteWhatItSaidIsRefused(t *testing.T) {
	for _, edits := range []int{0, 1, 2} { // of the twin, so that its log is shorter, as long and longer
		y := newYesterday(t, publishFlat)
		srv := webtest.Static(t, y.mirror)
		pull(t, y.carol, openLocation(t, srv.URL))
		other := crashfs.New()
		for range edits + 1 {
			y.edit(y.twin, "by the twin")
		}
		y.must(publishFlat(y.twin, other))
		y.put(filesOf(t, other))
		y.refused(openLocation(t, srv.URL), false)
		if _, err := y.carol.ForgetPlaces(t.Context(), func(string) bool { return true }); err != nil {
			t.Fatal(err)
		}
		var fork *replica.ForkError
		if _, err := psync.Pull(t.Context(), y.carol, openLocation(t, srv.URL), psync.Options{}); !errors.As(err, &fork) {
			t.Errorf("once the place is forgotten: %v, want a fork", err)
		}
	}
}

func TestAMirrorOfARestoredReplicaIsReadOnceItsPlaceIsForgotten(t *testing.T) {
	y := newYesterday(t, publishFlat)
	srv := webtest.Static(t, y.mirror)
	pull(t, y.carol, openLocation(t, srv.URL))
	y.put(y.before)
	y.refused(openLocation(t, srv.URL), true)
	if _, err := y.carol.ForgetPlaces(t.Context(), func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if report := pull(t, y.carol, openLocation(t, srv.URL)); report.Integrated > 0 || report.Known == 0 {
		t.Errorf("%+v", report)
	}
	pull(t, y.carol, openLocation(t, srv.URL))
}

func TestAnExportedCopyThatGoesBackIsRefused(t *testing.T) {
	y := newYesterday(t, func(ann *replica.Replica, to afero.Fs) error {
		fresh := crashfs.New()
		err := psync.Export(t.Context(), ann, fresh, nil)
		for name, text := range filesOf(t, fresh) {
			err = errors.Join(err, to.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(to, name, []byte(text), 0o666))
		}
		return err
	})
	pull(t, y.carol, reopen(t, y.mirror, "/mnt/stick/copy"))
	y.put(y.before)
	y.refused(reopen(t, y.mirror, "/mnt/stick/copy"), true)
}

// A publication of a move, over what an older version published, was cut off between the index and the UUID: the mark is empty then. TestWhoReadsAMirrorInTheMiddleOfAMove…
// has the marks that name states.
func TestAMirrorThatIsBeingWrittenAnewIsReadFromItsBeginning(t *testing.T) {
	y := newYesterday(t, publishTree)
	srv := webtest.Static(t, y.mirror)
	pull(t, y.carol, openLocation(t, srv.URL))
	y.put(y.before)
	y.must(afero.WriteFile(y.mirror, replica.MirrorMark, nil, 0o666))
	pull(t, y.carol, openLocation(t, srv.URL))
}

func TestALaptopThatIsRestoredIsReadFromItsBeginning(t *testing.T) {
	y := newYesterday(t, publishFlat)
	pull(t, y.carol, y.ann)
	var said strings.Builder
	from := reopen(t, y.twin.FS(), "ann") // which has her UUID, and a state before
	if _, err := psync.Pull(t.Context(), y.carol, from, psync.Options{Warn: func(s string) { said.WriteString(s) }}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "it is read again from its beginning") {
		t.Errorf("said %q", said.String())
	}
}
