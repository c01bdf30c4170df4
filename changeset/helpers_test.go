package changeset

import (
	"testing"

	"github.com/google/uuid"
)

// sample is a changeset that tests vary.
const sample = `{"changes":{"a2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10":{"change_type":"update_file",` +
	`"prop_changes":{"owner":{"new_value":null,"old_value":"ann"},"status":{"new_value":"open","old_value":"new"}},"record_type":"Ticket"},` +
	`"b2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10":{"change_type":"delete","prop_changes":{},"record_type":"Ticket"}},` +
	`"created":"2026-11-21 01:16:51","creator":null,"is_nullification":null,"is_resolution":null,` +
	`"original_sequence_no":1,"original_source_uuid":"10b1e589-83c2-4e27-917c-42dae1b8cf11"}`

func mustUUID(tb testing.TB, s string) uuid.UUID {
	tb.Helper()
	u, err := ParseUUID(s)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

func mustDecode(tb testing.TB, s string) *Changeset {
	tb.Helper()
	c, err := Decode([]byte(s))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
