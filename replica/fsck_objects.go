package replica

import (
	"bytes"
	"errors"
	"strings"

	"prophet/cas"
)

// checkObjects reads every object that was not read yet, and reports stray files. What is on the web cannot be listed.
func (c *checker) checkObjects(store *cas.Store, good *parcels) error {
	if c.r.opts.Mirror {
		return nil
	}
	part, read := -1, map[cas.Key]bool(nil)
	return store.Walk(func(key cas.Key, file string) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if key.IsZero() {
			c.report(Problem{Path: file, Text: "a stray file: its name is not that of an object", Harmless: true})
			return nil
		}
		if int(key[0]) != part {
			part = int(key[0])
			c.advance(part, len(good.parts))
			var err error
			if read, err = takeKeys(good, part); err != nil {
				return err
			}
		}
		if read[key] {
			return nil
		}
		if _, err := store.Get(key); err != nil && !errors.As(err, new(*cas.MissingError)) { // gc may have removed it; who names it was looked at
			c.fault(strings.TrimPrefix(file, c.l.prefix), err)
		}
		return nil
	})
}

// takeKeys takes up the keys in a part.
func takeKeys(p *parcels, part int) (map[cas.Key]bool, error) {
	entries, err := p.take(part)
	if err != nil {
		return nil, err
	}
	keys := map[cas.Key]bool{}
	for entry := range entries {
		keys[cas.Key(bytes.Clone(entry))] = true
	}
	return keys, nil
}
