package damage_test

import (
	"path"
	"strings"
	"sync"
	"testing"

	"prophet/internal/crashfs"
	"prophet/internal/damage"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// webExcuse says why a damage to a mirror cannot be found on a web server, "" if it must be.
func webExcuse(k *damage.Kind, d damage.Damage) string {
	switch kind := strings.TrimPrefix(strings.TrimPrefix(k.Name, "mirror: "), "resolutions/"); {
	case kind == "prophet/lock":
		return "nobody reads it"
	case kind == "a superseded record version":
		return "nothing names it, and a web server lists no directories"
	case kind == "prophet/head" && d == damage.Deleted:
		return "an older version published without a head, and a web server lists no directories"
	}
	return ""
}

func TestDamageOfAMirrorIsFoundOnTheWeb(t *testing.T) {
	s := damage.New(t)
	kinds, err := s.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	carriers := psync.Carriers{"http": psync.Web(psync.WebOptions{})}
	look := func(url string) (found []replica.Problem) {
		if _, err := carriers.Check(t.Context(), url, replica.Options{}, func(p replica.Problem) { found = append(found, p) }, nil); err != nil {
			found = append(found, replica.Problem{Text: err.Error()})
		}
		return found
	}
	if found := look(webtest.Static(t, s.Mirror).URL); len(found) > 0 {
		t.Errorf("of a sound mirror fsck says %v", found)
	}
	var looks sync.WaitGroup // each waits a while whether somebody publishes
	for _, k := range kinds {
		for _, d := range []damage.Damage{damage.Deleted, damage.BitFlipped} {
			if !k.Mirror || webExcuse(k, d) != "" {
				continue
			}
			cases, err := s.Cases(k, d, amount())
			if err != nil {
				t.Fatal(err)
			}
			c := cases[0]
			if err := c.Do(s.Mirror); err != nil {
				t.Fatal(err)
			}
			url := webtest.Static(t, s.Mirror.Survivor(crashfs.Kill, 0)).URL
			if err := c.Undo(s.Mirror); err != nil {
				t.Fatal(err)
			}
			looks.Go(func() {
				if found := look(url); !names(found, c, s.Database.String()+"/") {
					t.Errorf("%s: fsck says %v", c, found)
				}
			})
		}
	}
	looks.Wait()
}

// names reports whether a problem names the file, or what should be in it and the file in words; of what is missing from a directory, that.
func names(found []replica.Problem, c *damage.Case, root string) bool {
	for _, p := range found {
		for _, name := range []string{c.File, c.Other} {
			within := strings.TrimPrefix(name, root)
			if name != "" && (p.Path == name || strings.Contains(p.Text, within) || c.Gone && p.Path == path.Dir(name)) {
				return true
			}
		}
	}
	return false
}
