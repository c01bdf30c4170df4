package changeset

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of any JSON that is read, also of the parts that are skipped.
const (
	maxDepth = 32
	maxKeys  = MaxProps + 1000 // keys of the objects that are open at one time
)

// scanner reads JSON in one pass, from outside in: the caller says what it wants next.
// It is stricter than RFC 8259 where that leaves room: no object has a key twice, escapes name whole
// characters (no half of a surrogate pair), and nesting ends at maxDepth. That the bytes are
// UTF-8 is for the caller to check.
type scanner struct {
	b     []byte
	i     int      // of the next byte to read
	depth int      // objects and arrays that are open
	keys  [][]byte // of the objects that are open, in the order read
	buf   []byte   // the last string that had escapes
}

// next skips white space and returns the byte after it without taking it; 0 at the end.
func (s *scanner) next() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// want returns the error that something else stands at the present place.
func (s *scanner) want(what string) error {
	if s.i >= len(s.b) {
		return fmt.Errorf("it ends where %s is expected", what)
	}
	return fmt.Errorf("at byte %d: %.20q, want %s", s.i, s.b[s.i:min(len(s.b), s.i+20)], what)
}

// end fails unless only white space is left.
func (s *scanner) end() error {
	if s.next(); s.i < len(s.b) {
		return s.want("the end")
	}
	return nil
}

// object reads an object and calls member for each key, to read its value. The key is valid during the call.
func (s *scanner) object(member func(key []byte) error) error {
	if err := s.open('{', "an object"); err != nil {
		return err
	}
	outer := len(s.keys)
	for n := 0; ; n++ {
		more, err := s.more(n, '}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
		key, err := s.key()
		if err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
	}
	err := distinct(s.keys[outer:])
	s.keys = s.keys[:outer]
	return err
}

// array reads an array and calls element to read each of its values.
func (s *scanner) array(element func() error) error {
	if err := s.open('[', "an array"); err != nil {
		return err
	}
	for n := 0; ; n++ {
		more, err := s.more(n, ']')
		if !more {
			return err
		}
		if err := element(); err != nil {
			return err
		}
	}
}

func (s *scanner) open(c byte, what string) error {
	if s.next() != c {
		return s.want(what)
	}
	if s.depth++; s.depth > maxDepth {
		return fmt.Errorf("at byte %d: nested more than %d deep", s.i, maxDepth)
	}
	s.i++
	return nil
}

// more reports whether another value follows the n that were read, and takes the comma before it,
// or else the closing bracket.
func (s *scanner) more(n int, closing byte) (bool, error) {
	c := s.next()
	switch {
	case c == closing:
		s.i++
		s.depth--
		return false, nil
	case n == 0:
		return true, nil
	case c == ',':
		s.i++
		return true, nil
	}
	return false, s.want(`"," or "` + string(closing) + `"`)
}

// key reads a key and its colon, and adds it to s.keys.
func (s *scanner) key() ([]byte, error) {
	s.next()
	start := s.i
	key, err := s.text()
	if err != nil {
		return nil, err
	}
	if len(key)+2 != s.i-start { // an escape is longer than what it stands for: the key is in s.buf
		key = bytes.Clone(key)
	}
	if s.next() != ':' {
		return nil, s.want(`":"`)
	}
	s.i++
	s.keys = append(s.keys, key)
	if len(s.keys) > maxKeys {
		return nil, fmt.Errorf("at byte %d: an object with more than %d keys", s.i, MaxProps)
	}
	return key, nil
}

// distinct fails if a key is there twice. It may reorder keys. Those of canonical JSON are in order as they come.
func distinct(keys [][]byte) error {
	for range 2 {
		sorted := true
		for i := 1; i < len(keys); i++ {
			switch c := bytes.Compare(keys[i-1], keys[i]); {
			case c == 0:
				return fmt.Errorf("the key %.50q is there twice", keys[i])
			case c > 0:
				sorted = false
			}
		}
		if sorted {
			return nil
		}
		slices.SortFunc(keys, bytes.Compare)
	}
	return nil
}

// text reads a string and returns what it stands for, which is valid until the next call.
func (s *scanner) text() ([]byte, error) {
	if s.next() != '"' {
		return nil, s.want("a string")
	}
	s.i++
	run := s.run()
	if s.i < len(s.b) && s.b[s.i] == '"' {
		s.i++
		return run, nil
	}
	s.buf = append(s.buf[:0], run...)
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			s.i++
			return s.buf, nil
		case '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("at byte %d: a control character in a string", s.i)
		}
		s.buf = append(s.buf, s.run()...)
	}
	return nil, errors.New("it ends within a string")
}

// run takes the bytes up to the next that has a meaning in a string, or the end.
func (s *scanner) run() []byte {
	start := s.i
	for s.i < len(s.b) {
		if c := s.b[s.i]; c < 0x20 || c == '"' || c == '\\' {
			break
		}
		s.i++
	}
	return s.b[start:s.i]
}

// escape takes an escape and appends what it stands for to s.buf.
func (s *scanner) escape() error {
	if s.i+1 >= len(s.b) {
		return errors.New("it ends within a string")
	}
	c := s.b[s.i+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	default:
		return s.unicodeEscape()
	}
	s.i += 2
	s.buf = append(s.buf, c)
	return nil
}

func (s *scanner) unicodeEscape() error {
	r, ok := s.hex4(s.i)
	if !ok {
		return s.want("an escape of JSON")
	}
	if !utf16.IsSurrogate(r) {
		s.i += 6
		s.buf = utf8.AppendRune(s.buf, r)
		return nil
	}
	low, _ := s.hex4(s.i + 6)
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return s.want("both halves of a surrogate pair")
	}
	s.i += 12
	s.buf = utf8.AppendRune(s.buf, r)
	return nil
}

// hex4 reads an escape \u and four hex digits that begins at byte i, without taking it.
func (s *scanner) hex4(i int) (r rune, ok bool) {
	if i+6 > len(s.b) || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return 0, false
	}
	for _, c := range s.b[i+2 : i+6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number reads a number and returns its literal text.
func (s *scanner) number() ([]byte, error) {
	s.next()
	start := s.i
	s.take("-")
	ok := s.take("0") == 1 || s.digits() > 0
	if s.take(".") == 1 {
		ok = s.digits() > 0 && ok
	}
	if s.take("eE") == 1 {
		s.take("+-")
		ok = s.digits() > 0 && ok
	}
	if !ok {
		s.i = start
		return nil, s.want("a number")
	}
	return s.b[start:s.i], nil
}

// take takes the next byte if it is one of set, and returns how many bytes that were.
func (s *scanner) take(set string) int {
	if s.i >= len(s.b) || strings.IndexByte(set, s.b[s.i]) < 0 {
		return 0
	}
	s.i++
	return 1
}

// digits takes decimal digits and returns how many.
func (s *scanner) digits() int {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i - start
}

// word takes a literal name: null, true or false.
func (s *scanner) word(w string) error {
	if !bytes.HasPrefix(s.b[s.i:], []byte(w)) {
		return s.want("a value")
	}
	s.i += len(w)
	return nil
}

// skip reads any value and drops it.
func (s *scanner) skip() error {
	var err error
	switch c := s.next(); {
	case c == '{':
		return s.object(func([]byte) error { return s.skip() })
	case c == '[':
		return s.array(s.skip)
	case c == '"':
		_, err = s.text()
	case c == 'n':
		return s.word("null")
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	default:
		_, err = s.number()
	}
	return err
}
