package sync

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"prophet/changeset"
)

// The fields of a line and of each of its changes, in the order in which messages name them.
var (
	lineFields   = []string{"created", "changes", "creator"}
	changeFields = []string{"op", "type", "uuid", "props"}
)

// How many of them are always there.
const (
	lineNeeds   = 2
	changeNeeds = 3
)

// parseLine reads a line of a source as the changeset that it makes, without the old values and the parents, which come from earlier
// lines. Changes stay in the order of the line. An error is a [*fieldError].
func parseLine(b []byte, id changeset.ID) (*changeset.Changeset, error) {
	p := lineParser{jsonLine: jsonLine{b: b}}
	if i := firstInvalid(b); i >= 0 {
		return nil, p.fail("byte %d, 0x%02x, is not valid UTF-8", i+1, b[i])
	}
	c := &changeset.Changeset{ID: id}
	err := p.fields("a line", lineFields, lineNeeds, func(name string) (err error) {
		switch name {
		case "created":
			c.Created, err = p.created()
		case "creator":
			c.Creator, err = p.creator()
		case "changes":
			c.Changes, err = p.changes()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, p.end()
}

// firstInvalid returns where b ceases to be UTF-8, -1 if it does not.
func firstInvalid(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
}

// lineParser reads what the JSON of a line means.
type lineParser struct {
	jsonLine
	props int // property changes so far
}

// fields reads an object that may have the fields named, each once, and must have the first ones, as many as needed.
func (p *lineParser) fields(what string, names []string, needed int, read func(name string) error) error {
	seen := make([]bool, len(names))
	err := p.object(func(key []byte) error {
		i := index(names, key)
		switch {
		case i < 0:
			return p.fail("%s has no such field; it may have %s", what, strings.Join(names, ", "))
		case seen[i]:
			return p.fail("the field is there twice")
		}
		seen[i] = true
		return read(names[i])
	})
	if err != nil {
		return err
	}
	for i, name := range names[:needed] {
		if !seen[i] {
			return p.fail("it has no field %q", name)
		}
	}
	return nil
}

func index(names []string, key []byte) int {
	for i, name := range names {
		if name == string(key) {
			return i
		}
	}
	return -1
}

func (p *lineParser) created() (string, error) {
	b, err := p.text("a string")
	if err != nil {
		return "", err
	}
	s := string(b)
	t, err := time.Parse(changeset.TimeFormat, s)
	if err != nil || t.Format(changeset.TimeFormat) != s {
		return "", p.fail("want a time in UTC, as in %q, got %.50q", changeset.TimeFormat, s)
	}
	return s, nil
}

func (p *lineParser) creator() (changeset.Value, error) {
	v, err := p.value()
	switch {
	case err != nil:
		return v, err
	case len(v.Text) > changeset.MaxReadName:
		return v, p.fail("it has %d bytes, at most %d are allowed", len(v.Text), changeset.MaxReadName)
	case strings.IndexFunc(v.Text, unicode.IsControl) >= 0:
		return v, p.fail("it must not have line breaks or other control characters")
	}
	return v, nil
}

// value reads a string or null; "" is null too.
func (p *lineParser) value() (changeset.Value, error) {
	if p.null() {
		return changeset.Value{}, nil
	}
	b, err := p.text("a string or null")
	return changeset.TextOrNull(string(b)), err
}

func (p *lineParser) changes() ([]changeset.Change, error) {
	var changes []changeset.Change
	err := p.array(func() error {
		c, err := p.change()
		changes = append(changes, c)
		if err == nil {
			err = p.check(changeset.CheckSize(len(changes), 0))
		}
		return err
	})
	if err == nil && len(changes) == 0 {
		err = p.fail("a line makes at least one change")
	}
	return changes, err
}

func (p *lineParser) change() (c changeset.Change, err error) {
	err = p.fields("a change", changeFields, changeNeeds, func(name string) (err error) {
		switch name {
		case "op":
			c.Kind, err = p.op()
		case "type":
			c.Record.Type, err = p.recordType()
		case "uuid":
			err = p.uuid(&c.Record)
		case "props":
			c.Props, err = p.properties()
		}
		return err
	})
	if err == nil && c.Kind == changeset.Delete && len(c.Props) > 0 {
		err = p.fail("a deletion has no properties")
	}
	return c, err
}

func (p *lineParser) op() (changeset.Kind, error) {
	s, err := p.text("a string")
	if err != nil {
		return 0, err
	}
	for _, k := range []changeset.Kind{changeset.Create, changeset.Update, changeset.Delete} {
		if k.String() == string(s) {
			return k, nil
		}
	}
	return 0, p.fail("want create, update or delete, got %.50q", s)
}

func (p *lineParser) recordType() (string, error) {
	b, err := p.text("a string")
	if err != nil {
		return "", err
	}
	s := string(b)
	return s, p.check(changeset.CheckType(s))
}

func (p *lineParser) uuid(rec *changeset.RecordID) error {
	b, err := p.text("a string")
	if err != nil {
		return err
	}
	rec.UUID, err = changeset.ParseUUID(string(b))
	return p.check(err)
}

// properties reads an object of property names and values; nil if it is empty.
func (p *lineParser) properties() (map[string]changeset.PropChange, error) {
	var props map[string]changeset.PropChange
	err := p.object(func(key []byte) error {
		name := string(key)
		if err := p.check(changeset.CheckProperty(name)); err != nil {
			return err
		}
		if _, again := props[name]; again {
			return p.fail("the property is there twice")
		}
		if p.props++; p.props > changeset.MaxProps {
			return p.fail("a line of more than %d properties", changeset.MaxProps)
		}
		v, err := p.value()
		if err != nil {
			return err
		}
		if props == nil {
			props = make(map[string]changeset.PropChange)
		}
		props[name] = changeset.PropChange{New: v}
		return p.check(changeset.CheckValue(name, v.Text))
	})
	return props, err
}
