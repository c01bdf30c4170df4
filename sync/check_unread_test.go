package sync_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/httpfs"
	"prophet/internal/race"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// What a web server does not send is not known to be damaged, whatever file it is.
func TestWhatAServerDoesNotSendIsNotDamaged(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	n := 0
	for _, mirror := range []psync.PublishOptions{{Flat: true}, {}, {Flat: true, NoPacks: true}, {NoTree: true}} {
		dest := crashfs.New()
		w.publish(dest, mirror)
		srv := webtest.Static(t, dest)
		check := func() (found []replica.Problem, err error) {
			opts := replica.Options{Scratch: crashfs.New(), Sleep: func(time.Duration) {}}
			_, err = carriers().Check(t.Context(), srv.URL, opts, func(p replica.Problem) { found = append(found, p) }, nil)
			return found, err
		}
		if found, err := check(); len(found) > 0 || err != nil {
			t.Fatalf("%+v: %v, %v", mirror, found, err)
		}
		requests := srv.Log()
		slices.Sort(requests)
		for _, request := range slices.Compact(requests) {
			_, file, _ := strings.Cut(request, " /")
			for name, fault := range map[string]webtest.Modifier{
				"503":     webtest.Status(file, always(503)...),
				"429":     webtest.Status(file, always(429)...),
				"cut off": webtest.Truncate(file, 0),
				"a page":  webtest.HTML200(file),
			} {
				if n++; n%race.Step != 0 {
					continue
				}
				srv.Set(fault)
				found, err := check()
				unread := err != nil && errors.As(err, new(*httpfs.FetchError))
				for _, p := range found {
					unread = unread || p.Unread
					if !p.Unread && !p.Harmless {
						t.Errorf("%+v, %s of %s: %+v", mirror, name, file, p)
					}
				}
				if !unread && isThere(dest, file) {
					t.Errorf("%+v, %s of %s: %+v, %v", mirror, name, file, found, err)
				}
			}
			srv.Set()
		}
	}
}

// A server that sends nothing any more is not asked for the rest.
func TestAServerThatSendsNothingIsNotAskedForAll(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.many(300)
	dest := crashfs.New()
	w.publish(dest, psync.PublishOptions{Flat: true})
	srv := webtest.Static(t, dest, webtest.HTML200("records/*"))
	unread := 0
	_, err := carriers().Check(t.Context(), srv.URL, replica.Options{Scratch: crashfs.New(), Sleep: func(time.Duration) {}}, func(p replica.Problem) {
		if unread++; !p.Unread {
			t.Errorf("%+v", p)
		}
	}, nil)
	asked := 0
	for _, request := range srv.Log() {
		if strings.Contains(request, "/records/") {
			asked++
		}
	}
	if err != nil || unread < 65 || asked > 100 {
		t.Errorf("%d problems, %d requests, %v", unread, asked, err)
	}
}

// isThere reports whether a file is there, and holds something.
func isThere(fsys afero.Fs, file string) bool {
	info, err := fsys.Stat(file)
	return err == nil && info.Size() > 0
}
