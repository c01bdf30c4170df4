package sync_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/replica"
	psync "prophet/sync"
)

// The mark says what the rows of a state come to, so that the index of another state with as many rows is not taken for its own.
func TestRowsOfAnotherStateAreNotRead(t *testing.T) {
	w, dest, srv := served(t, 10, psync.PublishOptions{Flat: true, NoPacks: true})
	text, err := afero.ReadFile(dest, replica.MirrorMark)
	w.check(err)
	for _, log := range []int{replica.PublishedLog, replica.PublishedVotes} {
		mark, ok := replica.ParseMark(string(text))
		if !ok || mark.States[0].Rows[replica.PublishedLog] != w.ann.Latest() {
			t.Fatalf("the mark is %s", text)
		}
		if mark.States[0].Rows[log] == 0 {
			t.Fatalf("log %d has no rows", log)
		}
		mark.States[0].Sums[log] = strings.Repeat("0", len(mark.States[0].Sums[log]))
		w.write(dest, replica.MirrorMark, mark.String())
		disk := crashfs.New()
		_, _, err := psync.Clone(t.Context(), disk, openLocation(t, srv.URL), replica.Options{}, psync.Options{})
		if err == nil || !strings.Contains(err.Error(), "its rows are those of another state of the mirror") {
			t.Errorf("log %d: %v", log, err)
		}
		var torn *psync.TornError
		if errors.As(err, &torn) {
			t.Errorf("of the only state that was published: %v", err)
		}
	}
}
