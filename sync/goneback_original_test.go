package sync_test

import (
	"context"
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

// publishBare publishes a replica as the original would: without a file of ours, so that no mark tells what its last rows are.
func publishBare(r *replica.Replica, to afero.Fs) error {
	_, err := psync.Publish(context.Background(), r, to, psync.PublishOptions{Flat: true, NoPacks: true})
	return errors.Join(err, to.RemoveAll("/prophet"), to.RemoveAll("/resolutions/prophet"))
}

// servers are those that send parts of files and those that do not.
var servers = map[string][]webtest.Modifier{"with Range": nil, "without Range": {webtest.NoRange()}}

// newsRefused expects that a log of a mirror that has as many rows as were read of it ends carol's pull with an error, and leaves her replica as it is.
func (y *yesterday) newsRefused(srv *webtest.Server, what string) {
	y.t.Helper()
	was := filesOf(y.t, y.carol.FS())
	srv.Reset()
	_, _, err := news(y.t, srv.URL, y.carol)
	var back *psync.WentBackError
	if !errors.As(err, &back) || back.What != what || back.Has != back.Read || back.Earlier || srv.Requests() > 13 {
		y.t.Errorf("%v with %d requests, want that its %s went back", err, srv.Requests(), what)
	}
	if now := filesOf(y.t, y.carol.FS()); !maps.Equal(now, was) {
		y.t.Error("the pull that failed left something behind")
	}
}

// A replica of the original was put back from a backup, and edited again up to the same number of rows.
func TestAMirrorOfTheOriginalWithAsManyOtherRowsIsRefused(t *testing.T) {
	for who, maker := range map[string]func(y *yesterday) *replica.Replica{
		"rows of its own": func(y *yesterday) *replica.Replica { return y.twin }, "somebody else's": func(y *yesterday) *replica.Replica { return y.dave },
	} {
		for server, modifiers := range servers {
			t.Run(who+" "+server, func(t *testing.T) {
				y := newYesterday(t, publishBare)
				srv := webtest.Static(t, y.mirror, modifiers...)
				pull(t, y.carol, openLocation(t, srv.URL))
				now := filesOf(t, y.mirror)
				y.edit(maker(y), "third")
				y.edit(maker(y), "fourth")
				pull(t, y.twin, y.dave)
				if y.twin.Latest() != y.ann.Latest() {
					t.Fatalf("%d rows, not %d", y.twin.Latest(), y.ann.Latest())
				}
				other := crashfs.New()
				y.must(publishBare(y.twin, other))
				y.put(filesOf(t, other))
				y.newsRefused(srv, "log")
				y.newsRefused(srv, "log")
				y.put(now)
				if came, _, err := news(t, srv.URL, y.carol); came > 0 || err != nil {
					t.Errorf("once it is what it was: %d came, %v", came, err)
				}
			})
		}
	}
}

// The log is what it was, and the votes are others.
func TestAMirrorOfTheOriginalWithAsManyOtherVotesIsRefused(t *testing.T) {
	for server, modifiers := range servers {
		t.Run(server, func(t *testing.T) {
			y := &yesterday{family: newFamily(t), mirror: crashfs.New()}
			y.edit(y.ann, "a")
			y.edit(y.dave, "b")
			pull(t, y.ann, y.dave)
			y.twin = reopen(t, copyTree(t, y.ann.FS()), "twin")
			for r, to := range map[*replica.Replica]string{y.ann: "a", y.twin: "b"} {
				y.edit(r, to) // which decides
			}
			y.must(publishBare(y.ann, y.mirror))
			srv := webtest.Static(t, y.mirror, modifiers...)
			if report := pull(t, y.carol, openLocation(t, srv.URL)); report.Votes != 1 {
				t.Fatalf("%d votes", report.Votes)
			}
			other := crashfs.New()
			y.must(publishBare(y.twin, other))
			for name, text := range filesOf(t, other) {
				if strings.HasPrefix(strings.TrimPrefix(name, "/"), "resolutions/") {
					y.must(errors.Join(y.mirror.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(y.mirror, name, []byte(text), 0o666)))
				}
			}
			y.newsRefused(srv, "log of resolutions")
		})
	}
}

// Nothing new is looked for at a server without parts too, with a request for each index that has rows.
func TestAMirrorOfTheOriginalWithoutRangeIsAskedForItsIndexes(t *testing.T) {
	erin, _, srv := ofOriginal(t, 100)
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Set(webtest.NoRange())
	for _, n := range []int{0, 0, 50} {
		writes(t, erin, n)
		pull(t, clone, openLocation(t, srv.URL))
		srv.Reset()
		if came, _, err := news(t, srv.URL, clone); came > 0 || err != nil || srv.Requests() != 10 {
			t.Errorf("%d came, %v, with %d requests: %v", came, err, srv.Requests(), srv.Log())
		}
	}
}
