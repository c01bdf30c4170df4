package replica

import (
	"encoding/json"
	"fmt"

	"prophet/changeset"
)

// MirrorMark is a file in a mirror that was published from a replica of ours, one that [Replica.Ours] reports as such. A web
// server does not list directories, so a file has to tell such a mirror from one that the original made. It holds a [Mark]; older mirrors have it empty.
const MirrorMark = "prophet/mirror"

// Mark names the last rows of a mirror's logs and of its list of representations, each zero where there is none. In JSON they are in hex, as in changesets.idx:
//
//	{"changesets":"00000007…","representations":"","resolutions":""}
//
// A reader who knows the mirror's log up to a row learns from it, without a look at the index, whether that row is still the one that it has read: two copies
// of a replica can have as many rows each. It is written after the numbers, so it may be behind them. Then it tells nothing.
type Mark struct{ Changesets, Representations, Resolutions changeset.Row }

// markJSON is the JSON of a Mark; readers ignore keys that they do not know.
type markJSON struct {
	Changesets      string `json:"changesets"`
	Representations string `json:"representations"`
	Resolutions     string `json:"resolutions"`
}

// String returns the JSON in a line.
func (m Mark) String() string {
	b, _ := json.Marshal(markJSON{rowText(m.Changesets), rowText(m.Representations), rowText(m.Resolutions)}) // cannot fail: strings
	return string(b) + "\n"
}

// ParseMark reads what String writes. ok is false for anything else, as for an empty file: such a mark says no more than that the mirror is ours.
func ParseMark(text string) (Mark, bool) {
	var m Mark
	var raw markJSON
	if json.Unmarshal([]byte(text), &raw) != nil {
		return Mark{}, false
	}
	for _, f := range []struct {
		text string
		row  *changeset.Row
	}{{raw.Changesets, &m.Changesets}, {raw.Representations, &m.Representations}, {raw.Resolutions, &m.Resolutions}} {
		if f.text == "" {
			continue
		}
		var ok bool
		if *f.row, ok = parseRowText(f.text); !ok {
			return Mark{}, false
		}
	}
	return m, true
}

// mark is what the mark of a mirror was found to be.
type mark struct {
	exists bool
	told   bool // it holds a Mark, or what cannot be read
	rows   Mark
}

// readMark returns the mark, which is read when first asked for. Only where there is no such file there is none; an error says nothing, and it is read again when
// it is next asked for.
func (r *Replica) readMark() (mark, error) {
	r.markMu.Lock()
	defer r.markMu.Unlock()
	if r.mark == nil {
		m, err := r.lookForMark()
		if err != nil {
			return mark{}, err
		}
		r.mark = &m
	}
	return *r.mark, nil
}

func (r *Replica) lookForMark() (m mark, err error) {
	text, err := readSmall(r.fs, MirrorMark)
	switch {
	case isNotExist(err):
		return m, nil
	case r.hides(err):
		if _, rows := r.log.takenOver(); r.hides(rows) { // neither sign is to be had of a replica that can be read
			return m, nil
		}
		fallthrough
	case err != nil && !isDamage(err):
		return m, fmt.Errorf("read %s: %w", join(r.opts.Where, MirrorMark), err)
	}
	m.exists = true
	m.rows, m.told = ParseMark(text)
	if !m.told && (text != "" || err != nil) {
		m.told = true // of no row, so that readers look at them
		r.warn(fmt.Sprintf("%s cannot be read, so that more of the mirror is; the next publication writes it anew", join(r.opts.Where, MirrorMark)))
	}
	return m, nil
}

// Mark returns what a mirror says of its last rows. It is read once, when first asked for. ok is false where the mirror does not say it; a mark that holds
// something else names no row, and is warned of. An error of reading it says neither.
func (r *Replica) Mark() (m Mark, ok bool, err error) {
	read, err := r.readMark()
	return read.rows, read.told, err
}
