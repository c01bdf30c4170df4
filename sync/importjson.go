package sync

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonLine reads the JSON of one line from outside in: the caller says what it wants next, and anything else is an error that names
// the place. Only what an import may hold can be read: objects, arrays, strings and null. That the bytes are UTF-8 is for the caller to check.
type jsonLine struct {
	b    []byte
	i    int    // of the next byte to read
	path []byte // of the value that is being read, such as changes[0].props.status
	buf  []byte // the last string that had escapes
}

// fieldError says what is wrong with a field of a line; Field is "" for the line itself.
type fieldError struct {
	Field string
	Err   error
}

func (e *fieldError) Error() string {
	if e.Field == "" {
		return e.Err.Error()
	}
	return e.Field + ": " + e.Err.Error()
}

func (e *fieldError) Unwrap() error { return e.Err }

// fail returns the error of the field that is being read.
func (j *jsonLine) fail(format string, args ...any) error {
	return &fieldError{string(j.path), fmt.Errorf(format, args...)}
}

// check is fail for an error that somebody else found, if there is one.
func (j *jsonLine) check(err error) error {
	if err == nil {
		return nil
	}
	return &fieldError{string(j.path), err}
}

// next skips white space and returns the byte after it without taking it; 0 at the end.
func (j *jsonLine) next() byte {
	for ; j.i < len(j.b); j.i++ {
		switch c := j.b[j.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// want returns the error that something else stands at the present place.
func (j *jsonLine) want(what string) error {
	return j.fail("want %s, got %s", what, j.got())
}

// got describes what stands at the present place.
func (j *jsonLine) got() string {
	c := j.next()
	switch {
	case j.i == len(j.b):
		return "the end of the line"
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == '"':
		return "a string"
	case c == '-' || '0' <= c && c <= '9':
		return "a number"
	}
	for _, word := range []string{"null", "true", "false"} {
		if bytes.HasPrefix(j.b[j.i:], []byte(word)) {
			return word
		}
	}
	r, _ := utf8.DecodeRune(j.b[j.i:])
	return strconv.QuoteRune(r)
}

// end fails unless only white space is left.
func (j *jsonLine) end() error {
	if j.next(); j.i < len(j.b) {
		return j.fail("a line is one object; after it comes %s", j.got())
	}
	return nil
}

// object reads an object and calls member for each key, to read its value. The key is valid until the first value is read.
func (j *jsonLine) object(member func(key []byte) error) error {
	if j.next() != '{' {
		return j.want("an object")
	}
	j.i++
	outer := len(j.path)
	for n := 0; ; n++ {
		more, err := j.more(n, '}')
		if !more {
			return err
		}
		key, err := j.text("a key in quotation marks")
		if err != nil {
			return err
		}
		j.enter(key)
		if j.next() != ':' {
			return j.want(`":"`)
		}
		j.i++
		if err := member(key); err != nil {
			return err
		}
		j.path = j.path[:outer]
	}
}

// array reads an array and calls element to read each of its values.
func (j *jsonLine) array(element func() error) error {
	if j.next() != '[' {
		return j.want("an array")
	}
	j.i++
	outer := len(j.path)
	for n := 0; ; n++ {
		more, err := j.more(n, ']')
		if !more {
			return err
		}
		j.path = append(strconv.AppendInt(append(j.path, '['), int64(n), 10), ']')
		if err := element(); err != nil {
			return err
		}
		j.path = j.path[:outer]
	}
}

// more reports whether another value follows the n that were read, and takes the comma before it, or else the closing bracket.
func (j *jsonLine) more(n int, closing byte) (bool, error) {
	c := j.next()
	switch {
	case c == closing:
		j.i++
		return false, nil
	case n == 0:
		return true, nil
	case c == ',':
		j.i++
		return true, nil
	}
	return false, j.want(`"," or "` + string(closing) + `"`)
}

// enter adds the key to the path: .key, or ["a key"] where that would be hard to read.
func (j *jsonLine) enter(key []byte) {
	if !plainKey(key) {
		j.path = append(fmt.Appendf(append(j.path, '['), "%.100q", key), ']')
		return
	}
	if len(j.path) > 0 {
		j.path = append(j.path, '.')
	}
	j.path = append(j.path, key...)
}

func plainKey(key []byte) bool {
	for _, c := range key {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(key) > 0 && len(key) <= 100
}

// null takes a null, if there is one.
func (j *jsonLine) null() bool {
	if j.next() != 'n' || !bytes.HasPrefix(j.b[j.i:], []byte("null")) {
		return false
	}
	j.i += 4
	return true
}

// text reads a string and returns what it stands for, which is valid until the next call.
func (j *jsonLine) text(what string) ([]byte, error) {
	if j.next() != '"' {
		return nil, j.want(what)
	}
	j.i++
	run := j.run()
	if j.i < len(j.b) && j.b[j.i] == '"' {
		j.i++
		return run, nil
	}
	j.buf = append(j.buf[:0], run...)
	for j.i < len(j.b) {
		switch j.b[j.i] {
		case '"':
			j.i++
			return j.buf, nil
		case '\\':
			if err := j.escape(); err != nil {
				return nil, err
			}
		default:
			return nil, j.fail("a string holds the control character U+%04X, which JSON writes as an escape", j.b[j.i])
		}
		j.buf = append(j.buf, j.run()...)
	}
	return nil, j.fail("the line ends within a string")
}

// run takes the bytes up to the next that has a meaning in a string, or the end.
func (j *jsonLine) run() []byte {
	start := j.i
	for j.i < len(j.b) {
		if c := j.b[j.i]; c < 0x20 || c == '"' || c == '\\' {
			break
		}
		j.i++
	}
	return j.b[start:j.i]
}

// escapes are the short ones, and what each stands for.
const (
	escapes = `"\/bfnrt`
	escaped = "\"\\/\b\f\n\r\t"
)

// escape takes an escape and appends what it stands for to j.buf.
func (j *jsonLine) escape() error {
	if j.i+1 < len(j.b) {
		if k := strings.IndexByte(escapes, j.b[j.i+1]); k >= 0 {
			j.i += 2
			j.buf = append(j.buf, escaped[k])
			return nil
		}
	}
	r, ok := j.hex4(j.i)
	if !ok {
		return j.fail("a string holds a backslash that begins no escape of JSON")
	}
	j.i += 6
	if utf16.IsSurrogate(r) {
		low, _ := j.hex4(j.i)
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return j.fail(`a string holds \u with half of a character: a surrogate without its other half`)
		}
		j.i += 6
	}
	j.buf = utf8.AppendRune(j.buf, r)
	return nil
}

// hex4 reads an escape \u and four hex digits that begins at byte i, without taking it.
func (j *jsonLine) hex4(i int) (r rune, ok bool) {
	if i+6 > len(j.b) || j.b[i] != '\\' || j.b[i+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(j.b[i+2:i+6]), 16, 16)
	return rune(n), err == nil
}
