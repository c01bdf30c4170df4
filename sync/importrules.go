package sync

import (
	"fmt"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// settings are the settings records that the lines of a source so far make. There are few of them in any database.
type settings map[changeset.RecordID]map[string]string

// add notes what a line makes of settings. Its error is about a rule that nobody could read; it is a [*fieldError].
func (s settings) add(database uuid.UUID, c *changeset.Changeset) (err error) {
	for i := range c.Changes {
		ch := &c.Changes[i]
		if ch.Record.Type != changeset.SettingsType {
			continue
		}
		_, lives := s[ch.Record]
		if lives, s[ch.Record] = replica.Replay(lives, s[ch.Record], ch); !lives {
			delete(s, ch.Record)
		}
		if wrong := replica.CheckRule(database, ch.Record, s[ch.Record]); wrong != nil && err == nil {
			err = &fieldError{fmt.Sprintf("changes[%d].props", i), wrong}
		}
	}
	return err
}
