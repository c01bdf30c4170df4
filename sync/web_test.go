package sync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// carriers reach directories of the disk and web servers; the latter are asked again at once.
func carriers() psync.Carriers {
	web := psync.Web(psync.WebOptions{IdleTimeout: 5 * time.Minute, // a machine may be busy
		Sleep: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }})
	files := psync.Directory(afero.NewOsFs())
	return psync.Carriers{"": files, "file": files, "http": web, "https": web}
}

func openLocation(tb testing.TB, location string) *replica.Replica {
	tb.Helper()
	r, err := carriers().Open(tb.Context(), location, replica.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// served is a database of so many changesets on a web server that counts, and a clone of it.
func served(tb testing.TB, size int, opts psync.PublishOptions) (w *workshop, dest afero.Fs, srv *webtest.Server) {
	tb.Helper()
	w = newWorkshop(tb, crashfs.New())
	w.few()
	w.many(size - int(w.ann.Latest()))
	dest = crashfs.New()
	w.publish(dest, opts)
	return w, dest, webtest.Static(tb, dest)
}

// cost is what a server was asked for, less what the number in latest-sequence-no adds to the bytes.
type cost struct {
	requests, bytes int64
}

func costOf(srv *webtest.Server, size int) cost {
	return cost{srv.Requests(), srv.Bytes() - int64(len(strconv.Itoa(size)))}
}

// more is how many changesets a replica has that costs what one of a hundred does: more than come in one batch.
var more = race.Part(1200)

func TestPullWithNothingNewCostsTheSameAtAnySize(t *testing.T) {
	costs := map[int][3]cost{}
	for _, size := range []int{100, more} {
		w, _, srv := served(t, size, psync.PublishOptions{NoPacks: true})
		long := srv.URL + "/" + w.ann.Database().String()
		clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true})
		if err != nil {
			t.Fatal(err)
		}
		var got [3]cost
		for i, location := range []string{srv.URL, long, long + "/"} {
			srv.Reset()
			report, err := psync.Pull(t.Context(), clone, openLocation(t, location), psync.Options{})
			if err != nil || report.Integrated+report.Votes+report.Known > 0 {
				t.Errorf("report %+v, %v", report, err)
			}
			got[i] = costOf(srv, size)
			if strings.Contains(fmt.Sprint(srv.Log()), "changesets.idx") {
				t.Errorf("the index was read: %v", srv.Log())
			}
		}
		costs[size] = got
	}
	if costs[100] != costs[more] {
		t.Errorf("requests and bytes at 100 and %d changesets: %v, %v", more, costs[100], costs[more])
	}
	if short, long := costs[100][0].requests, costs[100][1].requests; short != 13 || long != 9 {
		t.Errorf("%d requests by the short URL and %d by the long one, want 13 and 9", short, long)
	}
}

func TestPullOfSomethingNewReadsNoMoreThanThat(t *testing.T) {
	var costs []cost
	for _, size := range []int{100, more} {
		w, dest, srv := served(t, size, psync.PublishOptions{Flat: true, NoPacks: true})
		clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
		}
		w.publish(dest, psync.PublishOptions{Flat: true, NoPacks: true})
		srv.Reset()
		report, err := psync.Pull(t.Context(), clone, openLocation(t, srv.URL), psync.Options{})
		if err != nil || report.Integrated != 3 || report.Known != 0 {
			t.Errorf("report %+v, %v", report, err)
		}
		costs = append(costs, cost{srv.Requests(), srv.Bytes() / 100}) // sequence numbers have more digits
	}
	if costs[0] != costs[1] {
		t.Errorf("requests and hundreds of bytes at 100 and %d changesets: %v", more, costs)
	}
}

func TestCloneAsksOnceForEachChangeset(t *testing.T) {
	var constant []int64
	for _, size := range []int{100, more} {
		w, _, srv := served(t, size, psync.PublishOptions{NoPacks: true})
		clone, report, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true})
		if err != nil {
			t.Fatal(err)
		}
		sameState(t, "clone", clone, w.ann)
		constant = append(constant, srv.Requests()-int64(report.Integrated+report.Bookkeeping+report.Votes))
	}
	if constant[0] != constant[1] || constant[0] > 17 {
		t.Errorf("requests beyond one a changeset at 100 and %d changesets: %v", more, constant)
	}
}

// Fetches run in parallel; one of them may fail twice and be tried again.
func TestCloneOutlivesAServerThatStumbles(t *testing.T) {
	w, _, srv := served(t, 100, psync.PublishOptions{NoPacks: true})
	srv.Set(webtest.Status("*", 503, 200, 500, 429, 200, 200, 502, 200, 200, 200, 503))
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	sameState(t, "clone", clone, w.ann)
}

func TestShortURLNamesTheOnlyDatabase(t *testing.T) {
	w, dest, srv := served(t, 30, psync.PublishOptions{})
	mirror := openLocation(t, srv.URL+"/")
	want := srv.URL + "/" + w.ann.Database().String()
	if mirror.Where() != want {
		t.Errorf("it is at %s, want %s", mirror.Where(), want)
	}
	other := newWorkshop(t, crashfs.New())
	other.uuid()
	second := replicatest.Init(t, crashfs.New(), other.options("carol"))
	if _, err := psync.Publish(t.Context(), second, dest, psync.PublishOptions{}); err != nil {
		t.Fatal(err)
	}
	var several *psync.SeveralError
	places := []string{srv.URL + "/" + second.Database().String(), want}
	slices.Sort(places)
	if _, err := carriers().Open(t.Context(), srv.URL, replica.Options{}); !errors.As(err, &several) || !slices.Equal(several.Places, places) || errors.Is(err, psync.ErrOtherDatabase) {
		t.Errorf("error %v, want the places %v", err, places)
	}
	for _, r := range []*replica.Replica{w.ann, second} {
		mirror, err := carriers().OpenDatabase(t.Context(), srv.URL, r.Database(), replica.Options{})
		if err != nil || mirror.Database() != r.Database() {
			t.Errorf("%s: %v", r.Database(), err)
		}
	}
	if _, err := carriers().OpenDatabase(t.Context(), srv.URL, stranger, replica.Options{}); !errors.As(err, &several) || !errors.Is(err, psync.ErrOtherDatabase) {
		t.Errorf("a database that is none of them: %v", err)
	}
}
