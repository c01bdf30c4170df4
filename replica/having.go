package replica

import (
	"sync"

	"prophet/changeset"
	"prophet/internal/parts"
)

// Having asks for the records whose property has a value, which is not empty; the zero Having asks for all.
type Having struct{ Property, Value string }

// pattern is how the canonical JSON of a changeset says that some property gets the value. What parts have was written by us, so there is no other way to say it.
func (h Having) pattern() []byte {
	return changeset.AppendJSONString([]byte(`{"new_value":`), h.Value)
}

// once returns the records that once got the value, by a changeset that parts have; nil if all are asked for, or if not all parts can be read: who reads the
// records then finds the words for what is wrong.
func (l *Log) once(h Having) map[changeset.RecordID]bool {
	packs, err := l.packs()
	if err != nil || h.Value == "" {
		return nil
	}
	var mu sync.Mutex
	found := map[changeset.RecordID]bool{}
	err = parts.Grep(packs.parts, h.pattern(), func(object []byte) error {
		c, err := changeset.Decode(object)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, ch := range c.Changes {
			if ch.Props[h.Property].New.Text == h.Value {
				found[ch.Record] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return found
}
