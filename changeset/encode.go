package changeset

import (
	"encoding/hex"
	"slices"
	"strconv"
)

// The canonical JSON of format 1: keys sorted by their bytes, no white space, UTF-8 as it is. See [AppendJSONString].

// Encode returns the canonical JSON of c, whose SHA-1 names the changeset's file. Broken over lines:
//
//	{"changes":{"a2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10":{"change_type":"update_file",
//	  "parents":["10b1e589-83c2-4e27-917c-42dae1b8cf11:1"],
//	  "prop_changes":{"status":{"new_value":"open","old_value":"new"}},"record_type":"Ticket"}},
//	"created":"2026-11-21 01:16:51","creator":"alice@example.com",
//	"is_nullification":null,"is_resolution":null,
//	"original_sequence_no":2,"original_source_uuid":"10b1e589-83c2-4e27-917c-42dae1b8cf11"}
//
// Flags are null or 1. An empty creator or time is null. A change has the key "parents" unless Parents is nil, and "copy_of" unless CopyOf is zero.
// Changes and parents are written in their order whatever order c has them in. The bytes are for [Decode]
// if c holds what [CheckType], [CheckProperty] and [CheckValue] allow, no record twice, and a valid ID.
func (c *Changeset) Encode() []byte {
	e := encoder{b: make([]byte, 0, c.sizeHint())}
	e.raw(`{"changes":{`)
	changes := sortedChanges(c.Changes)
	for i := range changes {
		e.comma(i)
		e.change(&changes[i])
	}
	e.raw(`},"created":`)
	e.value(TextOrNull(c.Created))
	e.raw(`,"creator":`)
	e.value(TextOrNull(c.Creator.Text))
	e.raw(`,"is_nullification":`)
	e.flag(c.Nullification)
	e.raw(`,"is_resolution":`)
	e.flag(c.Resolution)
	e.raw(`,"original_sequence_no":`)
	e.b = strconv.AppendUint(e.b, uint64(c.ID.Seq), 10)
	e.raw(`,"original_source_uuid":"`)
	e.uuid(c.ID.Origin)
	e.raw(`"}`)
	return e.b
}

// EncodeRecord returns the canonical JSON of a record's properties, whose SHA-1 names the record's file:
//
//	{"creator":"alice@example.com","status":"new"}
//
// A property that is empty is not stored.
func EncodeRecord(props map[string]string) []byte {
	names, size := make([]string, 0, len(props)), 2
	for name, v := range props {
		if v != "" {
			names, size = append(names, name), size+len(name)+len(v)+6
		}
	}
	slices.Sort(names)
	e := encoder{b: make([]byte, 0, size)}
	e.raw("{")
	for i, name := range names {
		e.comma(i)
		e.text(name)
		e.raw(":")
		e.text(props[name])
	}
	e.raw("}")
	return e.b
}

// AppendJSONString appends s to dst as a string of canonical JSON, with its quotes. The quotation mark, the
// backslash and what is below U+0020 are escaped, with the short forms \b \f \n \r \t where they exist and
// \u00xx in lower case elsewhere. Nothing else is: all other bytes of s are copied as they are.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, s[i])
		start = i + 1
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}

// encoder appends canonical JSON to b.
type encoder struct {
	b     []byte
	names []string // of the change at hand; kept for its memory
}

func (e *encoder) raw(s string) { e.b = append(e.b, s...) }

func (e *encoder) text(s string) { e.b = AppendJSONString(e.b, s) }

func (e *encoder) comma(i int) {
	if i > 0 {
		e.b = append(e.b, ',')
	}
}

func (e *encoder) value(v Value) {
	if !v.Set {
		e.raw("null")
		return
	}
	e.text(v.Text)
}

func (e *encoder) flag(set bool) {
	if set {
		e.raw("1")
		return
	}
	e.raw("null")
}

// uuid appends u in its usual form, in lower case and without quotes.
func (e *encoder) uuid(u [16]byte) {
	for i, part := range [...][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			e.b = append(e.b, '-')
		}
		e.b = hex.AppendEncode(e.b, part)
	}
}

func (e *encoder) change(c *Change) {
	e.raw(`"`)
	e.uuid(c.Record.UUID)
	e.raw(`":{"change_type":`)
	e.text(KindName(c.Kind))
	if !c.CopyOf.IsZero() {
		e.raw(`,"copy_of":`)
		e.id(c.CopyOf)
	}
	if c.Parents != nil {
		e.parents(c.Parents)
	}
	e.raw(`,"prop_changes":{`)
	e.props(c.Props)
	e.raw(`},"record_type":`)
	e.text(c.Record.Type)
	e.raw("}")
}

func (e *encoder) parents(ids []ID) {
	e.raw(`,"parents":[`)
	for i, id := range sortedIDs(ids) {
		e.comma(i)
		e.id(id)
	}
	e.raw("]")
}

func (e *encoder) id(id ID) {
	e.raw(`"`)
	e.uuid(id.Origin)
	e.raw(":")
	e.b = strconv.AppendUint(e.b, uint64(id.Seq), 10)
	e.raw(`"`)
}

func (e *encoder) props(props map[string]PropChange) {
	e.names = e.names[:0]
	for name := range props {
		e.names = append(e.names, name)
	}
	slices.Sort(e.names)
	for i, name := range e.names {
		p := props[name]
		e.comma(i)
		e.text(name)
		e.raw(`:{"new_value":`)
		e.value(p.New)
		e.raw(`,"old_value":`)
		e.value(p.Old)
		e.raw("}")
	}
}

// KindName returns the word of format 1 for k.
func KindName(k Kind) string {
	switch k {
	case Create:
		return "add_file"
	case Update:
		return "update_file"
	case Delete:
		return "delete"
	}
	return k.String()
}

// sortedChanges returns changes if they are in order, else a copy that is.
func sortedChanges(changes []Change) []Change {
	order := func(a, b Change) int { return a.Record.Compare(b.Record) }
	if slices.IsSortedFunc(changes, order) {
		return changes
	}
	return slices.SortedFunc(slices.Values(changes), order)
}

// sortedIDs returns ids if they are in order and each once, else a copy that is.
func sortedIDs(ids []ID) []ID {
	for i := 1; i < len(ids); i++ {
		if ids[i-1].Compare(ids[i]) >= 0 {
			return slices.Compact(slices.SortedFunc(slices.Values(ids), ID.Compare))
		}
	}
	return ids
}

// sizeHint estimates the encoded size of c, so that it mostly takes one allocation.
func (c *Changeset) sizeHint() int {
	n := 256 + len(c.Created) + len(c.Creator.Text)
	for i := range c.Changes {
		n += 128 + 52*len(c.Changes[i].Parents)
		for name, p := range c.Changes[i].Props {
			n += 40 + len(name) + len(p.Old.Text) + len(p.New.Text)
		}
	}
	return n + n/16
}
