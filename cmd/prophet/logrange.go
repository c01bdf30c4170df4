package main

import (
	"fmt"
	"strconv"
	"strings"

	"prophet/changeset"
	"prophet/replica"
)

// logRange is a range of rows of the log, both included: 1 is the first.
type logRange struct{ from, to uint32 }

// parseLogRange reads a range of a log of so many rows: "3..7", "0..LATEST~5", or one end alone, such as "LATEST~10", from which
// on it goes to the latest. What lies before the first row or beyond the last is cut off.
func parseLogRange(s string, latest uint32) (logRange, error) {
	first, last, both := strings.Cut(s, "..")
	from, err := parseLogEnd(first, latest)
	if err != nil {
		return logRange{}, fmt.Errorf("range %.100q: %w", s, err)
	}
	to := latest
	if both {
		if to, err = parseLogEnd(last, latest); err != nil {
			return logRange{}, fmt.Errorf("range %.100q: %w", s, err)
		}
	}
	switch {
	case both && from > to:
		return logRange{}, fmt.Errorf("range %.100q: it begins with %d, behind its end, %d", s, from, to)
	case from > latest:
		return logRange{}, fmt.Errorf("range %.100q: it begins with %d, but the latest is %d", s, from, latest)
	}
	return logRange{max(from, 1), min(to, latest)}, nil
}

// numberEnds returns the text of a range in which the names of changesets are replaced by the numbers of their rows. A name alone is
// both ends.
func numberEnds(r *replica.Replica, text string) (string, error) {
	ends := strings.Split(text, "..")
	for i, end := range ends {
		if !strings.Contains(end, ":") {
			continue
		}
		row, err := r.FindChangeset(end)
		if err != nil {
			return "", err
		}
		ends[i] = fmt.Sprint(row.Seq)
		if len(ends) == 1 {
			ends = append(ends, ends[i])
		}
	}
	return strings.Join(ends, ".."), nil
}

// findChangeset returns the changeset that a user's word names: the number of its row, LATEST or LATEST~N, or its ID or the beginning of it.
func findChangeset(r *replica.Replica, word string) (*changeset.Changeset, error) {
	if strings.HasPrefix(word, "LATEST") {
		seq, err := parseLogEnd(word, r.Latest())
		if err != nil {
			return nil, usagef("%w", err)
		}
		if seq == 0 {
			return nil, fmt.Errorf("changeset %.100q: %w", word, replica.ErrNoChangeset)
		}
		word = fmt.Sprint(seq)
	}
	row, err := r.FindChangeset(word)
	if err != nil {
		return nil, err
	}
	return r.Log().Changeset(row)
}

// parseLogEnd reads one end of a range: a number, LATEST, or LATEST~N, which is N before it.
func parseLogEnd(s string, latest uint32) (uint32, error) {
	back, relative := strings.CutPrefix(s, "LATEST")
	switch {
	case relative && back == "":
		return latest, nil
	case relative:
		digits, ok := strings.CutPrefix(back, "~")
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || !ok {
			return 0, fmt.Errorf("%q is not LATEST~N with a number N", s)
		}
		return latest - min(uint32(n), latest), nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number, nor LATEST~N, nor the name of a changeset, such as 10b1e589:7", s)
	}
	return uint32(n), nil
}

// len is how many rows the range has. In an empty one, to is less than from.
func (r logRange) len() int { return max(int(r.to)-int(r.from)+1, 0) }
