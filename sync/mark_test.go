package sync_test

import (
	"context"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// mirrorSwapped is carol, who has read the mirror of one of two copies on a server, where that of the other one, with as many changesets, lies now.
func mirrorSwapped(t *testing.T, modifiers ...webtest.Modifier) (f *family, mirror afero.Fs, srv *webtest.Server) {
	f = newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	mirror, second := crashfs.New(), crashfs.New()
	srv = webtest.Static(t, mirror, modifiers...)
	for dest, r := range map[afero.Fs]*replica.Replica{mirror: f.ann, second: f.twin} {
		if err := publishTree(r, dest); err != nil {
			t.Fatal(err)
		}
	}
	pull(t, f.carol, openLocation(t, srv.URL))
	for name, text := range filesOf(t, second) {
		if err := errors.Join(mirror.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(mirror, name, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	return f, mirror, srv
}

func TestACopyOfTheSameLengthInThePlaceOfAMirrorIsNoticed(t *testing.T) {
	for name, modifiers := range map[string][]webtest.Modifier{"with Range": nil, "without Range": {webtest.NoRange()}} {
		f, mirror, srv := mirrorSwapped(t, modifiers...)
		var back *psync.WentBackError
		if _, err := psync.Pull(t.Context(), f.carol, openLocation(t, srv.URL), psync.Options{}); !errors.As(err, &back) || back.Earlier {
			t.Errorf("%s: %v, want that it went back", name, err)
		}
		if err := afero.WriteFile(mirror, replica.MirrorMark, nil, 0o666); err != nil { // as older versions have it
			t.Fatal(err)
		}
		var fork *replica.ForkError // it may be a replica that is edited there, and is read again, not refused
		if _, err := psync.Pull(t.Context(), f.carol, openLocation(t, srv.URL), psync.Options{}); !errors.As(err, &fork) {
			t.Errorf("%s, without a mark that tells: %v, want a fork", name, err)
		}
	}
}

func TestAMarkThatCannotBeReadIsToldAndNotBelieved(t *testing.T) {
	for _, text := range []string{"junk", `{"changesets":"00"}`} {
		f, mirror, srv := mirrorSwapped(t)
		if err := afero.WriteFile(mirror, replica.MirrorMark, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		said := ""
		from, err := carriers().Open(t.Context(), srv.URL, replica.Options{Warn: func(s string) { said += s }})
		if err != nil {
			t.Fatal(err)
		}
		var back *psync.WentBackError
		if _, err := psync.Pull(t.Context(), f.carol, from, psync.Options{}); !errors.As(err, &back) {
			t.Errorf("%.20q: %v, want that it went back", text, err)
		}
		if !strings.HasPrefix(said, srv.URL+"/prophet/mirror cannot be read") {
			t.Errorf("%.20q: said %q", text, said)
		}
	}
}

func TestAPublicationWritesAMarkThatCannotBeReadAnew(t *testing.T) {
	w, dest, _ := served(t, 3, psync.PublishOptions{Flat: true, NoPacks: true})
	want, err := afero.ReadFile(dest, replica.MirrorMark)
	w.check(err)
	w.check(afero.WriteFile(dest, replica.MirrorMark, []byte("junk"), 0o666))
	w.check(publishFlat(w.ann, dest))
	if got, err := afero.ReadFile(dest, replica.MirrorMark); err != nil || string(got) != string(want) {
		t.Errorf("it is %q, %v", got, err)
	}
}

func TestAPeerWhoseNoteCannotBeReadIsReadAgainWithAWarning(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	pull(t, f.carol, f.ann)
	note := "prophet/peers/" + f.ann.UUID().String()
	want, err := afero.ReadFile(f.carol.FS(), note)
	if err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(f.carol.FS(), note, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := ""
	report, err := psync.Pull(t.Context(), f.carol, f.ann, psync.Options{Warn: func(s string) { said += s }})
	if err != nil || report.Integrated > 0 || !strings.Contains(said, note+" is damaged") || !strings.Contains(said, "is read from its beginning") {
		t.Errorf("%+v, %v; said %q", report, err, said)
	}
	if got, err := afero.ReadFile(f.carol.FS(), note); err != nil || string(got) != string(want) {
		t.Errorf("it became %s, %v, want %s", got, err, want)
	}
}

// A reader in the middle of a publication has a mark that is behind, or ahead; one that was cut off leaves one that is behind.
func TestAMarkIsOnlyAReasonToLookAtTheRow(t *testing.T) {
	w, dest, srv := served(t, 30, psync.PublishOptions{Flat: true, NoPacks: true})
	clone, _, err := psync.Clone(t.Context(), crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{})
	w.check(err)
	b, err := afero.ReadFile(dest, replica.MirrorMark)
	w.check(err)
	mark, ok := replica.ParseMark(string(b))
	if !ok || mark.Changesets.Seq != w.ann.Latest() || mark.Resolutions.Seq != w.ann.Resolutions().Latest() {
		t.Fatalf("the mark is %q", b)
	}
	behind, votes := mark, mark
	behind.Changesets.Seq--
	votes.Resolutions = mark.Changesets
	for what, try := range map[string]struct {
		text   string
		looked string
	}{
		"true":                   {mark.String(), ""},
		"behind":                 {behind.String(), "GET /changesets.idx"},
		"other votes":            {votes.String(), "GET /resolutions/changesets.idx"},
		"not what we write":      {"a page", "GET /resolutions/changesets.idx GET /changesets.idx"},
		"from an older version":  {"", "GET /resolutions/changesets.idx GET /changesets.idx"}, // it tells nothing, so that another log of as many rows would stay unnoticed
		"a row that is none":     {`{"changesets":"00"}`, "GET /resolutions/changesets.idx GET /changesets.idx"},
		"with more than we know": {strings.Replace(mark.String(), "{", `{"a":1,`, 1), ""},
	} {
		w.write(dest, replica.MirrorMark, try.text)
		srv.Reset()
		var warned []string
		report, err := psync.Pull(t.Context(), clone, openLocation(t, srv.URL), psync.Options{Warn: func(s string) { warned = append(warned, s) }})
		if err != nil || report.Integrated+report.Known+report.Votes > 0 || len(warned) > 0 {
			t.Errorf("%s: %+v, %v, %v", what, report, err, warned)
		}
		if got := strings.Join(indexesAsked(srv), " "); got != try.looked {
			t.Errorf("%s: it looked at %q, want %q", what, got, try.looked)
		}
	}
	if _, err := psync.Publish(context.Background(), w.ann, dest, psync.PublishOptions{Flat: true, NoPacks: true}); err != nil {
		t.Fatal(err)
	}
	if b, err := afero.ReadFile(dest, replica.MirrorMark); err != nil || string(b) != mark.String() {
		t.Errorf("published again, the mark is %q, %v", b, err)
	}
}

// indexesAsked returns which indexes a server was asked for.
func indexesAsked(srv *webtest.Server) (asked []string) {
	for _, line := range srv.Log() {
		if strings.Contains(line, "changesets.idx") {
			asked = append(asked, line)
		}
	}
	return asked
}
