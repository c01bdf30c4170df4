package replica

import (
	"io"
	"slices"

	"prophet/changeset"
)

// mendListNumber makes the number of rows of the list of representations one that the replica can be opened with: where it is none, or rows go on after it, up to the last row that is there. Where it counts
// more than that, rows are lost, and looked for; or it is damaged, which tells once nothing is found that stood in them.
func (p *repair) mendListNumber() error {
	text, err := readListed(p.fs, "")
	if err != nil && !isDamage(err) {
		return err
	}
	n := uint32(0)
	if err == nil && text != "" {
		n, err = parseNumber("", text)
	}
	last, lookErr := p.lastListed()
	if lookErr != nil {
		return lookErr
	}
	if err == nil && (text != "" || last == 0) && (n >= last || !p.listGoesOn(n)) {
		return nil
	}
	return p.replaceListNumber(last)
}

func (p *repair) replaceListNumber(n uint32) error {
	mended, err := p.replace(LatestRepresentationFile, []byte(formatNumber(n)))
	if mended {
		p.tell(LatestRepresentationFile, IsRebuilt, "%s has %s", RepresentationsFile, rowsWord(n))
	}
	return err
}

// lastListed returns the last row of the list of representations that bears its number, or names a changeset that is there; 0 if there is none.
func (p *repair) lastListed() (last uint32, err error) {
	f, err := p.fs.Open(RepresentationsFile)
	if isNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	l := p.list(maxSeq)
	held := uint32(min(info.Size()/changeset.RowSize, maxSeq-1))
	b := make([]byte, changeset.RowSize)
	for seq := uint32(1); seq <= held; seq++ {
		if _, err := f.ReadAt(b, int64(seq-1)*changeset.RowSize); err != nil && err != io.EOF {
			return 0, err
		}
		if slices.Max(b) == 0 { // perhaps a hole, which may be long
			if seq, err = l.zerosFrom(seq, held); err != nil {
				return 0, err
			}
			continue
		}
		row, err := changeset.ParseRow(b)
		if err == nil && row.Seq == seq || p.wholeChangeset(l, row.Key) != nil {
			last = seq
		}
	}
	return last, nil
}

// listGoesOn reports whether the row after so many is one whose object is there.
func (p *repair) listGoesOn(n uint32) bool {
	l := p.list(n + 1)
	row, err := l.Row(n + 1)
	if err == nil {
		_, err = l.Changeset(row)
	}
	p.unread(err)
	return err == nil
}

// list is the list of representations with so many rows.
func (p *repair) list(rows uint32) *Log {
	l := newLog(p.fs, "", "", &limits{})
	l.index, l.latest, l.gone = RepresentationsFile, rows, nil
	return l
}
