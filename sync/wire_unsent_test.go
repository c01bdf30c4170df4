package sync_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"prophet/internal/crashfs"
	"prophet/internal/httpfs"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// A pack that is not sent to its end is asked for again, and then the v1 tree is read, if there is one.
func TestWhereAPackIsNotSentTheTreeIsRead(t *testing.T) {
	for _, tc := range []struct {
		name   string
		fail   webtest.Modifier
		noTree bool
		want   string // what of the v1 tree is said: "tree", nothing, or the error
	}{
		{"always cut off", onPacks(webtest.Truncate("*", 50)), false, "tree"},
		{"always cut off, without a tree", onPacks(webtest.Truncate("*", 50)), true, "the answer ends after 50 of"},
		{"always 500", onPacks(webtest.Status("*", always(500)...)), false, "tree"},
		{"500 for a while", onPacks(webtest.Status("*", 500, 500, 500, 500, 500)), false, ""},
		{"a page", onPacks(webtest.HTML200("*")), false, "tree"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, _, srv := served(t, 400, psync.PublishOptions{NoTree: tc.noTree, Flat: true})
			srv.Set(tc.fail)
			var said []string
			opts := psync.Options{Adopt: true, Sleep: hasty.Sleep, Warn: func(s string) { said = append(said, s) }}
			from := openLocation(t, srv.URL)
			clone, _, err := psync.Clone(t.Context(), crashfs.New(), from, replica.Options{}, opts)
			if tc.want != "tree" && tc.want != "" {
				if err == nil || !errors.As(err, new(*httpfs.FetchError)) || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %s", err, tc.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sameState(t, "clone", clone, w.ann)
			if tree := strings.Contains(strings.Join(said, "\n"), "so the v1 tree there is read, a request for each changeset"); tree != (tc.want == "tree") {
				t.Errorf("it said %q", said)
			}
		})
	}
}

// onPacks is a modifier for packs alone.
func onPacks(m webtest.Modifier) webtest.Modifier {
	return func(next http.Handler) http.Handler {
		modified := m(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".pack") {
				modified.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
