package sync_test

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/durable"
	"prophet/internal/wire"
	"prophet/replica"
	psync "prophet/sync"
)

// workshop is a database of tickets that Ann and Ben keep, each in a replica. Clock and UUIDs are of its own, so that it is the same each time.
type workshop struct {
	tb       testing.TB
	ann, ben *replica.Replica
	clock    time.Time
	rng      *rand.Rand
}

// newWorkshop makes Ann's replica in a file system, usually one in memory.
func newWorkshop(tb testing.TB, fsys afero.Fs) *workshop {
	tb.Helper()
	w := &workshop{tb: tb, clock: time.Date(2026, 3, 2, 9, 14, 0, 0, time.UTC), rng: rand.New(rand.NewPCG(2026, 3))}
	var err error
	w.ann, err = replica.Init(tb.Context(), fsys, replica.Identity{}, w.options("ann"))
	w.check(err)
	return w
}

func (w *workshop) options(who string) replica.Options {
	return replica.Options{Where: who, Creator: who + "@example.com", NewUUID: w.uuid, Now: func() time.Time { return w.clock }}
}

func (w *workshop) uuid() (u uuid.UUID) {
	for i := range u {
		u[i] = byte(w.rng.Uint32())
	}
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return u
}

func (w *workshop) check(err error) {
	w.tb.Helper()
	if err != nil {
		w.tb.Fatal(err)
	}
}

// later lets some time pass.
func (w *workshop) later(d time.Duration) { w.clock = w.clock.Add(d) }

func (w *workshop) edit(r *replica.Replica, f func(e *replica.Edit) error) {
	w.tb.Helper()
	w.later(17 * time.Minute)
	_, err := r.Edit(w.tb.Context(), f)
	w.check(err)
}

func (w *workshop) ticket(r *replica.Replica, summary, status, place string) (rec changeset.RecordID) {
	w.tb.Helper()
	w.edit(r, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"summary": summary, "status": status, "place": place})
		return err
	})
	return rec
}

func (w *workshop) comment(r *replica.Replica, on changeset.RecordID, text string) {
	w.tb.Helper()
	w.edit(r, func(e *replica.Edit) error {
		_, err := e.Create("Comment", map[string]string{"ticket": on.UUID.String(), "text": text})
		return err
	})
}

func (w *workshop) update(r *replica.Replica, rec changeset.RecordID, props map[string]string) {
	w.tb.Helper()
	w.edit(r, func(e *replica.Edit) error { return e.Update(rec, props) })
}

func (w *workshop) remove(r *replica.Replica, rec changeset.RecordID) {
	w.tb.Helper()
	w.edit(r, func(e *replica.Edit) error { return e.Delete(rec) })
}

func (w *workshop) pull(to, from *replica.Replica) *psync.Report {
	w.tb.Helper()
	report, err := psync.Pull(w.tb.Context(), to, from, psync.Options{})
	w.check(err)
	return report
}

// fill plays some weeks: both make tickets and comments, both set the status of one while apart, and Ben decides.
func (w *workshop) fill() {
	w.tb.Helper()
	laser := w.ticket(w.ann, "Laser cutter stops after ten minutes", "new", "cellar")
	w.comment(w.ann, laser, "The lamp at the chiller blinks. Nobody should cut acrylic with it until it is looked at.")
	door := w.ticket(w.ann, "Front door does not lock by itself", "new", "entrance")
	filament := w.ticket(w.ann, "Order filament: black, white, 1.75 mm", "new", "3D printers")
	double := w.ticket(w.ann, "door is broken!!", "new", "entrance")
	var err error
	w.ben, _, err = psync.Clone(w.tb.Context(), crashfs.New(), w.ann, w.options("ben"), psync.Options{Adopt: true})
	w.check(err)

	w.later(20 * time.Hour)
	w.comment(w.ben, door, "The strike plate had moved by 3 mm. Filed it; the closer needs a new seal too.")
	w.update(w.ben, door, map[string]string{"status": "open", "owner": "ben@example.com"})
	w.remove(w.ben, double)
	w.update(w.ben, laser, map[string]string{"status": "waiting for a part", "owner": "ben@example.com"})
	w.comment(w.ben, laser, "Pump draws 2 A and does not turn. Ordered one, 38,50 €, arrives on Thursday.")
	w.update(w.ann, laser, map[string]string{"status": "open", "priority": "high"})
	w.ticket(w.ann, "Sewing machine 2 eats the thread (Pfaff, the grey one)", "new", "loft")
	w.pull(w.ann, w.ben)
	w.pull(w.ben, w.ann)
	w.update(w.ben, laser, map[string]string{"status": "waiting for a part"})

	w.later(50 * time.Hour)
	w.comment(w.ben, laser, "New pump is in. Ran for an hour at 80 % — 21 °C all the time.")
	w.update(w.ben, laser, map[string]string{"status": "resolved"})
	w.comment(w.ben, door, "Closer oiled.")
	kiln := w.ticket(w.ben, "Kiln: write down who fires when", "new", "yard")
	w.comment(w.ben, kiln, "Proposal:\n- a list on the door\n- no glaze firing at night\n- whoever fires last sweeps")
	w.pull(w.ann, w.ben)
	w.update(w.ann, kiln, map[string]string{"status": "open"})
	w.comment(w.ann, kiln, "Agreed. Zoë prints the list; \"kiln\" gets a column for the cone, too.")
	w.update(w.ann, door, map[string]string{"status": "resolved", "owner": ""})
	w.comment(w.ann, filament, "Ordered: 2 × black, 4 × white. The shop is out of red until May.")
	w.ticket(w.ben, "Dust extraction: empty the barrel before it is full, please", "open", "wood")
	w.ticket(w.ann, "First-aid box: plasters and eye wash are gone", "new", "entrance")
	w.pull(w.ann, w.ben)
}

// few plays some days: a conflict, a decision, a deletion.
func (w *workshop) few() {
	w.tb.Helper()
	laser := w.ticket(w.ann, "Laser cutter stops after ten minutes", "new", "cellar")
	double := w.ticket(w.ann, "laser is broken!!", "new", "cellar")
	var err error
	w.ben, _, err = psync.Clone(w.tb.Context(), crashfs.New(), w.ann, w.options("ben"), psync.Options{Adopt: true})
	w.check(err)
	w.update(w.ben, laser, map[string]string{"status": "open"})
	w.remove(w.ben, double)
	w.update(w.ann, laser, map[string]string{"status": "resolved"})
	w.pull(w.ann, w.ben)
	w.update(w.ann, laser, map[string]string{"status": "open"})
	w.comment(w.ann, laser, "The pump does not turn.")
}

// many adds so many tickets in large transactions.
func (w *workshop) many(n int) {
	w.tb.Helper()
	for done := 0; done < n; {
		w.check(w.ann.Update(w.tb.Context(), func(tx *replica.Tx) error {
			for end := min(done+2000, n); done < end; done++ {
				if _, err := tx.Edit(func(e *replica.Edit) error {
					_, err := e.Create("Ticket", map[string]string{"summary": fmt.Sprint("ticket ", done), "status": "new",
						"text": strings.Repeat("all work and no play ", 1+done%20)})
					return err
				}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// publish publishes Ann's replica.
func (w *workshop) publish(dest afero.Fs, opts psync.PublishOptions) *psync.Published {
	w.tb.Helper()
	report, err := psync.Publish(w.tb.Context(), w.ann, dest, opts)
	w.check(err)
	return report
}

// openAt opens what is in a directory of a file system.
func openAt(fsys afero.Fs, dir string) (*replica.Replica, error) {
	if dir != "." {
		fsys = afero.NewBasePathFs(fsys, dir)
	}
	return replica.Open(fsys, replica.Options{Where: dir})
}

// filesOf returns what a file system holds, by name, without the locks and what crashes left of files not finished.
func filesOf(tb testing.TB, fsys afero.Fs) map[string]string {
	tb.Helper()
	files := map[string]string{}
	err := afero.Walk(fsys, ".", func(name string, info fs.FileInfo, err error) error {
		if err != nil || info.IsDir() || durable.IsTemp(name) || path.Base(name) == "lock" {
			return err
		}
		b, err := afero.ReadFile(fsys, name)
		files[path.Clean(strings.ReplaceAll(name, "\\", "/"))] = string(b)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return files
}

// sameFiles compares what two file systems hold.
func sameFiles(tb testing.TB, what string, got, want map[string]string) {
	tb.Helper()
	got, want = withoutPast(got), withoutPast(want)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if text, ok := got[name]; !ok {
			tb.Errorf("%s: %s is missing", what, name)
		} else if text != want[name] {
			tb.Errorf("%s: %s is %.200q, want %.200q", what, name, text, want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			tb.Errorf("%s: %s should not be there", what, name)
		}
	}
}

// withoutPast leaves out of marks and heads which states were published before: that depends on more than what is there.
func withoutPast(files map[string]string) map[string]string {
	files = maps.Clone(files)
	for name, text := range files {
		if h, err := wire.ParseHead([]byte(text)); err == nil && strings.HasSuffix(name, wire.HeadFile) {
			h.Files = withoutPast(h.Files)
			for i := range h.Logs {
				h.Logs[i].Before = nil
			}
			files[name] = string(h.Encode())
		}
		if m, ok := replica.ParseMark(text); ok && path.Base(path.Dir(name)) == "prophet" && path.Base(name) == path.Base(replica.MirrorMark) {
			m.States = [replica.MostStates]replica.Published{m.States[0]}
			files[name] = m.String()
		}
	}
	return files
}

// idsOf returns the ordinary changesets of a log.
func idsOf(tb testing.TB, l *replica.Log) map[changeset.ID]bool {
	tb.Helper()
	ids := map[changeset.ID]bool{}
	for row, err := range l.Rows(1, l.Latest()) {
		if err != nil {
			tb.Fatal(err)
		}
		c, err := l.Changeset(row)
		if err != nil {
			tb.Fatal(err)
		}
		if !c.Bookkeeping() {
			ids[c.ID] = true
		}
	}
	return ids
}

// sameState checks that two replicas hold the same changesets and votes and show the same records.
func sameState(tb testing.TB, what string, got, want *replica.Replica) {
	tb.Helper()
	if !maps.Equal(idsOf(tb, got.Log()), idsOf(tb, want.Log())) {
		tb.Errorf("%s: it has other changesets", what)
	}
	if !maps.Equal(idsOf(tb, got.Resolutions()), idsOf(tb, want.Resolutions())) {
		tb.Errorf("%s: it has other resolutions", what)
	}
	if g, w := recordsOf(tb, got), recordsOf(tb, want); !maps.Equal(g, w) {
		tb.Errorf("%s: it shows\n%v\nwant\n%v", what, g, w)
	}
}

// recordsOf returns the living records, each as canonical JSON.
func recordsOf(tb testing.TB, r *replica.Replica) map[changeset.RecordID]string {
	tb.Helper()
	records := map[changeset.RecordID]string{}
	for rec, err := range r.All("") {
		if err != nil {
			tb.Fatal(err)
		}
		records[rec.ID] = string(changeset.EncodeRecord(rec.Props))
	}
	return records
}
