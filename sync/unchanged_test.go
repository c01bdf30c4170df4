package sync_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

func TestAMirrorOfTheOriginalWithNothingNewIsAskedTwice(t *testing.T) {
	o := newOriginals(t, "three-laptops")
	name := fixture.Replicas("three-laptops")[0]
	dir := "/" + name + "/"
	srv := webtest.Static(t, o.root)
	location := srv.URL + "/" + name
	ann := o.reader("ann")
	unchanged := func() bool {
		t.Helper()
		where, same := carriers().Unchanged(t.Context(), location, ann)
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
	if where, same := carriers().Unchanged(t.Context(), srv.URL, ann); same {
		t.Errorf("what is at %s is said to be at %s", location, where)
	}
	if _, err := ann.ForgetPlaces(t.Context(), func(string) bool { return true }); err != nil || unchanged() {
		t.Errorf("nothing was read at a place that is forgotten; %v", err)
	}
}

func TestAMirrorOfOursIsAskedForMoreThanTheEndsOfItsIndexes(t *testing.T) {
	w, _, srv := served(t, 30, psync.PublishOptions{NoPacks: true})
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, location := range []string{srv.URL, srv.URL + "/" + w.ann.Database().String()} {
		if where, same := carriers().Unchanged(t.Context(), location, clone); same {
			t.Errorf("%s has a list of representations too, and a mark", where)
		}
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
		if _, same := carriers().Unchanged(t.Context(), srv.URL, clone); !same {
			t.Errorf("at %d it is said to have changed: %v", size, srv.Log())
		}
		costs[size] = cost{srv.Requests(), srv.Bytes()}
	}
	if costs[100] != costs[2000] || costs[100].requests != 2 || costs[100].bytes > 2*replica.TailRows*changeset.RowSize {
		t.Errorf("requests and bytes at 100 and 2,000 changesets: %v", costs)
	}
}
