package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// sample is what one run took; what was not counted is 0.
type sample struct {
	usage
	requests, sent int64 // by the web server: requests, and bytes with their headers
	tree           tree  // what was written
}

// side is a program in a contest, and what it does.
type side struct {
	name    string
	program program
	prepare func(ctx context.Context) error // before all runs; may be nil
	once    func(ctx context.Context) (sample, error)
}

// measured is what a side took.
type measured struct {
	name    string
	missing string // why it did not run
	samples []sample
}

// contest has the sides take turns, and returns what each took, in their order. A program that is not installed takes no part.
func (s *scene) contest(ctx context.Context, rounds int, sides ...side) ([]measured, error) {
	all := make([]measured, len(sides))
	for i, side := range sides {
		all[i] = measured{name: side.name, missing: side.program.missing}
		if side.program.missing == "" && side.prepare != nil {
			if err := side.prepare(ctx); err != nil {
				return all, fmt.Errorf("prepare %s: %w", side.name, err)
			}
		}
	}
	for round := range rounds {
		for i := range sides {
			if round%2 == 1 {
				i = len(sides) - 1 - i
			}
			if all[i].missing != "" {
				continue
			}
			s.calm()
			one, err := sides[i].once(ctx)
			if err != nil {
				return all, err
			}
			all[i].samples = append(all[i].samples, one)
		}
	}
	return all, nil
}

// calm lets a disk finish what was written before.
func (s *scene) calm() {
	if s.place.name == "disk" {
		flush()
	}
}

// least and median are of the wall clock, 0 if it did not run.
func (m measured) least() time.Duration { return m.wall(func(n int) int { return 0 }) }

func (m measured) median() time.Duration { return m.wall(func(n int) int { return n / 2 }) }

func (m measured) wall(which func(n int) int) time.Duration {
	var times []time.Duration
	for _, one := range m.samples {
		times = append(times, one.Wall)
	}
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[which(len(times))]
}

func (m measured) cpu() time.Duration {
	cpu := time.Duration(0)
	for i, one := range m.samples {
		if i == 0 || one.CPU < cpu {
			cpu = one.CPU
		}
	}
	return cpu
}

// most is the greatest of a figure in all runs.
func (m measured) most(figure func(sample) int64) (most int64) {
	for _, one := range m.samples {
		most = max(most, figure(one))
	}
	return most
}

func (m measured) memory() int64   { return m.most(func(s sample) int64 { return s.Memory }) }
func (m measured) requests() int64 { return m.most(func(s sample) int64 { return s.requests }) }
func (m measured) sent() int64     { return m.most(func(s sample) int64 { return s.sent }) }
func (m measured) files() int64    { return m.most(func(s sample) int64 { return s.tree.files }) }
