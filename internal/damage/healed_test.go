package damage_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/damage"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

var several = flag.Int("several", 25, "how many times two or three files are damaged at once")

var ctx = context.Background()

// repair repairs the scene's replica, with the mirror and the peer to ask if with says so.
func repair(s *damage.Scene, with bool) (mended []replica.Mended, err error) {
	how := replica.RepairOptions{Report: func(m replica.Mended) { mended = append(mended, m) }}
	if with {
		how.Sources = func(context.Context) (sources []*replica.Replica) {
			for _, from := range []struct {
				where string
				fsys  afero.Fs
			}{{"/scene/mirror", s.MirrorTree()}, {damage.CarolAt, s.Peer}} {
				if r, err := replica.Open(from.fsys, replica.Options{Where: from.where}); err == nil {
					sources = append(sources, r)
				}
			}
			return sources
		}
	}
	err = replica.Repair(ctx, s.Replica, damage.AnnOptions(9), how)
	return mended, err
}

// contents returns what the files of a tree hold, but for what was set aside.
func contents(t testing.TB, fsys afero.Fs) map[string]string {
	t.Helper()
	names, err := damage.Files(fsys)
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]string{}
	for _, name := range names {
		if strings.HasPrefix(name, replica.SetAsideDir+"/") {
			continue
		}
		b, err := afero.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		held[name] = string(b)
	}
	return held
}

// otherFiles returns the files in which two trees differ.
func otherFiles(a, b map[string]string) (names []string) {
	for name, text := range a {
		if other, ok := b[name]; !ok || other != text {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// problems returns what a check finds; of what is lost a line for each changeset, and not what waits for it.
func problems(t testing.TB, fsys afero.Fs) (list []string) {
	t.Helper()
	err := replica.Check(ctx, fsys, replica.Options{Sleep: replicatest.AtOnce}, func(p replica.Problem) {
		switch {
		case p.Loss != nil && len(p.Loss.Waiting) > 0:
		case p.Loss != nil && len(p.Loss.Changesets) > 1:
			for _, c := range p.Loss.Changesets {
				list = append(list, fmt.Sprintf("%s: %s is lost", p.Path, c.Row.ID))
			}
		case !p.Harmless || strings.HasSuffix(p.Path, replica.LostFile): // lost bookkeeping is harmless, and lost
			list = append(list, fmt.Sprintf("%s: %s", p.Path, p.Text))
		}
	}, nil)
	if err != nil {
		list = append(list, err.Error())
	}
	return list
}

func TestARepairOfASoundReplicaChangesNothing(t *testing.T) {
	s := damage.New(t)
	for _, with := range []bool{false, true} {
		before := s.Replica.Print()
		if mended, err := repair(s, with); err != nil || len(mended) > 0 {
			t.Fatalf("%v: %v", err, mended)
		}
		if after := s.Replica.Print(); after != before {
			t.Error("the tree is another one")
		}
	}
}

// notTheSame are the files that need not be the same bytes after a repair, with the reason; docs/adr/0017-repair.md has them all.
var notTheSame = map[string]string{
	"config":                   "a person's own",
	"userdata/":                "the original's",
	"prophet/lock":             "nothing reads it",
	"prophet/journal":          "where there is none, there is no commit",
	"prophet/last-peer":        "it stands nowhere else",
	"prophet/peers/":           "it is found out by pulling",
	replica.DigestsFile:        "nothing says where transactions ended",
	"local_metadata/":          "greater marks of origins that are no peers are believed",
	"resolutions/prophet/rows": "settled or not, the next merge finds out",
	"prophet/former-uuids":     "if its checksum does not prove it",
	replica.IdentityFile:       "if a list of former UUIDs is another one",
}

// excused reports whether a file need not be the same.
func excused(name string) bool {
	for _, file := range []string{name, strings.TrimPrefix(name, "resolutions/")} {
		for known := range notTheSame {
			if file == known || strings.HasSuffix(known, "/") && strings.HasPrefix(file, known) {
				return true
			}
		}
	}
	return false
}

// cell is a damage to a kind of files.
type cell struct {
	kind   *damage.Kind
	damage damage.Damage
	cases  []*damage.Case
}

// cells are those of the replica.
func cells(t *testing.T, s *damage.Scene) (list []cell) {
	t.Helper()
	kinds, err := s.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if k.Mirror {
			continue // its publisher repairs it
		}
		for _, d := range damage.Damages {
			cases, err := s.Cases(k, d, damage.Amount{})
			if err != nil {
				t.Fatal(err)
			}
			if len(cases) == 0 && k.Cannot[d] == "" {
				t.Errorf("%s, %s: no case", k.Name, d)
			}
			if !*all && len(cases) > 1 {
				cases = cases[len(list)%len(cases):][:1]
			}
			list = append(list, cell{k, d, cases})
		}
	}
	return list
}

// eachRepaired does each damage, or one in so many, other ones if there is nobody to ask, repairs it, and looks at what came of it: the scene, what the repair did, and the files that differ from before.
func eachRepaired(t *testing.T, s *damage.Scene, with bool, step int, look func(c *damage.Case, s *damage.Scene, mended []replica.Mended, differ []string)) {
	t.Helper()
	want, n, did := contents(t, s.Replica), 0, 0
	if with {
		n = step / 2
	}
	for _, cell := range cells(t, s) {
		for _, c := range cell.cases {
			if n++; n%step != 0 || inCapitals(c) || c.Dir && c.Kind.Name == "prophet/lock" { // without the lock nobody may move anything, not even that
				continue
			}
			did++
			work := s.Copy()
			if err := c.Do(work.Replica); err != nil {
				t.Fatal(err)
			}
			mended, err := repair(work, with)
			if err != nil {
				t.Errorf("%s: %v", c, err)
				continue
			}
			look(c, work, mended, slices.DeleteFunc(otherFiles(want, contents(t, work.Replica)), excused))
		}
	}
	t.Logf("%d cases", did)
}

// inCapitals reports whether a damage leaves what a file says as it is: a UUID with a capital in it is the same one.
func inCapitals(c *damage.Case) bool {
	return strings.HasSuffix(c.Kind.Name, "-uuid") && strings.EqualFold(string(c.Text()), string(c.Held))
}

// TestEveryDamageIsHealed: with the mirror and the peer at hand, the tree is the same bytes afterwards.
func TestEveryDamageIsHealed(t *testing.T) { isHealed(t, damage.New(t), race.Every(2)) }

// TestEveryDamageToAPackedReplicaIsHealed is that where parts hold what the loose files would.
func TestEveryDamageToAPackedReplicaIsHealed(t *testing.T) {
	isHealed(t, damage.NewPacked(t), race.Every(4))
}

func isHealed(t *testing.T, s *damage.Scene, step int) {
	t.Helper()
	eachRepaired(t, s, true, step, func(c *damage.Case, s *damage.Scene, mended []replica.Mended, differ []string) {
		if list := problems(t, s.Replica); len(differ)+len(list) > 0 && !ofAPerson(c) {
			t.Errorf("%s:\n  differ %v\n  did %v\n  check %v", c, differ, mended, list)
		}
	})
}

// ofAPerson reports whether a damage is to what no repair touches.
func ofAPerson(c *damage.Case) bool {
	return c.Kind.Name == "config" || c.Kind.Name == "userdata/local-id-cache" || c.Kind.Name == "prophet/lock" || c.Kind.Name == "prophet/last-peer"
}

// TestWithoutOthersWhatFollowsIsHealed: what can be derived is the same bytes afterwards; the rest is set aside, a check says that and no more, and edits, a pull and a publication work.
func TestWithoutOthersWhatFollowsIsHealed(t *testing.T) {
	followsIsHealed(t, damage.New(t), race.Every(2))
}

// TestWithoutOthersWhatFollowsIsHealedInAPackedReplica is that where parts hold what the loose files would.
func TestWithoutOthersWhatFollowsIsHealedInAPackedReplica(t *testing.T) {
	followsIsHealed(t, damage.NewPacked(t), race.Every(4))
}

func followsIsHealed(t *testing.T, s *damage.Scene, step int) {
	t.Helper()
	lost, told := 0, representations(t, s)
	eachRepaired(t, s, false, step, func(c *damage.Case, s *damage.Scene, mended []replica.Mended, differ []string) {
		gone, ofOthers := lostIn(mended), ofObjects(c) || slices.Contains(told, c.Other)
		lost += gone
		if gone > 0 || ofOthers {
			differ = nil
		}
		if list := problems(t, s.Replica); (len(differ) > 0 || !saysLost(list, gone)) && !ofAPerson(c) {
			t.Errorf("%s:\n  differ %v\n  did %v\n  check %v", c, differ, mended, list)
		}
		if err := goOn(s, !ofOthers, gone > 0); err != nil && !ofAPerson(c) {
			t.Errorf("%s: %v", c, err)
		}
	})
	t.Logf("%d changesets lost", lost)
}

// ofObjects reports whether a damage is to a representation that others told, which nothing here follows from.
func ofObjects(c *damage.Case) bool {
	return c.Kind.Name == "another representation" || c.Kind.Name == "prophet/representations"
}

// representations are the files of those that others told.
func representations(t *testing.T, s *damage.Scene) []string {
	t.Helper()
	kinds, err := s.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if k.Name == "another representation" {
			return k.Files
		}
	}
	return nil
}

// lostIn counts the changesets that were lost.
func lostIn(mended []replica.Mended) (n int) {
	for _, m := range mended {
		if m.Outcome == replica.IsLost && strings.Contains(m.Path, "cas/changesets/") {
			n++
		}
	}
	return n
}

// saysLost reports whether all that is wrong is that so many changesets are lost.
func saysLost(list []string, n int) bool {
	return len(list) == n && !slices.ContainsFunc(list, func(text string) bool { return !strings.Contains(text, "is lost") })
}

// goOn edits the replica, pulls into it, and publishes it; where it lost something, perhaps to another mirror than the one that has that. A mirror whose list of representations has more than this replica is refused, as ever; a repair from there gets it.
func goOn(s *damage.Scene, publishes, lost bool) error {
	opts := damage.AnnOptions(13)
	ann, err := replica.Open(s.Replica, opts)
	if err != nil {
		return err
	}
	_, err = ann.Edit(ctx, func(e *replica.Edit) error {
		return e.Update(s.Records.Quiet, map[string]string{"status": "goes on"})
	})
	if err != nil {
		return fmt.Errorf("edit: %w", err)
	}
	carol, err := replica.Open(s.Peer, replica.Options{Where: damage.CarolAt})
	if err != nil {
		return err
	}
	if _, err := psync.Pull(ctx, ann, carol, psync.Options{}); err != nil || !publishes {
		return err
	}
	if _, err = psync.Publish(ctx, ann, s.Mirror, psync.PublishOptions{}); lost && errors.Is(err, psync.ErrMirrorHas) { // that one is to be asked first
		_, err = psync.Publish(ctx, ann, crashfs.New(), psync.PublishOptions{})
	}
	return err
}

// TestSeveralDamagesAtOnce: two or three files are damaged. Nothing is made worse: a second repair changes nothing, and where a check finds nothing, the replica shows what it did.
func TestSeveralDamagesAtOnce(t *testing.T) {
	s := damage.New(t)
	list := slices.DeleteFunc(cells(t, s), func(c cell) bool { return len(c.cases) == 0 || ofAPerson(c.cases[0]) })
	want := look(t, open(t, s.Replica, damage.AnnAt))
	whole, left := 0, 0
	for i := range *several {
		seed := *seed + uint64(i)
		rng := rand.New(rand.NewPCG(seed, 7))
		work, did := s.Copy(), ""
		for range 2 + rng.IntN(2) {
			cell := list[rng.IntN(len(list))]
			c := cell.cases[rng.IntN(len(cell.cases))]
			did += "\n  " + c.String()
			_ = c.Do(work.Replica) // what the one before took away cannot be damaged
		}
		mended, err := repair(work, true)
		if err != nil {
			t.Errorf("seed %d:%s\n  %v", seed, did, err)
			continue
		}
		found := problems(t, work.Replica)
		before := work.Replica.Print()
		if _, err := repair(work, true); err != nil || work.Replica.Print() != before {
			t.Errorf("seed %d:%s\n  a second repair changes more, or %v", seed, did, err)
		}
		if len(found) > 0 {
			left++
			if lostIn(mended) == 0 && !slices.ContainsFunc(mended, func(m replica.Mended) bool { return m.Outcome == replica.IsLeft }) {
				t.Errorf("seed %d:%s\n  did %v\n  check %v", seed, did, mended, found)
			}
			continue
		}
		whole++
		if got := look(t, open(t, work.Replica, damage.AnnAt)); got != want {
			t.Errorf("seed %d:%s\n  it shows\n%s\n  and not\n%s", seed, did, got, want)
		}
	}
	t.Logf("%d of %d healed, %d left or lost", whole, *several, left)
}
