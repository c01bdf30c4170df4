package sync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// aMove is a mirror that others have read, and a replica that is published over it, in which changesets have other names.
type aMove struct {
	*family
	way     string // to read the mirror
	mirror  *crashfs.FS
	now     *replica.Replica
	readers []reader
}

// reader is who has read a mirror at one time.
type reader struct {
	disk  *crashfs.FS
	shows []string
}

var moves = map[string]func(m *aMove){
	"a fork": func(m *aMove) {
		m.edit(m.ann, "by ann")
		m.edit(m.twin, "by the twin")
		m.publish(m.twin)
		for range 70 { // more than readers compare
			m.edit(m.twin, "by the twin again")
		}
		m.publish(m.twin)
		m.now = m.twin
		pull(m.t, m.now, m.ann)
	},
	"a fork and decisions": func(m *aMove) {
		m.edit(m.ann, "by ann")
		m.edit(m.dave, "by dave")
		m.edit(m.twin, "by the twin")
		pull(m.t, m.twin, m.dave)
		m.publish(m.twin)
		m.decide(m.twin)
		m.edit(m.dave, "by dave again")
		pull(m.t, m.twin, m.dave)
		m.publish(m.twin)
		m.now = m.twin
		pull(m.t, m.now, m.ann)
	},
	"a backup": func(m *aMove) {
		for i := range 3 {
			m.edit(m.dave, fmt.Sprint("by dave, ", i))
			m.edit(m.ann, fmt.Sprint("by ann, ", i))
			pull(m.t, m.ann, m.dave)
			m.decide(m.ann)
			pull(m.t, m.dave, m.ann)
			m.publish(m.ann)
		}
		m.now = m.twin
		m.edit(m.now, "after the backup was put back")
		pull(m.t, m.now, reopen(m.t, m.mirror, "mirror"))
	},
}

// olderMarks put into the place of a mirror's mark what older versions wrote.
var olderMarks = map[string]func(m replica.Mark) string{
	"with states": replica.Mark.String,
	"without states": func(m replica.Mark) string {
		m.States = [replica.MostStates]replica.Published{}
		return m.String()
	},
	"empty": func(replica.Mark) string { return "" },
}

// The publication of a move is cut off at each of its operations. Who has read the mirror yesterday, or the day before, gets the state of then or the one that
// comes, or is told that a publication is under way.
func TestWhoReadsAMirrorInTheMiddleOfAMoveGetsAStateOrIsToldSo(t *testing.T) {
	for _, c := range []struct{ way, move, mark string }{
		{"directory", "a fork", "with states"},
		{"directory", "a fork", "without states"},
		{"directory", "a fork", "empty"},
		{"web", "a fork", "with states"},
		{"web", "a fork", "without states"},
		{"directory", "a fork and decisions", "with states"},
		{"web", "a backup", "with states"},
	} {
		t.Run(fmt.Sprintf("%s, %s, the mark %s", c.way, c.move, c.mark), func(t *testing.T) {
			m := &aMove{family: newFamily(t), way: c.way, mirror: crashfs.New()}
			m.read()
			moves[c.move](m)
			mark, _, err := reopen(t, m.mirror, "mirror").Mark()
			must(t, err)
			must(t, afero.WriteFile(m.mirror, replica.MirrorMark, []byte(olderMarks[c.mark](mark)), 0o666))
			m.cutOff()
		})
	}
}

// publish publishes, and lets a reader read that.
func (m *aMove) publish(r *replica.Replica) {
	m.t.Helper()
	must(m.t, publishFlat(r, m.mirror))
	pull(m.t, m.carol, m.open(m.mirror))
	m.read()
}

// read notes who has read the mirror as it is.
func (m *aMove) read() {
	m.readers = append(m.readers, reader{m.carol.FS().(*crashfs.FS).Survivor(crashfs.Kill, 0), m.values(m.carol)})
}

// open opens a mirror as a directory or from a web server, always at the same place.
func (m *aMove) open(tree afero.Fs) *replica.Replica {
	m.t.Helper()
	if m.way == "directory" {
		return reopen(m.t, tree, "/srv/mirror")
	}
	srv, dial := webtest.StaticPipe(m.t, tree)
	r, err := psync.Carriers{"http": psync.Web(psync.WebOptions{Dial: dial})}.Open(m.t.Context(), srv.URL, replica.Options{})
	must(m.t, err)
	return r
}

// cutOff publishes again and again, each time up to another operation, and lets all read what is there then.
func (m *aMove) cutOff() {
	seen, comes, n := map[string]bool{}, 0, 0
	for k := 1; ; k += race.Every(5) {
		disk := m.mirror.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		err := publishFlat(m.now, disk)
		if left := disk.Survivor(crashfs.Kill, 0); !again(seen, left) {
			came := m.pullAll(k, left)
			comes, n = comes+came, n+1
		}
		if !disk.Failed() {
			must(m.t, err)
			break
		}
	}
	if comes == 0 {
		m.t.Errorf("at none of %d moments did a reader get what comes", n)
	}
}

// pullAll lets each reader pull, and returns how many of them got the state that comes.
func (m *aMove) pullAll(k int, left afero.Fs) (came int) {
	for i, r := range m.readers[len(m.readers)-2:] {
		carol := reopen(m.t, r.disk.Survivor(crashfs.Kill, 0), "carol")
		_, err := psync.Pull(context.Background(), carol, m.open(left), hasty)
		shows := m.values(carol)
		switch {
		case err != nil && !errors.As(err, new(*psync.TornError)):
			m.t.Errorf("reader %d, cut off at operation %d: %v", i, k, err)
		case slices.Equal(shows, m.values(m.now)):
			came++
		case !slices.ContainsFunc(m.readers, func(r reader) bool { return slices.Equal(r.shows, shows) }):
			m.t.Errorf("reader %d, cut off at operation %d: the pull shows %s", i, k, shows)
		}
	}
	return came
}

// hasty waits for no publication that is under way.
var hasty = psync.Options{Sleep: func(context.Context, time.Duration) error { return nil }}

// decide takes what the ticket shows.
func (f *family) decide(r *replica.Replica) {
	f.t.Helper()
	replicatest.Edit(f.t, r, func(e *replica.Edit) error { return e.Take(f.ticket, replica.TakeLatest) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
