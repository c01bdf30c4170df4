package sync_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// stranger is a UUID of something else.
var stranger = uuid.MustParse("11111111-2222-4333-8444-555555555555")

// write changes one file behind everybody's back.
func (w *workshop) write(fsys afero.Fs, name, text string) {
	w.tb.Helper()
	w.check(fsys.MkdirAll(name[:strings.LastIndex("/"+name, "/")], 0o777))
	w.check(afero.WriteFile(fsys, name, []byte(text), 0o666))
}

func TestPublishRefusesWhatIsNotItsMirror(t *testing.T) {
	flat, deep := psync.PublishOptions{Flat: true}, psync.PublishOptions{}
	for _, tc := range []struct {
		name    string
		opts    psync.PublishOptions
		prepare func(w *workshop, dest afero.Fs)
		want    string
		is      error
	}{
		{"another database", flat, func(w *workshop, dest afero.Fs) {
			other, err := replica.Init(w.tb.Context(), crashfs.New(), replica.Identity{Database: stranger}, replica.Options{})
			w.check(err)
			_, err = psync.Publish(w.tb.Context(), other, dest, flat)
			w.check(err)
		}, `there is a mirror of another database already: "11111111-2222-4333-8444-555555555555", not`, psync.ErrOtherDatabase},
		{"another replica", deep, func(w *workshop, dest afero.Fs) {
			_, err := psync.Publish(w.tb.Context(), w.ben, dest, deep)
			w.check(err)
		}, "there is a mirror of another replica already", nil},
		{"another replica, begun", deep, func(w *workshop, dest afero.Fs) {
			w.write(dest, w.ann.Database().String()+"/replica-uuid", stranger.String())
		}, "there is a mirror of another replica already", nil},
		{"other resolutions", flat, func(w *workshop, dest afero.Fs) {
			w.publish(dest, flat)
			w.write(dest, "resolutions/replica-uuid", stranger.String())
		}, "there is a mirror of another replica already", nil},
		{"a later state", flat, func(w *workshop, dest afero.Fs) {
			w.publish(dest, flat)
			w.write(dest, "latest-sequence-no", "99")
			w.write(dest, "changesets.idx", strings.Repeat(row(99, 1), 99))
		}, "the mirror has 99 rows in changesets.idx, this replica ", nil},
		{"another last row", flat, func(w *workshop, dest afero.Fs) {
			w.publish(dest, flat)
			w.write(dest, "latest-sequence-no", "3")
			w.write(dest, "changesets.idx", row(1, 1)+row(2, 2)+row(3, 77))
		}, "row 3 of changesets.idx is changeset 11111111-2222-4333-8444-555555555555:77 in the mirror and ", nil},
		{"another last row of the resolutions", flat, func(w *workshop, dest afero.Fs) {
			w.publish(dest, flat)
			w.write(dest, "resolutions/changesets.idx", row(1, 5))
		}, "row 1 of resolutions/changesets.idx is changeset ", nil},
		{"an export of the original", flat, func(w *workshop, dest afero.Fs) {
			w.publish(dest, flat)
			index, err := afero.ReadFile(dest, "changesets.idx")
			w.check(err)
			last, err := w.ann.Log().Row(w.ann.Latest())
			w.check(err)
			raw, _, err := w.ann.Log().RawChangeset(last)
			w.check(err)
			text := strings.Replace(string(raw), `"is_resolution":null`, `"is_resolution":0`, 1)
			last.Key = sha1Of(text)
			w.write(dest, changeset.ObjectPath(changeset.ChangesetObjects, last.Key), text)
			w.write(dest, "changesets.idx", string(changeset.AppendRow(index[:len(index)-changeset.RowSize], last)))
		}, " in the mirror too, but with other bytes", nil},
		{"a damaged index", flat, func(w *workshop, dest afero.Fs) {
			w.publish(dest, flat)
			w.write(dest, "changesets.idx", "x")
		}, "changesets.idx is damaged: it ends before row ", nil},
		{"a damaged number", flat, func(w *workshop, dest afero.Fs) {
			w.publish(dest, flat)
			w.write(dest, "latest-sequence-no", "<html>")
		}, `latest-sequence-no is damaged: sequence number "<html>"`, nil},
		{"a newer format", flat, func(w *workshop, dest afero.Fs) {
			w.publish(dest, flat)
			w.write(dest, "replica-version", "2\n")
		}, `the mirror has replica format "2"; this program writes mirrors of format 1`, nil},
		{"a newer prophet.json", deep, func(w *workshop, dest afero.Fs) {
			w.write(dest, "prophet.json", `{"prophet":2}`)
		}, "read prophet.json: it is of version 2; this program reads version 1", nil},
		{"a broken prophet.json", deep, func(w *workshop, dest afero.Fs) {
			w.write(dest, "prophet.json", `{"prophet":1,"databases":["../x"]}`)
		}, `prophet.json is damaged: "../x" is not a UUID`, nil},
		{"a flat mirror above", deep, func(w *workshop, dest afero.Fs) {
			w.publish(dest, flat)
		}, "the directory is itself a replica or a flat mirror", nil},
		{"a flat one over others", flat, func(w *workshop, dest afero.Fs) {
			w.publish(dest, deep)
		}, "the directory is a mirror of databases, each in a directory of its own", nil},
		{"a copy that is worked in", flat, func(w *workshop, dest afero.Fs) {
			for name, text := range filesOf(w.tb, w.ann.FS()) {
				w.write(dest, name, text)
			}
		}, "the directory holds prophet/rows: it is a replica that is worked in", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorkshop(t, crashfs.New())
			w.fill()
			dest := crashfs.New()
			tc.prepare(w, dest)
			dest.Record()
			_, err := psync.Publish(t.Context(), w.ann, dest, tc.opts)
			if err == nil || !strings.HasPrefix(err.Error(), "publish: ") || !strings.Contains(err.Error(), tc.want) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			e, at := newElsewhere(dest, 1)
			if _, elsewhere := psync.PublishElsewhere(t.Context(), w.ann, at, e, tc.opts); fmt.Sprint(elsewhere) != fmt.Sprint(err) {
				t.Errorf("elsewhere: %v\nwant %v", elsewhere, err)
			}
			for _, op := range dest.Ops() {
				if op.Changes() {
					t.Errorf("it was written to: %s", op)
				}
			}
		})
	}
}

// row is a row of an index, of a changeset of stranger.
func row(seq, original uint32) string {
	b := binary.BigEndian.AppendUint32(nil, seq)
	b = append(b, stranger[:]...)
	b = binary.BigEndian.AppendUint32(b, original)
	return string(b) + strings.Repeat("k", 20)
}

// A publisher that finds a newer mirror than it knows the replica to be looks at the replica again.
func TestPublishFromAStaleReplicaIsUpToDate(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	stale, err := replica.Open(w.ann.FS(), replica.Options{})
	w.check(err)
	w.ticket(w.ann, "Window in the loft does not close", "new", "loft")
	dest := crashfs.New()
	w.publish(dest, psync.PublishOptions{})
	report, err := psync.Publish(t.Context(), stale, dest, psync.PublishOptions{})
	if err != nil || report.Wrote || report.Latest != w.ann.Latest() {
		t.Errorf("report %+v, %v", report, err)
	}
}

func TestPublishOfADamagedReplicaFailsAndLeavesTheMirror(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	dest := crashfs.New()
	dir := w.publish(dest, psync.PublishOptions{}).Path
	w.ticket(w.ann, "Window in the loft does not close", "new", "loft")
	replicatest.Loosen(t, w.ann.FS())
	last, err := w.ann.Log().Row(w.ann.Latest())
	w.check(err)
	object := "cas/changesets/" + hexOf(last.Key)[:1] + "/" + hexOf(last.Key)[1:2] + "/" + hexOf(last.Key)
	good, err := afero.ReadFile(w.ann.FS(), object)
	w.check(err)
	w.write(w.ann.FS(), object, "{}")
	before := filesOf(t, dest)
	if _, err := psync.Publish(t.Context(), w.ann, dest, psync.PublishOptions{}); err == nil || !strings.Contains(err.Error(), object+" is damaged") {
		t.Errorf("error %v", err)
	}
	sameFiles(t, "mirror", filesOf(t, dest), before)
	w.write(w.ann.FS(), object, string(good))
	w.publish(dest, psync.PublishOptions{})
	mirror, err := openAt(dest, dir)
	w.check(err)
	sameState(t, "mirror", mirror, w.ann)
}
