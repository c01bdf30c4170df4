package sync_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

func hexOf(key [20]byte) string { return hex.EncodeToString(key[:]) }

// numberAsText is how the original exports some sequence numbers, and asNumber how we and the replica that it exported have them.
var numberAsText = regexp.MustCompile(`"original_sequence_no":"([0-9]+)"`)

const asNumber = `"original_sequence_no":$1`

// The original's export of a replica and ours differ in one thing only: it writes some sequence numbers anew, as strings, and so
// gives those changesets other names; we copy their bytes.
func TestExportIsWhatTheOriginalWrites(t *testing.T) {
	for _, tc := range []struct{ scenario, replica string }{{"three-laptops", "bob"}, {"random-1", "alice"}, {"random-2", "alice"}} {
		t.Run(tc.scenario, func(t *testing.T) {
			root := crashfs.New()
			fixture.Unpack(t, root, "", tc.scenario)
			from, err := openAt(root, tc.replica)
			if err != nil {
				t.Fatal(err)
			}
			dest := crashfs.New()
			if err := psync.Export(t.Context(), from, dest, nil); err != nil {
				t.Fatal(err)
			}
			theirs := afero.NewBasePathFs(root, tc.replica+"-export")
			if got, want := directoriesOf(t, dest), directoriesOf(t, theirs); !slices.Equal(got, want) {
				t.Errorf("directories %v\nwant %v", got, want)
			}
			want, renamed := filesOf(t, theirs), 0
			for _, prefix := range []string{"", "resolutions/"} {
				renamed += asCopied(t, want, prefix, filesOf(t, from.FS()))
			}
			sameFiles(t, "export", filesOf(t, dest), want)
			if renamed == 0 {
				t.Error("the original's export has no sequence number as a string: nothing was tried")
			}
		})
	}
}

// asCopied rewrites a log of the original's export as if it had copied its changesets from the source, and returns how many it had changed.
func asCopied(t *testing.T, files map[string]string, prefix string, source map[string]string) (renamed int) {
	t.Helper()
	index := []byte(files[prefix+"changesets.idx"])
	for at := 0; at < len(index); at += changeset.RowSize {
		row, err := changeset.ParseRow(index[at : at+changeset.RowSize])
		if err != nil {
			t.Fatal(err)
		}
		name := prefix + changeset.ObjectPath(changeset.ChangesetObjects, row.Key)
		if _, copied := source[name]; copied {
			continue
		}
		copied := numberAsText.ReplaceAllString(files[name], asNumber)
		renamed++
		delete(files, name)
		row.Key = sha1Of(copied)
		files[prefix+changeset.ObjectPath(changeset.ChangesetObjects, row.Key)] = copied
		copy(index[at:], changeset.AppendRow(nil, row))
	}
	if len(index) > 0 {
		files[prefix+"changesets.idx"] = string(index)
	}
	return renamed
}

// directoriesOf lists the directories but those of objects, whose names the one difference changes.
func directoriesOf(t *testing.T, fsys afero.Fs) (dirs []string) {
	t.Helper()
	err := afero.Walk(fsys, ".", func(name string, info fs.FileInfo, err error) error {
		if err == nil && info.IsDir() && !strings.Contains(name, "cas/changesets/") {
			dirs = append(dirs, filepath.ToSlash(filepath.Clean(name)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func TestExportShowsWhatItsSourceShows(t *testing.T) {
	eachFixture(t, func(t *testing.T, from *replica.Replica, want expected, _ []string, _ afero.Fs) {
		dest := crashfs.New()
		if err := psync.Export(t.Context(), from, dest, nil); err != nil {
			t.Fatal(err)
		}
		replicatest.Faultless(t, dest, "export")
		export := replicatest.Open(t, dest, replica.Options{Where: "export"})
		sameRecords(t, "export", shown(t, export), want.Records)
		for _, pair := range [][2]*replica.Log{{export.Log(), from.Log()}, {export.Resolutions(), from.Resolutions()}} {
			if !bytes.Equal(rowsOf(t, pair[0]), rowsOf(t, pair[1])) {
				t.Error("the rows of the log are others")
			}
		}
		again := crashfs.New()
		if err := psync.Export(t.Context(), export, again, nil); err != nil {
			t.Fatal(err)
		}
		sameFiles(t, "export of the export", filesOf(t, again), filesOf(t, dest))
	})
}

// rowsOf returns the rows of a log as they are written.
func rowsOf(tb testing.TB, l *replica.Log) (all []byte) {
	tb.Helper()
	for row, err := range l.Rows(1, l.Latest()) {
		if err != nil {
			tb.Fatal(err)
		}
		all = changeset.AppendRow(all, row)
	}
	return all
}

func TestExportHoldsNothingOfOursAlone(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	dest := afero.NewBasePathFs(afero.NewOsFs(), filepath.Join(t.TempDir(), "not", "there", "yet"))
	var done, total int
	if err := psync.Export(t.Context(), w.ann, dest, func(d, n int) { done, total = d, n }); err != nil {
		t.Fatal(err)
	}
	if want := int(w.ann.Latest() + w.ann.Resolutions().Latest()); done != want || total != want {
		t.Errorf("progress ends with %d of %d, want %d", done, total, want)
	}
	for name := range filesOf(t, dest) {
		if strings.Contains(name, "prophet/") || strings.Contains(name, "local_metadata") {
			t.Errorf("there is %s", name)
		}
	}
	mirror := crashfs.New()
	w.publish(mirror, psync.PublishOptions{Flat: true, NoPacks: true})
	published := filesOf(t, mirror)
	for _, name := range []string{replica.MirrorMark, replica.IdentityFile, replica.DigestsFile, "resolutions/" + replica.DigestsFile} {
		delete(published, name)
	}
	sameFiles(t, "export, held against a new mirror", filesOf(t, dest), published)
}

func TestExportGoesWhereNothingIs(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	dest := crashfs.New()
	w.write(dest, "notes.txt", "mine")
	dest.Record()
	err := psync.Export(t.Context(), w.ann, dest, nil)
	if !errors.Is(err, psync.ErrNotEmpty) || !strings.Contains(err.Error(), "notes.txt") {
		t.Errorf("error %v", err)
	}
	for _, op := range dest.Ops() {
		if op.Changes() {
			t.Errorf("it was written to: %s", op)
		}
	}
}

func TestExportThatWasCutOffIsNoReplica(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	for k := 1; ; k++ {
		disk := crashfs.New()
		disk.CrashAt(k)
		err := psync.Export(t.Context(), w.ann, disk, nil)
		if !disk.Failed() {
			break
		}
		if err == nil {
			t.Fatalf("operation %d failed, and nothing was said", k)
		}
		for _, mode := range []crashfs.Mode{crashfs.Kill, crashfs.PowerCut} {
			left := disk.Survivor(mode, 0)
			r, err := replica.Open(left, replica.Options{})
			if begun, _ := afero.Exists(left, "replica-version"); begun != (err == nil) {
				t.Fatalf("%s at operation %d: there is a replica-version: %v, but %v", mode, k, begun, err)
			}
			if err == nil {
				replicatest.Faultless(t, left, mode.String())
				sameState(t, mode.String(), r, w.ann)
			}
		}
	}
}

func sha1Of(text string) [20]byte { return sha1.Sum([]byte(text)) }
