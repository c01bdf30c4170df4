package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"prophet/changeset"
	"prophet/internal/parts"
)

// checkKept reads the texts of versions that the parts keep, in the order of the rows that made them, as those of rows beside each other lie in one frame.
func (c *checker) checkKept() error {
	round := 0
	err := c.l.again(func() error {
		round++ // what one that failed put down is not taken up
		packs, err := c.l.packs()
		if err != nil {
			return err
		}
		for _, p := range packs.parts {
			if err := c.checkKeptBy(p, c.scratchName(fmt.Sprintf("kept%d", round))); err != nil {
				return err
			}
		}
		return nil
	})
	var damage *DamageError
	if errors.As(err, &damage) {
		c.fault(damage.Path, err)
		return nil
	}
	return err
}

// checkKeptBy reads the texts of one part. The files of that name in the scratch have which those are, meanwhile.
func (c *checker) checkKeptBy(p *parts.Part, name string) error {
	rows := int64(p.Last-p.First) + 1
	kept := newParcels(c.r.opts.Scratch, name, rows*keptSize)
	var failed error // of the scratch, which is no damage of the part
	err := p.EachTouch(func(rec changeset.RecordID, v changeset.Version, text bool) error {
		if !text || v.Seq < p.First || v.Seq > p.Last {
			return c.ctx.Err()
		}
		c.entry = append(binary.BigEndian.AppendUint32(c.entry[:0], v.Seq), v.Key[:]...)
		c.entry = appendRecord(c.entry, rec)
		failed = kept.add(int(int64(v.Seq-p.First)*int64(len(kept.parts))/rows), c.entry)
		return failed
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return c.l.packError(p, err)
	}
	for part := range kept.parts {
		entries, err := kept.take(part)
		if err != nil {
			return err
		}
		for _, entry := range slices.SortedFunc(entries, bytes.Compare) { // they begin with their rows
			if err := c.ctx.Err(); err != nil {
				return err
			}
			r := touchReader(entry)
			v := changeset.Version{Seq: r.uint32(), Key: [20]byte(r.take(20))}
			rec := r.record()
			_, err := c.l.textAt(rec, v)
			c.checkRead(rec, v, err)
		}
	}
	return nil
}

// keptSize is how many bytes a row is expected to bring: one of four has a text.
const keptSize = 16
