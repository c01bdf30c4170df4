package replica

import (
	"fmt"

	"prophet/internal/textdiff"
	"prophet/resolution"
)

// MergedText returns the text that has the changes of both rivals of a conflict to the value that both had seen. There must
// be two rivals and such a value, and their changes must not overlap; the error says what is missing. Under the rule sum there is none: as texts,
// two equal rivals would come to one of them, and a change be lost. Under the rule union the text is a list with each element once, without what
// either removed.
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
	merged, ok := textdiff.Merge(base, c.Rivals[0].Value, c.Rivals[1].Value)
	if !ok {
		return "", fmt.Errorf("the rivals for %q cannot be merged: their changes overlap", c.Prop)
	}
	if c.Rule == resolution.RuleUnion {
		merged = resolution.Once(merged)
	}
	return merged, nil
}
