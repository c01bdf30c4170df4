package sync_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// A server that fails gets an error which names the URL and says what is wrong, and the replica that pulls is byte for byte what it was.
func TestFaultsOfAServerAreToldAndLeaveTheReplica(t *testing.T) {
	const object = "cas/changesets/*"
	for _, tc := range []struct {
		name string
		fail webtest.Modifier
		want string // a regular expression
		is   error
	}{
		{"a page for replica-version", webtest.HTML200("replica-version"), `fetch URL/replica-version: the server answered with a web page instead of the file`, nil},
		{"a page for everything", webtest.HTML200("*"), `fetch URL/prophet/head: the server answered with a web page`, nil},
		{"a page for latest-sequence-no", webtest.HTML200("latest-sequence-no"), `fetch URL/latest-sequence-no: the server answered with a web page`, nil},
		{"a page for the index", webtest.HTML200("changesets.idx"), `fetch URL/changesets.idx: .*(web page|without saying which)`, nil},
		{"a page for a changeset", webtest.HTML200(object), `read changeset \S+ from URL: object \S+: fetch URL/cas/changesets/\S+: the server answered with a web page`, nil},
		{"a page for the resolutions", webtest.HTML200("resolutions/*"), `open the resolutions of replica URL: fetch URL/resolutions/latest-sequence-no: .*web page`, nil},
		{"no latest-sequence-no", webtest.Status("latest-sequence-no", 404), `fetch URL/latest-sequence-no: file does not exist`, fs.ErrNotExist},
		{"no index", webtest.Status("changesets.idx", 404), `fetch URL/changesets.idx: file does not exist`, fs.ErrNotExist},
		{"no changeset", webtest.Status(object, 404, 404, 404, 404), `read changeset \S+ from URL: object \S+: fetch URL/cas/changesets/\S+: file does not exist`, fs.ErrNotExist},
		{"no resolutions", webtest.Status("resolutions/*", 404), `open the resolutions of replica URL: resolutions/latest-sequence-no is damaged: fetch URL/resolutions/latest-sequence-no: file does not exist`, fs.ErrNotExist},
		{"forbidden", webtest.Status("*", 403, 403), `fetch URL/replica-version: permission denied`, fs.ErrPermission},
		{"a password wanted", webtest.Status("*", 401, 401), `fetch URL/replica-version: the server wants a user name and password`, fs.ErrPermission},
		{"500", webtest.Status(object, always(500)...), `fetch URL/cas/changesets/\S+: tried 4 times: the server answered 500 Internal Server Error`, nil},
		{"418", webtest.Status("*", 418), `fetch URL/prophet/head: the server answered 418`, nil},
		{"a changeset cut off", webtest.Truncate(object, 20), `fetch URL/cas/changesets/\S+: tried 2 times: the answer ends after 20 of \d+ bytes`, nil},
		{"the index cut off", webtest.Truncate("changesets.idx", 20), `read rows \d+ to \d+ of URL/changesets.idx: fetch URL/changesets.idx: tried 2 times: the answer ends after 20 of \d+ bytes`, nil},
		{"a small file cut off", webtest.Truncate("database-uuid", 20), `fetch URL/database-uuid: tried 2 times: the answer ends after 20 of 36 bytes`, nil},
		{"a number that is none", replaced("latest-sequence-no", "many\n"), `open replica URL: latest-sequence-no is damaged: sequence number "many"`, nil},
		{"a UUID that is none", replaced("replica-uuid", "ann"), `open replica URL: replica-uuid is damaged: "ann" is not a UUID`, nil},
		{"a newer format", replaced("replica-version", "3"), `URL has replica format "3"; this program reads formats 1 and 2`, nil},
		{"another changeset", replaced(object, "{}"), `read changeset \S+ from URL: .*is damaged: its SHA-1 is`, nil},
		{"more rows claimed than there are", unmarked(replaced("latest-sequence-no", "2000000")), `URL/changesets.idx: `, nil},
		{"more rows claimed than a pull takes up", unmarked(replaced("latest-sequence-no", "4000000000")), `URL claims that its log has \d+ rows that were not read`, nil},
		{"another database", replaced("database-uuid", stranger.String()), `pull from URL into .*: it is a replica of another database`, psync.ErrOtherDatabase},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, clone, dest := behind(t)
			srv := webtest.Static(t, dest)
			before := filesOf(t, clone.FS())
			srv.Set(tc.fail)
			err := pullFrom(t.Context(), carriers(), clone, srv.URL)
			want := strings.ReplaceAll(tc.want, "URL", regexp.QuoteMeta(srv.URL))
			if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			sameFiles(t, "the replica", filesOf(t, clone.FS()), before)
			srv.Set()
			if err := pullFrom(t.Context(), carriers(), clone, srv.URL); err != nil {
				t.Errorf("when the server works again: %v", err)
			}
			sameState(t, "the replica", clone, w.ann)
		})
	}
}

// A server that stops in the middle is given up on. It is reached over pipes in a bubble, so that no other answer can be late.
func TestASlowServerIsToldAndLeavesTheReplica(t *testing.T) {
	replicatest.WithLooseEdits(t) // a compressor that was made in a bubble would be used again outside of it
	for path, want := range map[string]string{
		"cas/changesets/*": `fetch http://\S+/cas/changesets/\S+: tried 2 times: the server stopped in the middle: fewer than 512 bytes came in 30s`,
		"replica-uuid":     `fetch http://\S+/replica-uuid: tried 2 times: the server stopped in the middle: fewer than 512 bytes came in 30s`,
	} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, clone, dest := behind(t)
				before := filesOf(t, clone.FS())
				srv, dial := webtest.StaticPipe(t, dest, webtest.Slow(path))
				err := pullFrom(t.Context(), psync.Carriers{"http": psync.Web(psync.WebOptions{Dial: dial})}, clone, srv.URL)
				if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
					t.Errorf("got  %v\nwant %s", err, want)
				}
				sameFiles(t, "the replica", filesOf(t, clone.FS()), before)
			})
		})
	}
}

// behind returns a clone that lacks some changesets of a mirror.
func behind(t *testing.T) (*workshop, *replica.Replica, afero.Fs) {
	t.Helper()
	w := newWorkshop(t, crashfs.New())
	w.few()
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), w.ann, replica.Options{Where: "clone"}, psync.Options{Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	rec := w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
	w.update(w.ann, rec, map[string]string{"status": "resolved"})
	w.comment(w.ann, rec, "It was in the fridge.")
	dest := crashfs.New()
	w.publish(dest, psync.PublishOptions{Flat: true, NoPacks: true})
	return w, clone, dest
}

// A pull commits in batches, the resolutions before the changesets. What was committed before a fault is whole, and stays.
func TestFaultAfterABatchLeavesTheBatch(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	dest := crashfs.New()
	w.publish(dest, psync.PublishOptions{Flat: true, NoPacks: true})
	srv := webtest.Static(t, dest, webtest.Status("cas/*", 404))
	clone, err := replica.Init(t.Context(), crashfs.New(), replica.Identity{Database: w.ann.Database(), Votes: w.ann.Resolutions().Database()}, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := pullFrom(t.Context(), carriers(), clone, srv.URL); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	after, err := replica.Open(clone.FS(), replica.Options{})
	if err != nil || after.Latest() != 0 {
		t.Errorf("%d rows, %v", after.Latest(), err)
	}
	replicatest.Faultless(t, clone.FS(), "the replica")
	srv.Set()
	if err := pullFrom(t.Context(), carriers(), clone, srv.URL); err != nil {
		t.Fatal(err)
	}
	sameState(t, "the replica", clone, w.ann)
}

func pullFrom(ctx context.Context, carriers psync.Carriers, to *replica.Replica, location string) error {
	from, err := carriers.Open(ctx, location, replica.Options{Sleep: replicatest.AtOnce})
	if err != nil {
		return err
	}
	_, err = psync.Pull(ctx, to, from, psync.Options{})
	return err
}

// replaced makes a server that has another file at a path, or below one that ends in "*".
func replaced(path, text string) webtest.Modifier {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name := strings.TrimPrefix(r.URL.Path, "/")
			begin, below := strings.CutSuffix(path, "*")
			if name != path && !(below && strings.HasPrefix(name, begin)) {
				next.ServeHTTP(w, r)
				return
			}
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
		})
	}
}

// unmarked makes a server with another fault, of a mirror that an older version published, with an empty mark.
func unmarked(fault webtest.Modifier) webtest.Modifier {
	return func(next http.Handler) http.Handler { return replaced(replica.MirrorMark, "")(fault(next)) }
}

// always returns as many codes as any test needs.
func always(code int) (codes []int) {
	for range 1000 {
		codes = append(codes, code)
	}
	return codes
}

func TestWhereThereIsNoReplicaItSaysWhatIsMissing(t *testing.T) {
	empty := webtest.Static(t, crashfs.New())
	_, err := carriers().Open(t.Context(), empty.URL+"/bugs", replica.Options{})
	want := empty.URL + "/bugs is not a replica: it has neither a file replica-version nor a file prophet.json, which names the databases of a mirror"
	if !errors.Is(err, replica.ErrNotReplica) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	w := newWorkshop(t, crashfs.New())
	w.few()
	dest := crashfs.New()
	w.publish(dest, psync.PublishOptions{NoPacks: true})
	srv := webtest.Static(t, dest)
	for _, tc := range []struct{ name, text, want string }{
		{"a page", "<!DOCTYPE html><html>", "open URL: fetch URL/prophet.json: the server answered with a web page"},
		{"not JSON", "databases: none", "open URL: prophet.json is damaged: invalid character"},
		{"a newer version", `{"prophet":9}`, "open URL: read prophet.json: it is of version 9; this program reads version 1"},
		{"a path", `{"prophet":1,"databases":["../../etc"]}`, `open URL: prophet.json is damaged: "../../etc" is not a UUID`},
		{"nothing named", `{"prophet":1,"databases":[]}`, "open URL: its prophet.json names no database"},
		{"nothing there", `{"prophet":1,"databases":["` + stranger.String() + `"]}`, "open URL: " + stranger.String() + " is damaged: prophet.json names it, but there is no replica"},
		{"endless", `{"prophet":1,"x":"` + strings.Repeat("x", 2<<20) + `"}`, "prophet.json: the file is larger than the 1048576 bytes it may have"},
	} {
		if err := afero.WriteFile(dest, "prophet.json", []byte(tc.text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := carriers().Open(t.Context(), srv.URL, replica.Options{})
		if want := strings.ReplaceAll(tc.want, "URL", srv.URL); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", tc.name, err, want)
		}
	}
}

func TestUnknownSchemeIsNamed(t *testing.T) {
	_, err := carriers().Open(t.Context(), "gopher://example.org/bugs", replica.Options{})
	if err == nil || err.Error() != "open gopher://example.org/bugs: URLs that begin with gopher:// are not known" {
		t.Error(err)
	}
}

// Such a server answers for a file that is not there as for one that nobody may read.
func TestAServerThatForbidsWhatIsNotThereIsReadAsAnyOther(t *testing.T) {
	w, dest, srv := served(t, 30, psync.PublishOptions{NoPacks: true})
	srv.Set(webtest.Hiding())
	for _, location := range []string{srv.URL, srv.URL + "/" + w.ann.Database().String()} {
		clone := cloneOf(t, openLocation(t, location), "carol")
		w.many(1)
		w.publish(dest, psync.PublishOptions{NoPacks: true})
		for range 2 {
			pull(t, clone, openLocation(t, location))
		}
		sameState(t, location, clone, w.ann)
		if peer, err := clone.Log().Peer(w.ann.UUID()); err != nil || peer.V1 {
			t.Errorf("%s: it is noted as one of the original: %+v, %v", location, peer, err)
		}
	}
	v1 := crashfs.New()
	fixture.Unpack(t, v1, "", "three-laptops")
	old := webtest.Static(t, afero.NewBasePathFs(v1, "alice"), webtest.Hiding())
	clone := cloneOf(t, openLocation(t, old.URL), "dave")
	pull(t, clone, openLocation(t, old.URL))
	if clone.Latest() == 0 {
		t.Error("nothing came of a replica of the original")
	}
}
