package changeset

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Decode reads the JSON of a changeset. It accepts all that format 1 says a reader accepts:
//
//   - the sequence number as a number or as a string of digits;
//   - flags as null, true, false, 0, 1, "0", "1" or "", or absent;
//   - values, the creator and the time as a string, a number, which keeps its literal text, or null;
//   - UUIDs in upper or lower case;
//   - keys that it does not know, white space, and keys in any order;
//   - changes of type add_dir, which it drops.
//
// It refuses what is no valid UTF-8 or JSON, a key twice in one object, a record twice in one changeset whatever the
// case of its UUID, a type that [CheckType] refuses, parents that are not in order or there twice, a changeset that calls itself a
// copy of itself, and what is beyond [MaxFile] and the limits beside it. A peer may have made b to hurt: Decode takes
// time and memory in proportion to len(b) and does not panic.
//
// The property changes of a deletion mean nothing; they are kept so that [Changeset.Encode] gives the same bytes again.
// A change without property changes has nil Props. The changeset does not hold on to b.
func Decode(b []byte) (*Changeset, error) {
	d, err := newDecoder(b)
	if err != nil {
		return nil, fmt.Errorf("decode changeset: %w", err)
	}
	c := new(Changeset)
	if err := d.changeset(c); err != nil {
		return nil, fmt.Errorf("decode changeset: %w", err)
	}
	return c, nil
}

// DecodeRecord reads the JSON of a record's properties. A value may be a string, a number, which
// keeps its literal text, or null; null and empty ones are left out, as [EncodeRecord] does.
// It is as strict and as careful as [Decode].
func DecodeRecord(b []byte) (map[string]string, error) {
	d, err := newDecoder(b)
	if err != nil {
		return nil, fmt.Errorf("decode record: %w", err)
	}
	props := make(map[string]string)
	err = d.document(func(key []byte) error {
		name, err := d.property(key)
		if err != nil {
			return err
		}
		v, err := d.value()
		if v.Text != "" {
			props[name] = v.Text
		}
		return within(err, "property ", key)
	})
	if err != nil {
		return nil, fmt.Errorf("decode record: %w", err)
	}
	return props, nil
}

// within says where err happened, if it did.
func within(err error, what string, name []byte) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s%.50q: %w", what, name, err)
}

// decoder reads what the JSON of format 1 means, on top of scanner, which reads its syntax.
type decoder struct {
	scanner
	props int // property changes so far
}

func newDecoder(b []byte) (*decoder, error) {
	if len(b) > MaxFile {
		return nil, fmt.Errorf("%d bytes, at most %d are allowed", len(b), MaxFile)
	}
	if !utf8.Valid(b) {
		return nil, errors.New("it is not valid UTF-8")
	}
	return &decoder{scanner: scanner{b: b, keys: make([][]byte, 0, 16)}}, nil
}

// document reads the one object that the whole file is.
func (d *decoder) document(member func(key []byte) error) error {
	if err := d.object(member); err != nil {
		return err
	}
	return d.end()
}

func (d *decoder) changeset(c *Changeset) error {
	err := d.document(func(key []byte) error {
		return within(d.changesetMember(c, key), "", key)
	})
	if err != nil {
		return err
	}
	if c.ID.Seq == 0 {
		return errors.New("no original_sequence_no")
	}
	if c.ID.Origin == uuid.Nil {
		return errors.New("no original_source_uuid")
	}
	for i := range c.Changes {
		if c.Changes[i].CopyOf == c.ID {
			return fmt.Errorf("record %s: copy_of names the changeset itself", c.Changes[i].Record.UUID)
		}
	}
	return nil
}

func (d *decoder) changesetMember(c *Changeset, key []byte) (err error) {
	switch string(key) {
	case "changes":
		c.Changes, err = d.changes()
	case "created":
		c.Created, err = d.name()
	case "creator":
		c.Creator.Text, err = d.name()
		c.Creator.Set = c.Creator.Text != ""
	case "is_nullification":
		c.Nullification, err = d.flag()
	case "is_resolution":
		c.Resolution, err = d.flag()
	case "original_sequence_no":
		c.ID.Seq, err = d.seq()
	case "original_source_uuid":
		c.ID.Origin, err = d.uuid()
	default:
		err = d.skip()
	}
	return err
}

// changes reads the object of changes by record UUID, and sorts it.
func (d *decoder) changes() ([]Change, error) {
	var changes []Change
	err := d.object(func(key []byte) error {
		c, err := d.change(key)
		if err != nil || c.Kind == addDir {
			return within(err, "record ", key)
		}
		changes = append(changes, c)
		if len(changes) > MaxChanges {
			return fmt.Errorf("more than %d", MaxChanges)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return changes, sortChanges(changes)
}

// sortChanges puts changes in order and fails if a record is there twice, as it can be under two spellings.
func sortChanges(changes []Change) error {
	order := func(a, b Change) int { return a.Record.Compare(b.Record) }
	if !slices.IsSortedFunc(changes, order) {
		slices.SortFunc(changes, order)
	}
	for i := 1; i < len(changes); i++ {
		if changes[i-1].Record.UUID == changes[i].Record.UUID {
			return fmt.Errorf("record %s is there twice", changes[i].Record.UUID)
		}
	}
	return nil
}

// change reads the change to the record that key names. Nothing else is checked if its kind is addDir.
func (d *decoder) change(key []byte) (c Change, err error) {
	err = d.object(func(member []byte) (err error) {
		switch string(member) {
		case "change_type":
			c.Kind, err = d.kind()
		case "copy_of":
			c.CopyOf, err = d.copyOf()
		case "parents":
			c.Parents, err = d.parents()
		case "prop_changes":
			c.Props, err = d.propChanges()
		case "record_type":
			c.Record.Type, err = d.name()
		default:
			err = d.skip()
		}
		return within(err, "", member)
	})
	if err != nil || c.Kind == addDir {
		return c, err
	}
	if c.Kind == 0 {
		return c, errors.New("no change_type")
	}
	if err := CheckType(c.Record.Type); err != nil {
		return c, err
	}
	c.Record.UUID, err = parseUUID(key)
	return c, err
}

// addDir stands within the decoder for a change that means nothing.
const addDir Kind = 255

// kind reads what kindName writes, or add_dir.
func (d *decoder) kind() (Kind, error) {
	s, err := d.text()
	if err != nil {
		return 0, err
	}
	switch string(s) {
	case "add_file":
		return Create, nil
	case "update_file":
		return Update, nil
	case "delete":
		return Delete, nil
	case "add_dir":
		return addDir, nil
	}
	return 0, fmt.Errorf("%.50q is none of add_file, update_file and delete", s)
}

// propChanges reads the object of property changes by name; nil if it is empty or null.
func (d *decoder) propChanges() (map[string]PropChange, error) {
	if d.next() == 'n' {
		return nil, d.word("null")
	}
	var props map[string]PropChange
	err := d.object(func(key []byte) error {
		name, err := d.property(key)
		if err != nil {
			return err
		}
		p, err := d.propChange()
		if props == nil {
			props = make(map[string]PropChange)
		}
		props[name] = p
		return within(err, "property ", key)
	})
	return props, err
}

func (d *decoder) propChange() (p PropChange, err error) {
	err = d.object(func(key []byte) (err error) {
		switch string(key) {
		case "new_value":
			p.New, err = d.value()
		case "old_value":
			p.Old, err = d.value()
		default:
			err = d.skip()
		}
		return err
	})
	return p, err
}

// property returns the name of the property that key is, and counts it.
func (d *decoder) property(key []byte) (string, error) {
	if d.props++; d.props > MaxProps {
		return "", fmt.Errorf("more than %d properties", MaxProps)
	}
	if len(key) == 0 || len(key) > MaxReadName {
		return "", fmt.Errorf("property %.50q: its name has %d bytes, want 1 to %d", key, len(key), MaxReadName)
	}
	return string(key), nil
}

// parents reads the array of the parents of a change, in order; nil if it is null.
func (d *decoder) parents() ([]ID, error) {
	if d.next() == 'n' {
		return nil, d.word("null")
	}
	ids := []ID{}
	err := d.array(func() error {
		id, err := d.id()
		if err != nil {
			return err
		}
		if len(ids) > 0 && ids[len(ids)-1].Compare(id) >= 0 {
			return fmt.Errorf("%s is out of order or there twice", id)
		}
		if len(ids) == MaxParents {
			return fmt.Errorf("more than %d", MaxParents)
		}
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

// copyOf reads the ID of the changeset of which a change is a copy; zero if it is null.
func (d *decoder) copyOf() (ID, error) {
	if d.next() == 'n' {
		return ID{}, d.word("null")
	}
	return d.id()
}

func (d *decoder) id() (ID, error) {
	s, err := d.text()
	if err != nil {
		return ID{}, err
	}
	return ParseID(string(s))
}

// value reads a string, a number, which keeps its literal text, or null.
func (d *decoder) value() (Value, error) {
	switch c := d.next(); {
	case c == '"':
		s, err := d.text()
		return Value{string(s), err == nil}, err
	case c == 'n':
		return Value{}, d.word("null")
	case c == '-' || '0' <= c && c <= '9':
		s, err := d.number()
		return Value{string(s), err == nil}, err
	}
	return Value{}, d.want("a string, a number or null")
}

// name reads a value that is short; "" stands for null too.
func (d *decoder) name() (string, error) {
	v, err := d.value()
	if err == nil && len(v.Text) > MaxReadName {
		err = fmt.Errorf("%d bytes, at most %d are allowed", len(v.Text), MaxReadName)
	}
	return v.Text, err
}

// seq reads a sequence number, which may be written as a string.
func (d *decoder) seq() (uint32, error) {
	s, err := d.name()
	if err != nil {
		return 0, err
	}
	return ParseSeq(s)
}

func (d *decoder) uuid() (uuid.UUID, error) {
	s, err := d.text()
	if err != nil {
		return uuid.UUID{}, err
	}
	return parseUUID(s)
}

// flag reads a truth value in one of the forms in which the original writes them.
func (d *decoder) flag() (bool, error) {
	switch d.next() {
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	}
	s, err := d.name()
	if err != nil {
		return false, err
	}
	switch s {
	case "", "0":
		return false, nil
	case "1":
		return true, nil
	}
	return false, fmt.Errorf("%.50q is neither true nor false", s)
}
