package replicatest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/replica"
	"prophet/resolution"
)

// View is what people see of a replica, in words, a thing a line. Replicas that have seen the same have the same.
type View struct {
	Records   string // those that live, and their properties, and those that are deleted, with what they were; the settings are among them
	Conflicts string // that are open, with heads, rivals, winners, reasons and fingerprints
	Digests   string
}

func (v View) String() string { return v.Records + v.Conflicts + v.Digests }

// Look returns what people see of a replica. name names a record. That who asks for a value finds the same is looked at beside.
func Look(r *replica.Replica, name func(changeset.RecordID) string) (v View, err error) {
	if v.Records, err = records(r, name); err != nil {
		return v, err
	}
	if err := CheckHaving(r, 1); err != nil {
		return v, err
	}
	if v.Conflicts, err = conflicts(r, name); err != nil {
		return v, err
	}
	digests, err := r.Digest(context.Background())
	v.Digests = fmt.Sprintf("\t%s\n", digests)
	return v, err
}

func records(r *replica.Replica, name func(changeset.RecordID) string) (string, error) {
	var lines []string
	for rec, err := range r.All("") {
		if err != nil {
			return "", err
		}
		lines = append(lines, "\t"+name(rec.ID)+Values(rec.Props)+"\n")
	}
	for d, err := range r.Deletions("") {
		if err != nil {
			return "", err
		}
		by := "bookkeeping"
		if d.By != nil {
			by = d.By.Creator.Text + " " + d.By.Created
		}
		lines = append(lines, "\t"+name(d.ID)+" deleted by "+by+", was"+Values(d.Props)+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, ""), nil
}

// Values lists properties, each after a space: ` a="1" b="2"`.
func Values(props map[string]string) string {
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(props)) {
		fmt.Fprintf(&b, " %s=%q", p, props[p])
	}
	return b.String()
}

func conflicts(r *replica.Replica, name func(changeset.RecordID) string) (string, error) {
	open, err := r.Conflicts()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, o := range open {
		fmt.Fprintf(&b, "\t%s, heads%s\n", name(o.Record), IDs(o.Heads))
		if x := o.Existence; x != nil {
			fmt.Fprintf(&b, "\t\tkeep%s, delete%s\n", IDs(ids(x.Keep)), IDs(ids(x.Delete)))
		}
		for i := range o.Conflicts {
			c := &o.Conflicts[i]
			fmt.Fprintf(&b, "\t\t%s=%q by %s %s of%s, %.8s\n", c.Prop, c.Value, c.Why, c.Rule, Rivals(c), c.Fingerprint)
		}
	}
	return b.String(), nil
}

func ids(entries []*resolution.Entry) (ids []changeset.ID) {
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

// IDs lists changesets, each after a space.
func IDs(ids []changeset.ID) string {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, " %.8s:%d", id.Origin, id.Seq)
	}
	return b.String()
}

// Rivals lists the rivals of a conflict and their values, each after a space.
func Rivals(c *resolution.Conflict) string {
	var b strings.Builder
	for _, r := range c.Rivals {
		fmt.Fprintf(&b, "%s=%q", IDs([]changeset.ID{r.ID}), r.Value)
	}
	return b.String()
}

// Alike fails the test unless all replicas show the same, and fsck finds nothing wrong with any of them.
func Alike(t testing.TB, when string, rs ...*replica.Replica) {
	t.Helper()
	var want View
	for i, r := range rs {
		got, err := Look(r, changeset.RecordID.String)
		if err != nil {
			t.Fatalf("%s: %s: %v", when, r.Where(), err)
		}
		if i == 0 {
			want = got
		}
		if here, there := firstDifference(got, want); here != there {
			t.Errorf("%s: %s shows\n%s\n%s shows\n%s", when, r.Where(), here, rs[0].Where(), there)
		}
		Sound(t, r.FS(), when+": "+r.Where())
	}
}

// firstDifference returns the first line in which two views differ; "" and "" if they do not.
func firstDifference(a, b View) (ofA, ofB string) {
	for _, texts := range [][2]string{{a.Records, b.Records}, {a.Conflicts, b.Conflicts}, {a.Digests, b.Digests}} {
		lines := strings.Split(texts[1], "\n")
		for i, line := range strings.Split(texts[0], "\n") {
			if i == len(lines) {
				return line, "no such line"
			}
			if line != lines[i] {
				return line, lines[i]
			}
		}
	}
	return "", ""
}

// Sound fails the test if fsck finds anything wrong with a replica. What is harmless may be there: a crash leaves it.
func Sound(t testing.TB, fsys afero.Fs, when string) {
	t.Helper()
	check(t, fsys, when, func(p replica.Problem) bool { return p.Harmless })
}

// Faultless is Sound for a replica, or a mirror, in which not even what is harmless may be, but for files that killed writers did not come to name.
func Faultless(t testing.TB, fsys afero.Fs, when string) {
	t.Helper()
	check(t, fsys, when, func(p replica.Problem) bool { return durable.IsTemp(p.Path) })
}

func check(t testing.TB, fsys afero.Fs, when string, mayBe func(p replica.Problem) bool) {
	t.Helper()
	if err := replica.Check(context.Background(), fsys, replica.Options{}, func(p replica.Problem) {
		if !mayBe(p) {
			t.Errorf("%s: %s: %s", when, p.Path, p.Text)
		}
	}, nil); err != nil {
		t.Errorf("%s: %v", when, err)
	}
}
