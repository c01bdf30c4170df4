package damage_test

import (
	"context"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/damage"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// witnesses are a replica of three rows, and what may be asked for them.
type witnesses struct {
	ann, old, liar, short, peer *crashfs.FS
	rec                         changeset.RecordID
}

// newWitnesses makes them: an old copy of the replica lacks its last row; a liar has others of the same numbers in its name; one left a row out; a peer has all of the true ones.
func newWitnesses(t *testing.T) *witnesses {
	t.Helper()
	w := &witnesses{ann: crashfs.New(), peer: crashfs.New()}
	ann := replicatest.Init(t, w.ann, damage.AnnOptions(20))
	edit := func(r *replica.Replica, status string) {
		t.Helper()
		if err := update(r, w.rec, "status", status); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ann.Edit(ctx, func(e *replica.Edit) (err error) {
		w.rec, err = e.Create("Ticket", map[string]string{"status": "new"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w.liar = w.ann.Survivor(crashfs.Kill, 0)
	edit(open(t, w.liar, "/liar"), "a lie")
	edit(open(t, w.liar, "/liar"), "another lie")
	edit(ann, "open")
	w.old = w.ann.Survivor(crashfs.Kill, 0)
	edit(ann, "closed")
	opts := damage.AnnOptions(21)
	opts.Where = "/peer"
	if _, _, err := psync.Clone(ctx, w.peer, ann, opts, psync.Options{}); err != nil {
		t.Fatal(err)
	}
	w.short = w.ann.Survivor(crashfs.Kill, 0)
	index, err := afero.ReadFile(w.short, changeset.IndexFile)
	if err != nil {
		t.Fatal(err)
	}
	last := append([]byte{0, 0, 0, 2}, index[2*changeset.RowSize+4:]...)
	for name, text := range map[string]string{changeset.IndexFile: string(index[:changeset.RowSize]) + string(last), changeset.LatestFile: "2"} {
		write(t, w.short, name, []byte(text))
	}
	return w
}

// TestALyingMirrorDoesNotDictateTheLog: the index is lost, and more. What is still here overrules what is said elsewhere; where nothing here decides between several, each is named, and none is taken.
func TestALyingMirrorDoesNotDictateTheLog(t *testing.T) {
	w := newWitnesses(t)
	index, objects := changeset.IndexFile, "cas/changesets"
	blind, blindLiar := w.ann.Survivor(crashfs.Kill, 0), w.liar.Survivor(crashfs.Kill, 0) // of which only the rows are left
	for _, disk := range []*crashfs.FS{blind, blindLiar} {
		if err := disk.RemoveAll(objects); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string]afero.Fs{"/old": w.old, "/liar": w.liar, "/short": w.short, "/mirror": w.ann, "/peer": w.peer, "/blind": blind, "/blindliar": blindLiar}
	for _, tt := range []struct {
		gone   string
		asked  string
		heals  bool
		warned string // of whom it is said that nothing is taken
		named  string // who contradicts whom
	}{
		{gone: objects, asked: "/liar /mirror", heals: true, warned: "/liar"},
		{gone: objects, asked: "/liar", warned: "/liar"},
		{gone: objects + " cas/records", asked: "/liar /mirror", heals: true, warned: "/liar"},
		{gone: objects + " records", asked: "/liar /mirror", heals: true, warned: "/liar"},
		{gone: objects + " prophet", asked: "/liar /mirror", heals: true, warned: "/liar"},
		{gone: objects + " cas/records prophet", asked: "/liar /mirror", heals: true, warned: "/liar"},
		{gone: objects + " records prophet", asked: "/liar /mirror", named: "in /liar, changeset in /mirror"},
		{gone: objects + " records prophet", asked: "/liar /peer", named: "in /liar, changeset in /peer"},
		{gone: objects + " records prophet", asked: "/mirror /peer", heals: true},
		{gone: objects + " records prophet", asked: "/mirror", heals: true},
		{gone: objects + " records prophet", asked: "/old /mirror", heals: true},
		{gone: objects + " records prophet", asked: "/mirror /old", heals: true},
		{gone: objects, asked: "/old /peer", heals: true},
		{gone: objects, asked: "/blindliar /mirror", heals: true},
		{gone: objects, asked: "/blind /blindliar /mirror", heals: true},
		{gone: objects, asked: "/blind /blindliar", named: "in /blind, changeset in /blindliar"},
		{gone: objects + " records prophet", asked: "/short", warned: "/short"},
		{gone: objects + " records prophet", asked: "/short /mirror", heals: true, warned: "/short"},
	} {
		disk := w.ann.Survivor(crashfs.Kill, 0)
		for _, name := range append(strings.Fields(tt.gone), index) {
			if err := disk.RemoveAll(name); err != nil {
				t.Fatal(err)
			}
		}
		var warned, did []string
		opts := damage.AnnOptions(22)
		opts.Warn = func(text string) { warned = append(warned, text) }
		err := replica.Repair(ctx, disk, opts, replica.RepairOptions{
			Sources: func(context.Context) (sources []*replica.Replica) {
				for _, where := range strings.Fields(tt.asked) {
					sources = append(sources, open(t, all[where], where))
				}
				return sources
			},
			Report: func(m replica.Mended) { did = append(did, string(m.Outcome)+" "+m.Path+": "+m.Text) },
		})
		text := strings.Join(did, "\n")
		status := ""
		if list := problems(t, disk); err == nil && len(list) == 0 {
			status = props(t, open(t, disk, damage.AnnAt), w.rec)
		}
		if healed := strings.Contains(status, "closed"); healed != tt.heals || strings.Contains(status, "lie") {
			t.Errorf("without %s, asking %s: it shows %q: %v\n%s", tt.gone, tt.asked, status, err, text)
		}
		if said := strings.Join(warned, "\n"); strings.Contains(said, tt.warned+" contradicts what is here") != (tt.warned != "") {
			t.Errorf("without %s, asking %s: warned %q", tt.gone, tt.asked, said)
		}
		for _, who := range strings.Split(tt.named, ", changeset ") {
			if !strings.Contains(text, who) {
				t.Errorf("without %s, asking %s: did\n%s", tt.gone, tt.asked, text)
			}
		}
	}
}

// TestAMirrorIsBelievedAgainstTheIndexOfAnotherReplica: the index is Carol's, and nothing is left of what would say which of its rows stand here, too. What stands in others than there cannot be told by it.
func TestAMirrorIsBelievedAgainstTheIndexOfAnotherReplica(t *testing.T) {
	whole := damage.New(t)
	want := contents(t, whole.Replica)
	for _, first := range []bool{true, false} { // with the mirror, or alone before
		s := whole.Copy()
		copyFiles(t, whole.Peer, s.Replica, changeset.IndexFile)
		for _, dir := range []string{"records", "cas"} {
			if err := s.Replica.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
		if !first {
			if _, err := repair(s, false); err != nil {
				t.Fatal(err)
			}
		}
		mended, err := repair(s, true)
		if list := problems(t, s.Replica); err != nil || len(list) > 0 || contents(t, s.Replica)[changeset.IndexFile] != want[changeset.IndexFile] {
			t.Errorf("at first %t: %v, %v, it has still %q", first, err, mended, list)
		}
	}
}
