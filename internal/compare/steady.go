package main

import (
	"fmt"
	"maps"
	"slices"
)

// mostGrowth is what still counts as the same at any size.
const mostGrowth = 1.2

// outcome compares the greatest size with the smallest.
func (s steadiness) outcome(place string) outcome {
	o := outcome{row: "any size", place: place}
	for _, what := range slices.Sorted(maps.Keys(s)) {
		ends := slices.Sorted(maps.Keys(s[what]))
		small, large := ends[0], ends[len(ends)-1]
		if small == large {
			continue
		}
		growth := s[what][large] / s[what][small]
		o.verdicts = append(o.verdicts, verdict{
			what: what, ours: fmt.Sprintf("at %d", large), theirs: fmt.Sprintf("at %d", small),
			ratio: shownRatio(growth), target: "at most " + shownRatio(mostGrowth), met: met(growth <= mostGrowth),
		})
	}
	return o
}
