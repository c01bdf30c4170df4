package changeset

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what we write. [CheckType], [CheckProperty], [CheckValue] and [CheckSize] hold what
// a person types, or a file to import says, against them.
const (
	MaxType     = 100      // bytes of a record type
	MaxProperty = 255      // bytes of a property's name
	MaxValue    = 4 << 20  // bytes of a property's value
	MaxSize     = 16 << 20 // bytes of a changeset, encoded
)

// Limits of what we read. They are wider, so that what others wrote stays readable;
// [Decode] and [DecodeRecord] refuse what is beyond them.
const (
	MaxFile     = 64 << 20 // bytes of a file that holds a changeset or a record
	MaxReadName = 4096     // bytes of a property's name, of a creator and of a time
	MaxChanges  = 100_000  // changes in a changeset; also of what we write
	MaxProps    = 500_000  // property changes in a changeset, or properties of a record: more than MaxSize has room for
	MaxParents  = 1000     // parents of a change; also of what we write
)

// CheckType reports why s cannot be a record type. A type becomes the name of a directory, on any
// system, so it is 1 to [MaxType] ASCII letters, digits, "_", "-" and ".", begins with a letter or "_", does
// not end in ".", and is none of the names that Windows keeps for devices, such as "con" and "nul.txt".
func CheckType(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("a type must not be empty")
	case len(s) > MaxType:
		return fmt.Errorf("type %.50q…: at most %d characters", s, MaxType)
	case !startsType(s[0]) || strings.IndexFunc(s, notInType) >= 0:
		return fmt.Errorf(`type %q: use the letters a to z and A to Z, digits, "_", "-" and ".", beginning with a letter or "_"`, s)
	case strings.HasSuffix(s, "."):
		return fmt.Errorf(`type %q: must not end in "."`, s)
	case isDevice(s):
		return fmt.Errorf("type %q: Windows keeps this name for a device", s)
	}
	return nil
}

func startsType(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}

func notInType(r rune) bool {
	return r >= utf8.RuneSelf || !startsType(byte(r)) && (r < '0' || r > '9') && r != '-' && r != '.'
}

// isDevice reports whether Windows takes a file of that name for a device, whatever follows a dot.
func isDevice(s string) bool {
	base, _, _ := strings.Cut(s, ".")
	is := func(name string) bool { return strings.EqualFold(base, name) }
	if is("con") || is("prn") || is("aux") || is("nul") {
		return true
	}
	if len(base) != 4 || base[3] < '1' || base[3] > '9' {
		return false
	}
	base = base[:3]
	return is("com") || is("lpt")
}

// CheckProperty reports why name cannot be the name of a property:
// it is 1 to [MaxProperty] bytes of UTF-8 without control characters.
func CheckProperty(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the name of a property must not be empty")
	case len(name) > MaxProperty:
		return fmt.Errorf("property %.50q…: its name has %d bytes, at most %d are allowed", name, len(name), MaxProperty)
	case !utf8.ValidString(name):
		return fmt.Errorf("property %q: its name is not valid UTF-8", name)
	case strings.IndexFunc(name, unicode.IsControl) >= 0:
		return fmt.Errorf("property %q: its name must not have line breaks or other control characters", name)
	}
	return nil
}

// CheckValue reports why v cannot be the value of the property of that name:
// it is at most [MaxValue] bytes of UTF-8 without the character U+0000.
func CheckValue(name string, v string) error {
	switch {
	case len(v) > MaxValue:
		return fmt.Errorf("property %.255q: its value has %d bytes, at most %d are allowed", name, len(v), MaxValue)
	case !utf8.ValidString(v):
		return fmt.Errorf("property %.255q: its value is not valid UTF-8", name)
	case strings.IndexByte(v, 0) >= 0:
		return fmt.Errorf("property %.255q: its value has a NUL character, which text must not have", name)
	}
	return nil
}

// CheckSize reports why we do not write a changeset of that many changes and encoded bytes. It is for
// edits and imports; bookkeeping is as large as what it answers, but also within [MaxFile], or nobody could read it.
func CheckSize(changes, bytes int) error {
	if changes > MaxChanges {
		return fmt.Errorf("a changeset of %d records: at most %d are allowed", changes, MaxChanges)
	}
	if bytes > MaxSize {
		return fmt.Errorf("a changeset of %d bytes: at most %d are allowed", bytes, MaxSize)
	}
	return nil
}

// CheckRecordSize reports why we do not write a record of that many properties and encoded bytes:
// many small edits may add up to one that [DecodeRecord] would refuse.
func CheckRecordSize(props, bytes int) error {
	if props > MaxProps {
		return fmt.Errorf("a record of %d properties: at most %d are allowed", props, MaxProps)
	}
	if bytes > MaxFile {
		return fmt.Errorf("a record of %d bytes: at most %d are allowed", bytes, MaxFile)
	}
	return nil
}
