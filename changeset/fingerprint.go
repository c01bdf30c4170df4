package changeset

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
)

// Clash is one property in conflict, as a fingerprint sees it.
type Clash struct {
	Name     string
	Choices  []string // the rival values without null; in any order
	OldValue Value    // what the property was before them
}

// Fingerprint identifies a conflict over properties of a record, so that all who meet it find the
// same decision: the record of type "_prophet_resolution-<fingerprint>" in the resolutions replica.
// It is the SHA-1, in lower-case hex, of this canonical JSON, broken here over lines:
//
//	{"change_type":"update_file","file_op_conflict":null,
//	"prop_conflicts":[{"choices":["open","stalled"],"name":"status","source_old_value":"new"}],
//	"record_type":"Ticket","record_uuid":"a2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10",
//	"source_record_exists":null,"target_record_exists":1}
//
// Choices are sorted by their bytes, and a value stays there twice if it is. The order of clashes is kept:
// the original lists them in any order, so whoever looks a decision up tries them all.
// Without clashes there is no "prop_conflicts".
func Fingerprint(rec RecordID, clashes []Clash) string {
	sum := sha1.Sum(appendConflict(nil, rec, clashes))
	return hex.EncodeToString(sum[:])
}

func appendConflict(dst []byte, rec RecordID, clashes []Clash) []byte {
	e := encoder{b: dst}
	e.raw(`{"change_type":"update_file","file_op_conflict":null`)
	if len(clashes) > 0 {
		e.clashes(clashes)
	}
	e.raw(`,"record_type":`)
	e.text(rec.Type)
	e.raw(`,"record_uuid":"`)
	e.uuid(rec.UUID)
	e.raw(`","source_record_exists":null,"target_record_exists":1}`)
	return e.b
}

func (e *encoder) clashes(clashes []Clash) {
	e.raw(`,"prop_conflicts":[`)
	for i, c := range clashes {
		e.comma(i)
		e.raw(`{"choices":[`)
		for j, choice := range slices.Sorted(slices.Values(c.Choices)) {
			e.comma(j)
			e.text(choice)
		}
		e.raw(`],"name":`)
		e.text(c.Name)
		e.raw(`,"source_old_value":`)
		e.value(c.OldValue)
		e.raw("}")
	}
	e.raw("]")
}
