package replica

import (
	"fmt"

	"prophet/changeset"
	"prophet/internal/textdiff"
	"prophet/resolution"
)

// MergedText returns the text that has the changes of both rivals of a conflict to the value that both had seen. There must
// be two rivals and such a value, and their changes must not overlap; the error says what is missing. Under the rule sum there is none: as texts,
// two equal rivals would come to one of them, and a change be lost. Under the rule union they are merged as lists, which never overlap: see
// [resolution.MergeLists].
func MergedText(c *resolution.Conflict) (string, error) {
	if len(c.Rivals) != 2 {
		return "", fmt.Errorf("two rivals can be merged, but %q has %d", c.Prop, len(c.Rivals))
	}
	if c.Rule == resolution.RuleSum {
		return "", fmt.Errorf("the rivals for %q cannot be merged as texts: under the rule sum each of them counts", c.Prop)
	}
	base, ok := c.Base()
	if !ok {
		return "", fmt.Errorf("the rivals for %q cannot be merged: there is no one value that both were made from", c.Prop)
	}
	merged, ok := mergeValues(c.Rule, base, c.Rivals[0].Value, c.Rivals[1].Value)
	switch {
	case !ok:
		return "", fmt.Errorf("the rivals for %q cannot be merged: their changes overlap, or are too many to tell", c.Prop)
	case len(merged) > changeset.MaxValue:
		return "", fmt.Errorf("the rivals for %q cannot be merged: together they have more than %d bytes", c.Prop, changeset.MaxValue)
	}
	return merged, nil
}

// mergeValues merges two values that were made from one: as lists, of which every change can be merged, or as texts.
func mergeValues(rule resolution.Rule, base, a, b string) (merged string, ok bool) {
	if rule == resolution.RuleUnion {
		return resolution.MergeLists(base, a, b), true
	}
	return textdiff.Merge(base, a, b)
}
