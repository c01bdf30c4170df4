package damage_test

import (
	"flag"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/damage"
	"prophet/internal/race"
	"prophet/replica"
	psync "prophet/sync"
)

var (
	all  = race.All // damage every file of the scene, and flip every bit of it; heal all cases of each damage, not one of each
	seed = flag.Uint64("seed", 1, "of the files and bits that are damaged without -all; the first one of those that are damaged at once")
)

func amount() damage.Amount { return damage.Amount{Seed: *seed, All: *all} }

// checked is what fsck says of a tree.
func checked(t *testing.T, fsys afero.Fs) (found []replica.Problem, err error) {
	opts := replica.Options{Sleep: func(time.Duration) {}}
	_, err = psync.CheckTree(t.Context(), fsys, opts, func(p replica.Problem) { found = append(found, p) }, nil)
	return found, err
}

// excuse says why nobody can tell a damage from what may rightly be there, "" if it must be found.
func excuse(s *damage.Scene, c *damage.Case) string {
	kind := strings.TrimPrefix(strings.TrimPrefix(c.Kind.Name, "mirror: "), "resolutions/")
	switch {
	case kind == "config":
		return "a person's own file, which prophet only reads: whatever stands there may be meant"
	case kind == "prophet/lock" && c.Gone:
		return "a lock that nobody took yet; the next writer makes it"
	case c.Dir:
		return ""
	case kind == "prophet/journal" && (c.Gone || len(c.Text()) == 0):
		return "there is none before the first commit, and at rest it says nothing"
	case kind == "prophet/last-peer" && c.Gone:
		return "a replica that exchanged nothing yet has none; it is only a default"
	case kind == "prophet/last-peer" && c.Damage == damage.Swapped:
		return "it names a place, with its checksum; any place may be the last"
	case kind == "prophet.json" && strings.Contains(c.Detail, "of byte 64"):
		return "the number of its form, which a later version may have raised: fsck ends with that"
	case kind == "prophet/head" && c.Damage == damage.BitFlipped && strings.HasSuffix(c.Detail, "of byte 11") && c.Text()[11] > '1':
		return "the same of the head"
	case kind == "local_metadata/*" && c.Damage != damage.Swapped && number(c.Text()) > number(c.Held) && !ofPeer(s, c):
		return "the original may have noted any greater number, of rows that brought nothing: of what this replica was before, or read no log of"
	}
	return ""
}

// ofPeer reports whether one of the original's marks is of a replica of which it is noted how far it was read.
func ofPeer(s *damage.Scene, c *damage.Case) bool {
	dir, mark := path.Split(c.File)
	peer := path.Join(path.Dir(path.Clean(dir)), "prophet/peers", strings.TrimPrefix(mark, "last-changeset-from-"))
	there, err := afero.Exists(s.Of(c.Kind), peer)
	return there && err == nil
}

// number is what a file of a decimal number says, 0 if it says none.
func number(b []byte) int {
	n, err := strconv.Atoi(string(b))
	if err != nil {
		return 0
	}
	return n
}

func TestEveryDamageIsFound(t *testing.T) {
	s := damage.New(t)
	kinds, err := s.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	found, excused := 0, 0
	for _, k := range kinds {
		for _, d := range damage.Damages {
			cases, err := s.Cases(k, d, amount())
			if err != nil {
				t.Fatal(err)
			}
			told := 0
			for _, c := range cases {
				if excuse(s, c) != "" {
					excused++
					continue
				}
				if told++; !*all && told%3 != 1 {
					continue // a third of each cell, one at least
				}
				if found++; found%race.Step == 0 {
					isFound(t, s, c)
				}
			}
		}
	}
	t.Logf("%d kinds of files, %d damages looked for, %d that nobody can tell from what may rightly be there", len(kinds), found/race.Step, excused)
}

// isFound damages the scene, and lets fsck look.
func isFound(t *testing.T, s *damage.Scene, c *damage.Case) {
	t.Helper()
	fsys := s.Of(c.Kind)
	if err := c.Do(fsys); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Undo(fsys); err != nil {
			t.Fatal(err)
		}
	}()
	root := ""
	if c.Kind.Mirror {
		root = s.Database.String() + "/"
	}
	found, err := checked(t, fsys)
	if err != nil {
		t.Errorf("%s: %v", c, err)
		return
	}
	if names(found, c, root) {
		return
	}
	var said []string
	for _, p := range found {
		said = append(said, p.Path+": "+p.Text)
	}
	t.Errorf("%s: fsck says %q", c, strings.Join(said, "\n"))
}
