package sync_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// nothingNew reports whether a mirror is said to have nothing new, and where it is.
func nothingNew(t *testing.T, location string, to *replica.Replica) (where string, same bool) {
	t.Helper()
	where, from, ok := carriers().News(t.Context(), location, to, replica.Options{})
	return where, ok && from == nil
}

func TestAMirrorOfTheOriginalWithNothingNewIsAskedTwice(t *testing.T) {
	o := newOriginals(t, "three-laptops")
	name := fixture.Replicas("three-laptops")[0]
	dir := "/" + name + "/"
	srv := webtest.Static(t, o.root)
	location := srv.URL + "/" + name
	ann := o.reader("ann")
	unchanged := func() bool {
		t.Helper()
		where, same := nothingNew(t, location, ann)
		if same && where != location {
			t.Errorf("it is at %s, not %s", where, location)
		}
		return same
	}
	if srv.Reset(); unchanged() || srv.Requests() > 0 {
		t.Errorf("before the first pull: %v", srv.Log())
	}
	pull(t, ann, openLocation(t, location))
	if srv.Reset(); !unchanged() || srv.Requests() != 2 || srv.Bytes() > 2*replica.TailRows*changeset.RowSize {
		t.Errorf("%d bytes in %v", srv.Bytes(), srv.Log())
	}
	if report := pull(t, ann, openLocation(t, location)); report.Integrated+report.Known+report.Votes > 0 {
		t.Errorf("a pull brings %+v", report)
	}

	index, votes := dir+"changesets.idx", dir+"resolutions/changesets.idx"
	read := func(name string) []byte {
		b, err := afero.ReadFile(o.root, name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	was := map[string][]byte{index: read(index), votes: read(votes)}
	for _, name := range []string{index, votes} {
		b := was[name]
		other, above := append([]byte(nil), b...), append([]byte(nil), b...)
		other[len(b)-1] ^= 1
		above[len(b)-45] ^= 1
		for what, now := range map[string][]byte{
			"a row more": append(append([]byte(nil), b...), b[:44]...), "a row less": b[:len(b)-44], "a byte more": append(append([]byte(nil), b...), 0),
			"another last row": other, "another row above it": above, "nothing": {}, "a page": []byte(strings.Repeat("<html>", 100)),
		} {
			if err := afero.WriteFile(o.root, name, now, 0o666); err != nil {
				t.Fatal(err)
			}
			if unchanged() {
				t.Errorf("%s with %s is said to be unchanged", name, what)
			}
		}
		if err := o.root.Remove(name); err != nil || unchanged() {
			t.Errorf("without %s it is said to be unchanged, or %v", name, err)
		}
		if err := afero.WriteFile(o.root, name, b, 0o666); err != nil || !unchanged() {
			t.Errorf("with %s as it was it is said to have changed, or %v", name, err)
		}
	}

	for what, odd := range map[string]webtest.Modifier{
		"a server without parts": webtest.NoRange(), "a busy one": webtest.Status("*", http.StatusServiceUnavailable), "one that knows nobody": webtest.Status("*", http.StatusForbidden),
	} {
		srv.Set(odd)
		if srv.Reset(); unchanged() || srv.Requests() != 1 {
			t.Errorf("%s: %v", what, srv.Log())
		}
	}
	srv.Set()
	if where, same := nothingNew(t, srv.URL, ann); same {
		t.Errorf("what is at %s is said to be at %s", location, where)
	}
	if _, err := ann.ForgetPlaces(t.Context(), func(string) bool { return true }); err != nil || unchanged() {
		t.Errorf("nothing was read at a place that is forgotten; %v", err)
	}
}

func TestAMirrorOfTheOriginalWithNothingNewCostsTheSameAtAnySize(t *testing.T) {
	costs := map[int]cost{}
	for _, size := range []int{100, 2000} {
		_, dest, srv := served(t, size, psync.PublishOptions{Flat: true, NoPacks: true})
		if err := dest.RemoveAll("/prophet"); err != nil {
			t.Fatal(err)
		}
		clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{})
		if err != nil {
			t.Fatal(err)
		}
		srv.Reset()
		if _, same := nothingNew(t, srv.URL, clone); !same {
			t.Errorf("at %d it is said to have changed: %v", size, srv.Log())
		}
		costs[size] = cost{srv.Requests(), srv.Bytes()}
	}
	if costs[100] != costs[2000] || costs[100].requests != 2 || costs[100].bytes > 2*replica.TailRows*changeset.RowSize {
		t.Errorf("requests and bytes at 100 and 2,000 changesets: %v", costs)
	}
}

// ofOriginal is a mirror that the original made of one replica of its own, with so many tickets, on a web server.
func ofOriginal(t *testing.T, tickets int) (erin *v1peer.Peer, disk *crashfs.FS, srv *webtest.Server) {
	t.Helper()
	disk = crashfs.New()
	erin, err := v1peer.Init(disk, v1peer.Options{Creator: "erin@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	writes(t, erin, tickets)
	return erin, disk, webtest.Static(t, disk)
}

// writes has a user of the original create so many tickets.
func writes(t *testing.T, erin *v1peer.Peer, tickets int) {
	t.Helper()
	for range tickets {
		if _, err := erin.Create("Ticket", map[string]string{"status": "new"}); err != nil {
			t.Fatal(err)
		}
	}
}

// news pulls what News finds, or what is found without it, and reports which, and what came.
func news(t *testing.T, location string, to *replica.Replica) (came int, known bool, err error) {
	t.Helper()
	_, from, known := carriers().News(t.Context(), location, to, replica.Options{})
	if known && from == nil {
		return 0, true, nil
	}
	if !known {
		if from, err = carriers().Open(t.Context(), location, replica.Options{}); err != nil {
			return 0, false, err
		}
	}
	report, err := psync.Pull(t.Context(), to, from, psync.Options{Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		return 0, known, err
	}
	return report.Integrated, known, nil
}

func TestNewsOfAMirrorOfTheOriginalCostWhatTheyAreAndTwoRequests(t *testing.T) {
	erin, _, srv := ofOriginal(t, 130)
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range []int{10, 1, 30} {
		writes(t, erin, n)
		srv.Reset()
		came, known, err := news(t, srv.URL, clone)
		if err != nil || !known || came != n || srv.Requests() != int64(n+2) || strings.Count(strings.Join(srv.Log(), "\n"), "/cas/changesets/") != n {
			t.Errorf("time %d: %d came, known %v (%v), with %d requests: %v", i, came, known, err, srv.Requests(), srv.Log())
		}
		replicatest.Alike(t, "after it", clone, replicatest.Clone(t, openLocation(t, srv.URL), replica.Options{}))
		if _, same := nothingNew(t, srv.URL, clone); !same {
			t.Errorf("time %d: something is new afterwards", i)
		}
	}
	rec, err := erin.Create("Ticket", nil)
	if err == nil {
		err = erin.Update(rec, map[string]string{"status": "open"})
	}
	srv.Reset()
	if came, known, newsErr := news(t, srv.URL, clone); err != nil || newsErr != nil || !known || came != 2 || srv.Requests() != 5 { // all of the index tells what the update had seen
		t.Errorf("an update: %d came, known %v (%v, %v): %v", came, known, err, newsErr, srv.Log())
	}
	srv.Reset()
	writes(t, erin, 25) // which passes 192
	if came, known, err := news(t, srv.URL, clone); err != nil || known || came != 25 || !strings.Contains(fmt.Sprint(srv.Log()), "/prophet/head") {
		t.Errorf("past a multiple of 64: %d came, known %v (%v): %v", came, known, err, srv.Log())
	}
}

// What was imported has a name of the kind that a move gives, so a new changeset of the original may be here under it, and has to be looked at before the pull begins.
func TestNewsOfAMirrorOfTheOriginalAreFetchedOnceBesideWhatWasImported(t *testing.T) {
	erin, _, srv := ofOriginal(t, 130)
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for n := range 250 {
		text.WriteString(line(change("create", n, "status", "new")))
	}
	importText(t, clone, text.String())
	for _, n := range []int{10, 1, 30} {
		writes(t, erin, n)
		srv.Reset()
		if came, known, err := news(t, srv.URL, clone); err != nil || !known || came != n || srv.Requests() != int64(n+2) {
			t.Errorf("%d came of %d, known %v (%v), with %d requests: %v", came, n, known, err, srv.Requests(), srv.Log())
		}
	}
	writes(t, erin, 25) // which passes 192
	srv.Reset()
	came, _, err := news(t, srv.URL, clone)
	if fetched := strings.Count(strings.Join(srv.Log(), "\n"), "/cas/changesets/"); err != nil || came != 25 || fetched != 25 {
		t.Errorf("%d came (%v), %d were fetched: %v", came, err, fetched, srv.Log())
	}
}

// A mirror of the original that has votes too.
func TestNewsOfTheVotesOfAMirrorOfTheOriginalAreFound(t *testing.T) {
	o := newOriginals(t, "three-laptops")
	name := fixture.Replicas("three-laptops")[0]
	srv := webtest.Static(t, o.root)
	location := srv.URL + "/" + name
	ann := o.reader("ann")
	pull(t, ann, openLocation(t, location))
	index := "/" + name + "/resolutions/changesets.idx"
	whole, err := afero.ReadFile(o.root, index)
	if err != nil {
		t.Fatal(err)
	}
	votes := len(whole) / changeset.RowSize
	for _, has := range []int{votes - 1, votes} { // one vote less than it had, which its number does not say
		if err := afero.WriteFile(o.root, index, whole[:has*changeset.RowSize], 0o666); err != nil {
			t.Fatal(err)
		}
		if _, same := nothingNew(t, location, ann); same != (has == votes) {
			t.Errorf("with %d of %d votes it is said to be the same: %v", has, votes, same)
		}
	}
	erin, err := v1peer.Open(afero.NewBasePathFs(o.root, "/"+name), v1peer.Options{Creator: "erin@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	writes(t, erin, 1)
	srv.Reset()
	if came, known, err := news(t, location, ann); err != nil || !known || came != 1 || srv.Requests() != 3 {
		t.Errorf("%d came, known %v (%v): %v", came, known, err, srv.Log())
	}
}

// Whatever the place of a mirror of the original has become meanwhile, a pull finds it out as if nothing was known of it.
func TestAMirrorOfTheOriginalThatChangedItsMindIsNoticed(t *testing.T) {
	type scene struct {
		t     *testing.T
		erin  *v1peer.Peer
		disk  *crashfs.FS
		srv   *webtest.Server
		clone *replica.Replica
	}
	replace := func(s *scene, by *crashfs.FS) {
		for name := range filesOf(s.t, s.disk) {
			if err := s.disk.Remove(name); err != nil {
				s.t.Fatal(err)
			}
		}
		for name, text := range filesOf(s.t, by) {
			if err := errors.Join(s.disk.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(s.disk, name, []byte(text), 0o666)); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	for _, tc := range []struct {
		name   string
		change func(s *scene)
		known  bool // it is found out by the pull, and not before
		came   int
		want   func(err error) bool
	}{
		{name: "another database", change: func(s *scene) {
			_, other, _ := ofOriginal(s.t, 50)
			replace(s, other)
		}, want: func(err error) bool { return errors.Is(err, psync.ErrOtherDatabase) }},
		{name: "another replica", change: func(s *scene) {
			disk := crashfs.New()
			finn, err := v1peer.Clone(disk, s.disk, v1peer.Options{Creator: "finn@example.com"})
			if err != nil {
				s.t.Fatal(err)
			}
			writes(s.t, finn, 3)
			replace(s, disk)
		}, came: 3},
		{name: "an earlier state", change: func(s *scene) {
			rows, err := afero.ReadFile(s.disk, changeset.IndexFile)
			if err != nil {
				s.t.Fatal(err)
			}
			for name, text := range map[string]string{changeset.IndexFile: string(rows[:39*changeset.RowSize]), changeset.LatestFile: "39"} {
				if err := afero.WriteFile(s.disk, name, []byte(text), 0o666); err != nil {
					s.t.Fatal(err)
				}
			}
		}, want: func(err error) bool { return errors.As(err, new(*psync.WentBackError)) }},
		{name: "a server without Range", change: func(s *scene) {
			writes(s.t, s.erin, 2)
			s.srv.Set(webtest.NoRange())
		}, came: 2},
		{name: "nothing", change: func(s *scene) { replace(s, crashfs.New()) }, want: func(err error) bool { return errors.Is(err, replica.ErrNotReplica) }},
		{name: "a row that does not count yet, without its changeset", change: func(s *scene) {
			writes(s.t, s.erin, 1)
			rows, err := afero.ReadFile(s.disk, changeset.IndexFile)
			if err != nil {
				s.t.Fatal(err)
			}
			ends, err := changeset.ParseRows(rows[40*changeset.RowSize:], 41)
			if err != nil {
				s.t.Fatal(err)
			}
			next := ends[0]
			next.Seq, next.ID.Seq, next.Key[0] = 42, 42, next.Key[0]^1
			if err := afero.WriteFile(s.disk, changeset.IndexFile, changeset.AppendRow(rows, next), 0o666); err != nil {
				s.t.Fatal(err)
			}
		}, known: true, came: 1},
		{name: "a first vote", change: func(s *scene) {
			writes(s.t, s.erin, 1)
			if err := afero.WriteFile(s.disk, "resolutions/changesets.idx", make([]byte, changeset.RowSize), 0o666); err != nil {
				s.t.Fatal(err)
			}
		}, came: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &scene{t: t}
			s.erin, s.disk, s.srv = ofOriginal(t, 40)
			var err error
			s.clone, _, err = psync.Clone(t.Context(), crashfs.New(), openLocation(t, s.srv.URL), replica.Options{}, psync.Options{Adopt: true})
			if err != nil {
				t.Fatal(err)
			}
			tc.change(s)
			came, known, err := news(t, s.srv.URL, s.clone)
			if tc.want == nil && err != nil || tc.want != nil && !tc.want(err) || known != tc.known || came != tc.came {
				t.Errorf("%d came, known %v: %v", came, known, err)
			}
		})
	}
}

// What the user forced once is not done again without that.
func TestAnotherDatabaseIsRefusedWhereItWasForcedOnce(t *testing.T) {
	erin, _, srv := ofOriginal(t, 3)
	ann := replicatest.Init(t, crashfs.New(), replica.Options{})
	if _, err := psync.Pull(t.Context(), ann, openLocation(t, srv.URL), psync.Options{Force: true}); err != nil {
		t.Fatal(err)
	}
	writes(t, erin, 1)
	if came, known, err := news(t, srv.URL, ann); known || !errors.Is(err, psync.ErrOtherDatabase) {
		t.Errorf("%d came, known %v: %v", came, known, err)
	}
}

// A mirror of the original that becomes one of ours is taken for what it is when its log passes a multiple of 64 rows.
func TestAMirrorThatGetsPacksIsReadByThemInTime(t *testing.T) {
	w, dest, srv := served(t, 100, psync.PublishOptions{Flat: true, NoPacks: true})
	if err := dest.RemoveAll("/prophet"); err != nil {
		t.Fatal(err)
	}
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{10, 10, 20} { // 128 is passed by the last
		for range n {
			w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
		}
		w.publish(dest, psync.PublishOptions{Flat: true})
		before := clone.Latest()
		srv.Reset()
		came, known, err := news(t, srv.URL, clone)
		if err != nil || came != n || known != (before/64 == clone.Latest()/64) || strings.Contains(fmt.Sprint(srv.Log()), "/cas/") != known {
			t.Errorf("after row %d: %d came, known %v (%v): %v", before, came, known, err, srv.Log())
		}
	}
	w.ticket(w.ann, "Projector: remote is found", "new", "loft")
	w.publish(dest, psync.PublishOptions{Flat: true})
	srv.Reset()
	if came, _, err := news(t, srv.URL, clone); err != nil || came != 1 || srv.Requests() > 3 {
		t.Errorf("from then on: %d came (%v): %v", came, err, srv.Log())
	}
}

func TestAMirrorOfOursWithoutPacksIsAskedOnceWhereNothingIsNew(t *testing.T) {
	for _, size := range []int{100, more} {
		w, dest, srv := served(t, size, psync.PublishOptions{NoPacks: true})
		clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true})
		if err != nil {
			t.Fatal(err)
		}
		dir := "/" + w.ann.Database().String()
		for _, location := range []string{srv.URL, srv.URL + dir, srv.URL + dir + "/"} {
			srv.Reset()
			if where, same := nothingNew(t, location, clone); !same || strings.TrimSuffix(where, "/") != srv.URL+dir || srv.Requests() != 1 {
				t.Errorf("%d changesets, %s: %v at %s: %v", size, location, same, where, srv.Log())
			}
		}
		mark, err := afero.ReadFile(dest, dir+"/"+replica.MirrorMark)
		if err != nil {
			t.Fatal(err)
		}
		for what, text := range map[string]string{"an older one": "", "no mark": "{}", "a page": "<html>"} {
			if err := afero.WriteFile(dest, dir+"/"+replica.MirrorMark, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			if _, same := nothingNew(t, srv.URL, clone); same {
				t.Errorf("with %s nothing is said to be new", what)
			}
		}
		if err := afero.WriteFile(dest, dir+"/"+replica.MirrorMark, mark, 0o666); err != nil {
			t.Fatal(err)
		}
		for _, location := range []string{srv.URL + dir, srv.URL, srv.URL, srv.URL, srv.URL, srv.URL, srv.URL} {
			before := clone.Latest()
			for range 10 {
				w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
			}
			w.publish(dest, psync.PublishOptions{NoPacks: true})
			srv.Reset()
			came, known, err := news(t, location, clone)
			want := int64(12)
			if before/64 != clone.Latest()/64 {
				want++ // whether there are packs by now
			}
			if err != nil || !known || came != 10 || srv.Requests() != want {
				t.Errorf("%d changesets: %d came, known %v (%v), %d requests: %v", size, came, known, err, srv.Requests(), srv.Log())
			}
		}
		sameState(t, "clone", clone, w.ann)
	}
}

// A mirror of ours that gets packs is read by them when its log passes a multiple of 64 rows, and what is more than new rows of the log is found at once.
func TestAMirrorOfOursThatGetsPacksIsReadByThemInTime(t *testing.T) {
	w, dest, srv := served(t, 100, psync.PublishOptions{NoPacks: true})
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	byPacks := func() bool { return !strings.Contains(fmt.Sprint(srv.Log()), "/cas/") }
	for _, n := range []int{10, 30, 1} { // 128 is passed by the second
		for range n {
			w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
		}
		w.publish(dest, psync.PublishOptions{})
		passes := clone.Latest() > 128 || clone.Latest()+uint32(n) >= 128
		srv.Reset()
		if came, _, err := news(t, srv.URL, clone); err != nil || came != n || byPacks() != passes || passes && n == 1 && srv.Requests() != 1 {
			t.Errorf("%d came of %d (%v): %v", came, n, err, srv.Log())
		}
	}
	sameState(t, "clone", clone, w.ann)
}

// What is another mirror by now, or has more than new rows of its log, is read as by who asks for everything.
func TestAMirrorOfOursWithoutPacksThatChangedItsMindIsNoticed(t *testing.T) {
	flat := psync.PublishOptions{Flat: true, NoPacks: true}
	type scene struct {
		*workshop
		disk, dest *crashfs.FS
		srv        *webtest.Server
		early      map[string]string // Ann's files before the clones
	}
	write := func(s *scene, fsys afero.Fs, files map[string]string) {
		for name, text := range files {
			s.check(errors.Join(fsys.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(fsys, name, []byte(text), 0o666)))
		}
	}
	serve := func(s *scene, r *replica.Replica) {
		other := crashfs.New()
		_, err := psync.Publish(t.Context(), r, other, flat)
		s.check(err)
		for name := range filesOf(t, s.dest) {
			s.check(s.dest.Remove(name))
		}
		write(s, s.dest, filesOf(t, other))
	}
	for _, tc := range []struct {
		name   string
		change func(s *scene)
		fails  bool
	}{
		{name: "new rows", change: func(s *scene) {
			s.ticket(s.ann, "Projector: remote is lost", "new", "loft")
			s.publish(s.dest, flat)
		}},
		{name: "a vote", change: func(s *scene) {
			rec := s.ticket(s.ann, "Projector: remote is lost", "new", "loft")
			s.pull(s.ben, s.ann)
			s.update(s.ben, rec, map[string]string{"status": "open"})
			s.update(s.ann, rec, map[string]string{"status": "stalled"})
			_, err := psync.Pull(t.Context(), s.ann, s.ben, psync.Options{Prefer: psync.PreferFrom})
			s.check(err)
			s.publish(s.dest, flat)
		}},
		{name: "a new identity", change: func(s *scene) {
			_, err := psync.Reidentify(t.Context(), s.ann, s.ben, psync.Options{})
			s.check(err)
			s.ticket(s.ann, "Projector: remote is lost", "new", "loft")
			s.publish(s.dest, flat)
		}},
		{name: "another replica", change: func(s *scene) {
			s.pull(s.ben, s.ann)
			s.ticket(s.ben, "Projector: remote is lost", "new", "loft")
			serve(s, s.ben)
		}},
		{name: "another database", fails: true, change: func(s *scene) {
			other := replicatest.Init(t, crashfs.New(), replica.Options{})
			for i := range 40 {
				s.ticket(other, fmt.Sprint("Another ", i), "new", "loft")
			}
			serve(s, other)
		}},
		{name: "a restored one, edited again", fails: true, change: func(s *scene) {
			disk := crashfs.New()
			write(s, disk, s.early)
			restored, err := replica.Open(disk, s.options("ann"))
			s.check(err)
			for i := range 9 {
				s.ticket(restored, fmt.Sprint("Another ", i), "new", "loft")
			}
			serve(s, restored)
		}},
		{name: "an index that is behind its mark", fails: true, change: func(s *scene) {
			index, err := afero.ReadFile(s.dest, changeset.IndexFile)
			s.check(err)
			s.ticket(s.ann, "Projector: remote is lost", "new", "loft")
			s.publish(s.dest, flat)
			s.check(afero.WriteFile(s.dest, changeset.IndexFile, index, 0o666))
		}},
		{name: "a changeset that is missing", fails: true, change: func(s *scene) {
			s.ticket(s.ann, "Projector: remote is lost", "new", "loft")
			s.publish(s.dest, flat)
			row, err := s.ann.Log().Row(s.ann.Latest())
			s.check(err)
			s.check(s.dest.Remove(changeset.ObjectPath(changeset.ChangesetObjects, row.Key)))
		}},
		{name: "a server without Range", change: func(s *scene) {
			s.ticket(s.ann, "Projector: remote is lost", "new", "loft")
			s.publish(s.dest, flat)
			s.srv.Set(webtest.NoRange())
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &scene{disk: crashfs.New(), dest: crashfs.New()}
			s.workshop = newWorkshop(t, s.disk)
			s.few()
			s.early = filesOf(t, s.disk)
			for i := range 5 {
				s.ticket(s.ann, fmt.Sprint("One more ", i), "new", "loft")
			}
			s.publish(s.dest, flat)
			s.srv = webtest.Static(t, s.dest)
			var clones [2]*replica.Replica
			for i := range clones {
				var err error
				clones[i], _, err = psync.Clone(t.Context(), crashfs.New(), openLocation(t, s.srv.URL), replica.Options{}, psync.Options{Adopt: true})
				s.check(err)
			}
			tc.change(s)
			_, _, err := news(t, s.srv.URL, clones[0])
			_, plain := psync.Pull(t.Context(), clones[1], openLocation(t, s.srv.URL), psync.Options{Sleep: func(context.Context, time.Duration) error { return nil }})
			if fmt.Sprint(err) != fmt.Sprint(plain) || (err != nil) != tc.fails {
				t.Errorf("%v, and by who asks for everything: %v", err, plain)
			}
			sameState(t, "what asks for little", clones[0], clones[1])
			if !tc.fails && tc.name != "another replica" {
				sameState(t, "it", clones[0], s.ann)
			}
		})
	}
}
