package replica

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// Choice is one rival in a record's open conflicts, under a number that tells it from all others of the record.
type Choice struct {
	N     int
	Prop  string // "" for the record's existence
	Value string // for existence "keep" or "delete"; otherwise "" is null
	Entry *resolution.Entry
	Holds bool   // it is what holds for now
	Why   string // and why; for existence resolution.WhyLives
}

// Choices numbers the rivals of a record from 1: its existence first, then its properties by name, of each the latest first.
func Choices(result *resolution.Result) []Choice {
	var all []Choice
	add := func(c Choice) {
		c.N = len(all) + 1
		all = append(all, c)
	}
	if x := result.Existence; x != nil {
		for _, e := range x.Keep {
			add(Choice{Value: "keep", Entry: e, Holds: true, Why: resolution.WhyLives})
		}
		for _, e := range x.Delete {
			add(Choice{Value: "delete", Entry: e, Why: resolution.WhyLives})
		}
	}
	for _, c := range result.Conflicts {
		for _, rival := range c.Rivals {
			add(Choice{Prop: c.Prop, Value: rival.Value, Entry: rival.Entry, Holds: rival.Value == c.Value, Why: c.Why})
		}
	}
	return all
}

// Take settles a record's open conflicts: how is the number of a choice, which settles that property alone, or "mine", "theirs" or "latest", which
// settle all of them or those of the properties named ("" for existence).
func (e *Edit) Take(rec changeset.RecordID, how string, props ...string) error {
	result, err := e.Merged(rec)
	if err != nil {
		return err
	}
	all := Choices(result)
	if len(all) == 0 {
		return fmt.Errorf("%s is not in conflict", rec)
	}
	chosen, err := choose(all, how, e.tx.main.self, props)
	if err != nil {
		return fmt.Errorf("settle %s: %w", rec, err)
	}
	return e.takeChoices(rec, chosen)
}

// takeChoices writes what was chosen. A deletion leaves nothing else to settle.
func (e *Edit) takeChoices(rec changeset.RecordID, chosen []Choice) error {
	writes := map[string]string{}
	for _, c := range chosen {
		switch {
		case c.Prop != "":
			writes[c.Prop] = c.Value
		case c.Value == "delete":
			return e.Delete(rec)
		default:
			if err := e.Keep(rec); err != nil {
				return err
			}
		}
	}
	return e.Update(rec, writes)
}

// choose picks one choice for each conflict that is to be settled.
func choose(all []Choice, how string, self uuid.UUID, props []string) ([]Choice, error) {
	if n, err := strconv.Atoi(how); err == nil {
		if n < 1 || n > len(all) {
			return nil, fmt.Errorf("there is no rival %d: they are numbered 1 to %d", n, len(all))
		}
		return all[n-1 : n], nil
	}
	var chosen []Choice
	for len(all) > 0 {
		prop := all[0].Prop
		end := slices.IndexFunc(all, func(c Choice) bool { return c.Prop != prop })
		if end < 0 {
			end = len(all)
		}
		if len(props) == 0 || slices.Contains(props, prop) {
			c, err := chooseOne(all[:end], how, self)
			if err != nil {
				return nil, err
			}
			chosen = append(chosen, c)
		}
		all = all[end:]
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("nothing about %s is in conflict", strings.Join(props, ", "))
	}
	return chosen, nil
}

// numbers lists the numbers of choices: "2, 3 and 5".
func numbers(choices []Choice) string {
	var list []string
	for _, c := range choices {
		list = append(list, strconv.Itoa(c.N))
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}

// chooseOne picks among the rivals of one conflict.
func chooseOne(rivals []Choice, how string, self uuid.UUID) (Choice, error) {
	what := "its existence"
	if rivals[0].Prop != "" {
		what = strconv.Quote(rivals[0].Prop)
	}
	var wanted []Choice
	for _, c := range rivals {
		if how == "mine" && c.Entry.ID.Origin == self || how == "theirs" && c.Entry.ID.Origin != self || how == "latest" {
			wanted = append(wanted, c)
		}
	}
	switch {
	case how == "latest":
		return slices.MaxFunc(wanted, func(a, b Choice) int { return resolution.CompareTime(a.Entry, b.Entry) }), nil
	case how != "mine" && how != "theirs":
		return Choice{}, fmt.Errorf(`take %q: want the number of a rival, "mine", "theirs" or "latest"`, how)
	case len(wanted) == 0 && how == "mine":
		return Choice{}, fmt.Errorf("none of the rivals for %s was written in this replica; take one by its number", what)
	case len(wanted) == 0:
		return Choice{}, fmt.Errorf("all rivals for %s were written in this replica; take one by its number", what)
	case slices.ContainsFunc(wanted, func(c Choice) bool { return c.Value != wanted[0].Value }):
		return Choice{}, fmt.Errorf("%q is not one value: rivals %s for %s are; take one by its number", how, numbers(wanted), what)
	}
	return wanted[0], nil
}
