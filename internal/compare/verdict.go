package main

import (
	"fmt"
	"strings"
	"time"
)

// answer says whether a target is met.
type answer string

const (
	yes     answer = "yes"
	no      answer = "no"
	unknown answer = "?"
)

func met(ok bool) answer {
	if ok {
		return yes
	}
	return no
}

// verdict is a target, what came out, and whether it is met. The ratio of the CPU times is beside it, which other work on the machine disturbs least.
type verdict struct {
	what, ours, theirs, ratio, cpu, target string
	met                                    answer
}

func (v verdict) String() string {
	cells := []string{v.what, v.ours, v.theirs, v.ratio, v.cpu, v.target, string(v.met)}
	return strings.Join(cells, " | ")
}

// times compares the least times, and shows what it comes to by the medians.
func times(what string, ours, theirs measured, most float64) verdict {
	v := verdict{what: what, ours: shownTime(ours.least()), target: "at most " + shownRatio(most), met: unknown}
	if v.theirs = theirs.missing; v.theirs != "" || theirs.least() == 0 {
		return v
	}
	ratio := float64(ours.least()) / float64(theirs.least())
	v.theirs = fmt.Sprintf("%s, %s", theirs.name, shownTime(theirs.least()))
	v.ratio = fmt.Sprintf("%s (%s)", shownRatio(ratio), shownRatio(float64(ours.median())/float64(theirs.median())))
	v.cpu = shownRatio(float64(ours.cpu()) / float64(max(theirs.cpu(), 1)))
	v.met = met(ratio <= most)
	return v
}

// aside is a comparison without a target.
func aside(what string, ours, theirs measured) verdict {
	v := times(what, ours, theirs, 0)
	v.target, v.met = "", ""
	return v
}

// counts compares a count with a limit.
func counts(what string, ours int64, most float64) verdict {
	return verdict{what: what, ours: fmt.Sprint(ours), target: fmt.Sprintf("at most %g", most), met: met(float64(ours) <= most)}
}

// sizes compares bytes with other bytes.
func sizes(what string, ours, theirs int64, whose, missing string, most float64) verdict {
	v := verdict{what: what, ours: shownBytes(ours), theirs: missing, target: "at most " + shownRatio(most), met: unknown}
	if missing != "" || theirs == 0 {
		return v
	}
	ratio := float64(ours) / float64(theirs)
	v.theirs, v.ratio, v.met = whose+", "+shownBytes(theirs), shownRatio(ratio), met(ratio <= most)
	return v
}

// below compares what has a unit with a limit.
func below[T int64 | time.Duration](what string, ours, limit T, shown func(T) string) verdict {
	return verdict{what: what, ours: shown(ours), target: "at most " + shown(limit), met: met(ours <= limit)}
}

// shownRatio has up to three digits.
func shownRatio(r float64) string {
	if r >= 100 {
		return fmt.Sprintf("%.0f", r)
	}
	return fmt.Sprintf("%.3g", r)
}

func shownTime(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
}

func shownBytes(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 10<<10:
		return fmt.Sprintf("%d kB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
