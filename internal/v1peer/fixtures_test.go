package v1peer

import (
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/fixture"
	"prophet/internal/race"
)

// replayer makes a log of the original again, row by row.
type replayer struct {
	t       *testing.T
	name    string
	want    *log // as the original wrote it
	votes   *log // its resolutions
	rows    []changeset.Row
	made    []*changeset.Changeset
	others  map[string]*log // those that it can have pulled from
	conform int             // rows that were made again
	voted   int             // answers that the original logged
	p       *Peer
}

// TestEveryRowOfTheOriginalsLogsIsWhatAPeerWrites makes the logs of the archives again. Who pulled from whom is left open: a changeset of another
// replica may come from any log that has it. Answers are those that the original logged; each must be on record as this replica's vote.
func TestEveryRowOfTheOriginalsLogsIsWhatAPeerWrites(t *testing.T) {
	n := 0
	for _, scenario := range fixture.Names() {
		root := afero.NewMemMapFs()
		fixture.Unpack(t, root, "", scenario)
		logs := map[string]*log{}
		for _, name := range fixture.Replicas(scenario) {
			l, err := openLog(afero.NewBasePathFs(root, name), "")
			must(t, err)
			if !fixture.IsExport(name) {
				logs[name] = l
			}
		}
		for _, name := range slices.Sorted(maps.Keys(logs)) {
			if n++; n%race.Step != 0 {
				continue
			}
			t.Run(scenario+"/"+name, func(t *testing.T) {
				others := maps.Clone(logs)
				delete(others, name)
				r := &replayer{t: t, name: name, want: logs[name], others: others}
				r.run()
				t.Logf("%d rows, %d answers", r.conform, r.voted)
			})
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *replayer) run() {
	var err error
	r.rows, err = r.want.rows()
	must(r.t, err)
	for _, row := range r.rows {
		c, err := r.want.changeset(row)
		must(r.t, err)
		r.made = append(r.made, c)
	}
	r.votes, err = openLog(r.want.fs, "resolutions/")
	must(r.t, err)
	uuids := []uuid.UUID{r.want.database, r.want.uuid, r.votes.database, r.votes.uuid}
	r.p, err = Init(afero.NewMemMapFs(), Options{Creator: r.name + "@example.com", Now: r.now, NewUUID: func() uuid.UUID {
		u := uuids[0]
		uuids = uuids[1:]
		return u
	}})
	must(r.t, err)
	for r.conform < len(r.rows) {
		if c := r.made[r.conform]; c.ID.Origin == r.want.uuid && !c.Bookkeeping() {
			must(r.t, r.p.Edit(c.Changes...))
			r.compare(r.p)
		} else {
			r.integrate()
		}
	}
	r.compareRecords()
}

// now is the time that the next row bears.
func (r *replayer) now() time.Time {
	latest := uint32(0)
	if r.p != nil {
		var err error
		latest, err = r.p.Latest()
		must(r.t, err)
	}
	now, err := time.Parse(changeset.TimeFormat, r.made[min(int(latest), len(r.made)-1)].Created)
	must(r.t, err)
	return now
}

// integrate takes the next changeset of another replica from the first log that has it in a form that gives the rows of the original.
func (r *replayer) integrate() {
	first := r.conform
	next := first
	for r.made[next].Nullification {
		next++
	}
	before := r.p
	var got []changeset.Row
	for _, name := range slices.Sorted(maps.Keys(r.others)) {
		rows, err := r.others[name].rows()
		must(r.t, err)
		at := slices.IndexFunc(rows, func(row changeset.Row) bool { return row.ID == r.rows[next].ID })
		if at < 0 {
			continue
		}
		r.p = r.copyOf(before)
		from := *r.others[name]
		from.uuid = uuid.Max // so that it does not raise the mark of a replica that was perhaps not pulled from
		in := &intake{p: r.p, from: &from, to: r.p.main, resolve: r.answer}
		must(r.t, in.take(rows[at]))
		if got, err = r.p.Rows(); err == nil && slices.Equal(got, r.rows[:min(len(got), len(r.rows))]) && len(got) > next {
			r.conform = len(got)
			return
		}
	}
	r.t.Fatalf("row %d, %s: no log has a form of it that becomes what the original wrote; the last one that was tried gave %v, want %v",
		first+1, r.rows[next].ID, got[first:], r.rows[first:next+1])
}

// copyOf returns a copy of a peer, so that the peer stays as it is.
func (r *replayer) copyOf(p *Peer) *Peer {
	r.t.Helper()
	c, err := Open(afero.NewCopyOnWriteFs(afero.NewReadOnlyFs(p.fs), afero.NewMemMapFs()), p.opts)
	must(r.t, err)
	return c
}

// answer is what the original set in the resolution that it logged.
func (r *replayer) answer(c Conflict) (map[string]changeset.Value, bool) {
	latest, err := r.p.Latest()
	must(r.t, err)
	at := int(latest) + 2
	if at >= len(r.made) || !r.made[at].Resolution || r.made[at].Change(c.Record) == nil {
		return nil, true
	}
	answer := map[string]changeset.Value{}
	for name, pc := range r.made[at].Change(c.Record).Props {
		answer[name] = pc.New
	}
	if !r.hasVote(c, answer) {
		r.t.Errorf("row %d: the original set %v, but has not voted for it", at+1, answer)
	}
	r.voted++
	return answer, true
}

// hasVote reports whether the original voted for the answer under the fingerprint of the conflict, with its properties in any order.
// A vote is a create, and lacks what the answer leaves empty.
func (r *replayer) hasVote(c Conflict, answer map[string]changeset.Value) bool {
	want := map[string]string{"_meta": "update_file"}
	for name, v := range answer {
		if v.Text != "" {
			want[name] = v.Text
		}
	}
	for order := range orders(c.Clashes) {
		c.Clashes = order
		vote, ok, err := r.votes.props(changeset.RecordID{Type: resolutionType(c.fingerprint()), UUID: r.votes.uuid})
		must(r.t, err)
		if ok && maps.Equal(vote, want) {
			return true
		}
	}
	return false
}

// orders gives all orders of clashes.
func orders(all []Clash) func(yield func([]Clash) bool) {
	return func(yield func([]Clash) bool) {
		var place func(done, left []Clash) bool
		place = func(done, left []Clash) bool {
			if len(left) == 0 {
				return yield(done)
			}
			for i := range left {
				rest := slices.Delete(slices.Clone(left), i, i+1)
				if !place(append(slices.Clone(done), left[i]), rest) {
					return false
				}
			}
			return true
		}
		place(nil, all)
	}
}

// compare holds all rows made so far against the original's.
func (r *replayer) compare(p *Peer) {
	r.t.Helper()
	got, err := p.Rows()
	must(r.t, err)
	if !slices.Equal(got, r.rows[:len(got)]) {
		r.t.Fatalf("row %d is %v, the original's %v", len(got), got[len(got)-1], r.rows[len(got)-1])
	}
	r.conform = len(got)
}

// compareRecords holds all versions of all records against the original's.
func (r *replayer) compareRecords() {
	for _, dir := range []string{"records", "cas/records"} {
		must(r.t, afero.Walk(r.want.fs, dir, func(name string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() {
				return err
			}
			want, err := afero.ReadFile(r.want.fs, name)
			must(r.t, err)
			got, err := afero.ReadFile(r.p.fs, name)
			if err != nil || string(got) != string(want) {
				r.t.Errorf("%s is %q, the original's %q (%v)", strings.TrimPrefix(path.Clean(name), "/"), got, want, err)
			}
			return nil
		}))
	}
}
