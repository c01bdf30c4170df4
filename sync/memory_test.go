package sync_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// A source may have two million rows that were never read, of an honest database or made up.
func TestARowThatWasNeverReadTakesFewBytes(t *testing.T) {
	const rows, most = 100_000, 80 // bytes of each
	for version, origin := range map[string]uuid.UUID{"an origin": uuid.New(), "one that a move may have given": uuid.NewSHA1(uuid.Nil, nil)} {
		disk := crashfs.New()
		replicatest.Init(t, disk, replica.Options{})
		var index []byte
		for seq := uint32(1); seq <= rows; seq++ {
			index = changeset.AppendRow(index, changeset.Row{Seq: seq, ID: changeset.ID{Origin: origin, Seq: seq}, Key: [20]byte{byte(seq)}})
		}
		for name, text := range map[string][]byte{changeset.IndexFile: index, changeset.LatestFile: fmt.Append(nil, rows)} {
			if err := afero.WriteFile(disk, name, text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		to := replicatest.Init(t, crashfs.New(), replica.Options{})
		peak := replicatest.PeakWhile(disk, 1, func(fsys afero.Fs) {
			from := replicatest.Open(t, fsys, replica.Options{})
			if _, err := psync.Pull(context.Background(), to, from, psync.Options{Force: true}); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the pull of changesets that are not there: %v", err)
			}
		})
		t.Logf("%s: %d bytes a row", version, peak/rows)
		if peak > rows*most {
			t.Errorf("%s: %d rows take %d bytes, more than %d each", version, rows, peak, most)
		}
	}
}
