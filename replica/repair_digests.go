package replica

import "cmp"

// mendDigests mends the digests of both logs: entries that are damaged are made again from what replaying the log gives. Of which rows there were entries is told by these alone; where they are
// lost, there is one of the last row.
func (p *repair) mendDigests() error {
	for _, l := range p.logs() {
		there, err := exists(l.fs, DigestsFile)
		if err == nil && (there || p.ours) { // of notes those on votes alone may be left
			err = p.mendDigestsOf(l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *repair) mendDigestsOf(l *Log) error {
	was, err := p.read(l.prefix + DigestsFile)
	if err != nil {
		return err
	}
	x := &digestsRepair{at: make([]sums, l.latest+1)}
	for row := uint32(1); row <= l.latest; row++ {
		x.at[row] = x.at[row-1].plus(p.of[l.prefix].shifts[row])
	}
	x.read(was)
	if n := len(x.rows); l.latest > 0 && p.of[l.prefix].noteTo == l.latest && (n == 0 || x.rows[n-1] < l.latest) {
		x.rows = append(x.rows, l.latest)
	}
	var want []byte
	for _, row := range x.rows {
		want = appendDigest(want, digestEntry{row, x.at[row]})
	}
	if n := len(x.rows); n > 0 { // a writer of ours noted what it counted
		p.of[l.prefix].noteTo = max(p.of[l.prefix].noteTo, x.rows[n-1])
	}
	if was == nil && len(want) == 0 {
		return nil
	}
	mended, err := p.replace(l.prefix+DigestsFile, want)
	if mended {
		p.tell(l.prefix+DigestsFile, IsRebuilt, "made again from the records")
	}
	return err
}

// digestsRepair finds out of which rows there were entries.
type digestsRepair struct {
	at   []sums   // after each row, from 0
	rows []uint32 // of which there are entries
}

// read takes the rows of the entries, of those that are damaged what they tell still: the row, or sums that only one row has.
func (x *digestsRepair) read(b []byte) {
	for ; len(b) >= 4; b = b[min(digestSize, len(b)):] {
		above := uint32(0)
		if n := len(x.rows); n > 0 {
			above = x.rows[n-1]
		}
		if len(b) < digestSize {
			b = append(b[:len(b):len(b)], make([]byte, digestSize-len(b))...)
		}
		e, ok := parseDigest(b)
		if !ok {
			e.row = cmp.Or(x.rowWith(e.sums, above), e.row)
		}
		if e.row > above && int(e.row) < len(x.at) {
			x.rows = append(x.rows, e.row)
		}
	}
}

// rowWith returns the only row after another one that has the sums; 0 if there is none, or several.
func (x *digestsRepair) rowWith(s sums, above uint32) (found uint32) {
	for row := above + 1; int(row) < len(x.at); row++ {
		if x.at[row] != s {
			continue
		}
		if found > 0 {
			return 0
		}
		found = row
	}
	return found
}
