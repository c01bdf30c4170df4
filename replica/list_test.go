package replica_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

// forgetLengths makes the notes on rows those of a version that did not note how long the list of what is undecided is.
func forgetLengths(t *testing.T, fsys afero.Fs) {
	t.Helper()
	change(t, fsys, "prophet/rows", func(b []byte) []byte {
		for i := 4; i < len(b); i += 8 {
			b[i] &= 7
			copy(b[i+1:], "\x00\x00\x00")
		}
		return replica.Checked(b)
	})
}

// checksums begin the lines on what is undecided.
var checksums = regexp.MustCompile("(?m)^[0-9a-f]{8} ")

// bare takes the checksums off lines on what is undecided.
func bare(lines []byte) []byte { return checksums.ReplaceAll(lines, nil) }

// asOlder makes the list of what is undecided, and the notes on it, those of a version that knew neither checksums nor lengths, with one text for another.
func asOlder(t *testing.T, fsys afero.Fs, old, text string) {
	t.Helper()
	change(t, fsys, "prophet/conflicts", func(b []byte) []byte { return []byte(strings.ReplaceAll(string(bare(b)), old, text)) })
	forgetLengths(t, fsys)
}

// lostLists are damages of the list of what is undecided that leave no line of it damaged.
var lostLists = []struct {
	name   string
	damage func(t *testing.T, fsys afero.Fs, before []byte)
}{
	{"lost", func(t *testing.T, fsys afero.Fs, _ []byte) {
		if err := fsys.Remove("prophet/conflicts"); err != nil {
			t.Fatal(err)
		}
	}},
	{"emptied", func(t *testing.T, fsys afero.Fs, _ []byte) {
		change(t, fsys, "prophet/conflicts", func([]byte) []byte { return nil })
	}},
	{"cut", func(t *testing.T, fsys afero.Fs, _ []byte) {
		change(t, fsys, "prophet/conflicts", func(b []byte) []byte { return b[:len(b)-3] })
	}},
	{"set back", func(t *testing.T, fsys afero.Fs, before []byte) {
		change(t, fsys, "prophet/conflicts", func([]byte) []byte { return before })
	}},
	{"longer", func(t *testing.T, fsys afero.Fs, _ []byte) {
		change(t, fsys, "prophet/conflicts", func(b []byte) []byte { return append(b, b...) })
	}},
}

// withLostList makes a replica with a conflict over m, and rivals for n which agree, of which one list is noted; then the list is damaged.
func withLostList(t *testing.T, damage func(t *testing.T, fsys afero.Fs, before []byte)) (*replica.Replica, afero.Fs) {
	t.Helper()
	r, fsys := newReplicaOn(t, afero.NewMemMapFs())
	one := func(value string) map[string]string { return map[string]string{"m": value} }
	rivalsOf(t, r, "Note", one("1"), one("2"), one("3"))
	before, err := afero.ReadFile(fsys, "prophet/conflicts")
	if err != nil {
		t.Fatal(err)
	}
	countedTwice(t, r)
	damage(t, fsys, before)
	r = replicatest.Open(t, fsys, replica.Options{})
	return r, fsys
}

func TestAListOfConflictsThatWasLostIsNotBelieved(t *testing.T) {
	for _, tt := range lostLists {
		r, fsys := withLostList(t, tt.damage)
		found := problems(t, fsys)
		if !strings.HasPrefix(found, "prophet/conflicts: ") || !strings.Contains(found, "the next edit makes it again from the log (harmless)\n") || strings.Count(found, "\n") != 1 {
			t.Errorf("%s: fsck says\n%s", tt.name, found)
		}
		if open, err := r.Conflicts(); err != nil || len(open) != 1 || open[0].Record.Type != "Note" {
			t.Errorf("%s: the conflicts are %v, %v", tt.name, open, err)
		}
		if again := problems(t, fsys); again != found {
			t.Errorf("%s: after a look at the conflicts fsck says\n%s", tt.name, again)
		}
		grow(t, r, 1)
		sound(t, fsys)
		if open, err := r.InConflict(); err != nil || len(open) != 1 {
			t.Errorf("%s: after an edit these are in conflict: %v, %v", tt.name, open, err)
		}
	}
}

func TestARuleMissesNothingThatALostListNamed(t *testing.T) {
	for _, tt := range lostLists {
		r, fsys := withLostList(t, tt.damage)
		setRule(t, r, "Ticket", "n", resolution.RuleSum)
		if open, err := r.InConflict(); err != nil || len(open) != 2 {
			t.Errorf("%s: in conflict are %v, %v", tt.name, open, err)
		}
		sound(t, fsys)
	}
}

// What another program writes after the list was lost is taken over with a list of all that is undecided.
func TestAListThatWasLostIsMadeAnewWithRowsOfAnother(t *testing.T) {
	for _, tt := range lostLists {
		r, fsys := withLostList(t, tt.damage)
		ruleAsTheOriginal(t, fsys, r, "n", `["sum"]`)
		r = replicatest.Open(t, fsys, replica.Options{})
		if open, err := r.InConflict(); err != nil || len(open) == 0 {
			t.Errorf("%s: in conflict are %v, %v", tt.name, open, err)
		}
		grow(t, r, 1)
		if open, err := r.InConflict(); err != nil || len(open) != 2 {
			t.Errorf("%s: after an edit these are in conflict: %v, %v", tt.name, open, err)
		}
		sound(t, fsys)
	}
}

func TestAReplicaWithoutTheLengthOfItsListIsRight(t *testing.T) {
	r, fsys := withLostList(t, func(t *testing.T, fsys afero.Fs, _ []byte) { forgetLengths(t, fsys) })
	sound(t, fsys)
	if open, err := r.InConflict(); err != nil || len(open) != 1 {
		t.Errorf("in conflict are %v, %v", open, err)
	}
	grow(t, r, 1) // which notes the length
	sound(t, fsys)
	change(t, fsys, "prophet/conflicts", func([]byte) []byte { return nil })
	if open, err := r.InConflict(); err != nil || len(open) != 1 {
		t.Errorf("once it was lost these are in conflict: %v, %v", open, err)
	}
}

func TestLinesThatAreLeftOfLostRowsDoNotComeBack(t *testing.T) {
	r, fsys := newReplica(t)
	grow(t, r, 1)
	line := "2 + Ticket " + allRecords(t, r)[0].UUID.String() + " n\n"
	if err := afero.WriteFile(fsys, "prophet/conflicts", []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	grow(t, r, 1)
	sound(t, fsys)
	if open, err := r.InConflict(); err != nil || len(open) > 0 {
		t.Errorf("in conflict are %v, %v", open, err)
	}
}

// An edit looks how long the list is, and does not read it.
func TestAnEditCostsTheSameWhateverIsUndecided(t *testing.T) {
	replicatest.WithLooseEdits(t)
	costs := func(undecided int) replicatest.Counts {
		counting := replicatest.Count(directory(t))
		r := replicatest.Init(t, counting, replica.Options{})
		countedTwice(t, r)
		for range undecided {
			countedTwice(t, r)
		}
		grow(t, r, 100)
		counting.Reset()
		grow(t, r, 1)
		return counting.Counts()
	}
	if few, many := costs(0), costs(30); many.Bytes > few.Bytes+100 || many.Ops() > few.Ops()+8 {
		t.Errorf("%s; with 30 more records on the list %s", few, many)
	}
}

func TestTheListDoesNotGrowWithWhatWasDecided(t *testing.T) {
	r, fsys := newReplicaOn(t, afero.NewMemMapFs())
	one := func(value string) map[string]string { return map[string]string{"m": value} }
	rivalsOf(t, r, "Note", one("1"), one("2"), one("3"))
	for range 100 {
		update(t, r, rivalsOf(t, r, "Task", one("1"), one("2"), one("3")), "m", "2")
	}
	list, err := afero.ReadFile(fsys, "prophet/conflicts")
	if err != nil || len(list) > 6000 {
		t.Errorf("the list of one record has %d bytes, %v", len(list), err)
	}
	if found := problems(t, fsys); found != "" {
		t.Errorf("fsck says\n%s", found)
	}
	if open, err := r.Conflicts(); err != nil || len(open) != 1 || open[0].Record.Type != "Note" {
		t.Errorf("open is %v, %v", open, err)
	}
}

func TestAByteThatChangedInTheListIsNotBelieved(t *testing.T) {
	r, fsys := newReplicaOn(t, afero.NewMemMapFs())
	one := func(value string) map[string]string { return map[string]string{"m": value} }
	rec := rivalsOf(t, r, "Note", one("1"), one("2"), one("3"))
	update(t, r, rec, "m", "4")
	rec = rivalsOf(t, r, "Note", one("1"), one("2"), one("3"))
	list, err := afero.ReadFile(fsys, "prophet/conflicts")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(list); i += race.Step {
		for bit := range 8 {
			other := bytes.Clone(list)
			other[i] ^= 1 << bit
			change(t, fsys, "prophet/conflicts", func([]byte) []byte { return other })
			r := replicatest.Open(t, fsys, replica.Options{})
			if open, err := r.InConflict(); err != nil || len(open) != 1 || open[0] != rec {
				t.Fatalf("with %q in conflict are %v, %v", other, open, err)
			}
			if bit != i%8 { // fsck reads it as the other does, and takes longer
				continue
			}
			if found := problems(t, fsys); !strings.HasPrefix(found, "prophet/conflicts: ") {
				t.Fatalf("of %q fsck says\n%s", other, found)
			}
		}
	}
}

func TestALineThatChangedIsMadeAgainAsFsckSays(t *testing.T) {
	r, fsys := withLostList(t, func(t *testing.T, fsys afero.Fs, _ []byte) {
		change(t, fsys, "prophet/conflicts", func(b []byte) []byte { return bytes.Replace(b, []byte(" m\n"), []byte(" k\n"), 1) })
	})
	if found := problems(t, fsys); !strings.Contains(found, "does not have the checksum that it bears; \"prophet fsck --repair\" makes it again from the log\n") {
		t.Errorf("fsck says\n%s", found)
	}
	if err := fsys.Remove("prophet/rows"); err != nil {
		t.Fatal(err)
	}
	grow(t, r, 1)
	sound(t, fsys)
}

// The version before this one knew the length of the list, and wrote no checksums.
func TestAListWithoutChecksumsIsBelievedAndGetsThem(t *testing.T) {
	r, fsys := newReplicaOn(t, afero.NewMemMapFs())
	one := func(value string) map[string]string { return map[string]string{"m": value} }
	rec := rivalsOf(t, r, "Note", one("1"), one("2"), one("3"))
	asOlder(t, fsys, "", "")
	grow(t, r, 1)
	change(t, fsys, "prophet/conflicts", bare)
	change(t, fsys, "prophet/rows", func(b []byte) []byte { // the length is the same without them
		b[len(b)-1] -= 9
		return replica.Checked(b)
	})
	sound(t, fsys)
	r = replicatest.Open(t, fsys, replica.Options{})
	if open, err := r.InConflict(); err != nil || len(open) != 1 || open[0] != rec {
		t.Errorf("in conflict are %v, %v", open, err)
	}
	other := rivalsOf(t, r, "Note", one("1"), one("2"), one("3"))
	sound(t, fsys)
	list, err := afero.ReadFile(fsys, "prophet/conflicts")
	if err != nil || bytes.Count(list, []byte("\n")) != 2 || len(checksums.FindAll(list, -1)) != 2 {
		t.Errorf("the list is\n%s, %v", list, err)
	}
	if open, err := r.InConflict(); err != nil || len(open) != 2 {
		t.Errorf("in conflict are %v, %v; %s is one", open, err, other)
	}
}

// What an older version noted of a conflict says of which record it is, not of which property.
func TestOpenPropsAreThoseOfTheMerge(t *testing.T) {
	r, fsys := newReplicaOn(t, afero.NewMemMapFs())
	rival := func(value string) map[string]string { return map[string]string{"m": value, "n": value, "same": "s"} }
	open := rivalsOf(t, r, "Note", map[string]string{"m": "1"}, rival("2"), rival("3"))
	agreed := rivalsOf(t, r, "Note", map[string]string{"m": "1"}, rival("2"), rival("2"))
	grow(t, r, 1)
	recs := slices.Values(append(allRecords(t, r), open, agreed))
	for _, older := range []bool{false, true} {
		if older {
			asOlder(t, fsys, " m n =same", "")
		}
		r := replicatest.Open(t, fsys, replica.Options{})
		props, err := r.OpenProps(recs)
		if err != nil || len(props) != 1 || !slices.Equal(props[open], []string{"m", "n"}) {
			t.Errorf("older: %t: %v, %v", older, props, err)
		}
		if result, err := r.Merged(open); err != nil || !slices.Equal(props[open], result.OpenProps()) {
			t.Errorf("older: %t: %v, but the merge shows %v (%v)", older, props[open], result.OpenProps(), err)
		}
	}
}
