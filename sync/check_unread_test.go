package sync_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
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

// What was not fetched because somebody interrupted the check is not damaged either.
func TestAnInterruptedCheckOfAMirrorTellsNoDamage(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	for _, mirror := range []psync.PublishOptions{{Flat: true}, {}, {NoTree: true}} {
		dest := crashfs.New()
		w.publish(dest, mirror)
		srv := webtest.Static(t, dest)
		for at, met := int64(1), true; met; at += race.Step {
			ctx, interrupt := context.WithCancel(t.Context())
			var n atomic.Int64
			srv.Set(func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if n.Add(1) >= at {
						interrupt()
						w.WriteHeader(http.StatusInternalServerError)
						return
					}
					h.ServeHTTP(w, r)
				})
			})
			_, err := carriers().Check(ctx, srv.URL, replica.Options{Scratch: crashfs.New(), Sleep: func(time.Duration) {}}, func(p replica.Problem) {
				t.Errorf("%+v, interrupted at request %d: %+v", mirror, at, p)
			}, nil)
			if met = ctx.Err() != nil; met != errors.Is(err, context.Canceled) {
				t.Errorf("%+v, interrupted at request %d: %v", mirror, at, err)
			}
			interrupt()
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
