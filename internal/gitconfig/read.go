package gitconfig

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/gcfg/v2/scanner"
	"github.com/go-git/gcfg/v2/token"
)

// reader reads a file word by word, as package gcfg does. That package would also prepare encoding/gob each time the program starts, for a part of it that is not used here.
type reader struct {
	file  *token.File
	words scanner.Scanner
	wrong scanner.ErrorList // what the scanner did not understand
	pos   token.Pos
	kind  token.Token // of the word at hand
	text  string      // as it is written
}

// read calls set with each section, with no key, and with each key of it; blank is one that stands alone. An error names line and column.
func read(text []byte, set func(section, name, key, value string, blank bool) error) error {
	files := token.NewFileSet()
	file, err := files.AddFile("", files.Base(), len(text))
	if err != nil {
		return err
	}
	r := &reader{file: file}
	r.words.Init(file, text, func(p token.Position, m string) { r.wrong.Add(p, m) }, 0)
	if err := r.next(); err != nil {
		return err
	}
	section, name := "", ""
	for {
		var key, value string
		blank := true
		if err := r.wrong.Err(); err != nil || r.kind == token.EOF {
			return err
		}
		switch {
		case r.kind == token.EOL || r.kind == token.COMMENT:
			err = r.next()
		case r.kind == token.LBRACK:
			if section, name, err = r.section(); err == nil {
				err = set(section, name, "", "", true)
			}
		case section == "":
			err = r.errorf("expected section header")
		case r.kind == token.IDENT:
			if key, value, blank, err = r.variable(); err == nil {
				err = set(section, name, key, value, blank)
			}
		default:
			err = r.errorf("expected section header or variable declaration")
		}
		if err != nil {
			return err
		}
	}
}

// next goes to the next word, which the scanner must understand.
func (r *reader) next() error {
	if err := r.scan(); err != nil {
		return err
	}
	return r.wrong.Err()
}

// scan goes to the next word.
func (r *reader) scan() (err error) {
	r.pos, r.kind, r.text, err = r.words.Scan()
	return err
}

// errorf is an error at the word at hand.
func (r *reader) errorf(format string, args ...any) error {
	at, err := r.file.Position(r.pos)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
}

// section reads the head of a section, such as [replica "office"].
func (r *reader) section() (section, name string, err error) {
	if err := r.next(); err != nil {
		return "", "", err
	}
	if r.kind != token.IDENT {
		return "", "", r.errorf("expected section name")
	}
	section = r.text
	if err := r.next(); err != nil {
		return "", "", err
	}
	if r.kind == token.STRING {
		if name, err = unquote(r.text); err == nil {
			err = r.next()
		}
		if err != nil {
			return "", "", err
		}
	}
	if r.kind != token.RBRACK {
		return "", "", r.errorf("expected right bracket")
	}
	if err := r.scan(); err != nil {
		return "", "", err
	}
	return section, name, r.endOfLine()
}

// variable reads a key and its value, such as url = http://example.com/.
func (r *reader) variable() (key, value string, blank bool, err error) {
	key = r.text
	if err := r.next(); err != nil {
		return "", "", false, err
	}
	if r.lineEnds() {
		return key, "", true, nil
	}
	if r.kind != token.ASSIGN {
		return "", "", false, r.errorf("expected '='")
	}
	if err := r.next(); err != nil {
		return "", "", false, err
	}
	if r.kind != token.STRING {
		return "", "", false, r.errorf("expected value")
	}
	if value, err = unquote(r.text); err == nil {
		err = r.next()
	}
	if err == nil {
		err = r.endOfLine()
	}
	return key, value, false, err
}

// endOfLine returns an error unless the line is at its end.
func (r *reader) endOfLine() error {
	if !r.lineEnds() {
		return r.errorf("expected EOL, EOF, or comment")
	}
	return nil
}

func (r *reader) lineEnds() bool {
	return r.kind == token.EOL || r.kind == token.EOF || r.kind == token.COMMENT
}

var escaped = map[rune]rune{'\\': '\\', '"': '"', 'n': '\n', 't': '\t', 'b': '\b', '\n': '\n'}

// unquote returns what a word stands for that the scanner took for a string, parts of which may be in quotes.
func unquote(s string) (string, error) {
	var b strings.Builder
	quoted, escape := false, false
	for _, c := range s {
		switch {
		case escape:
			is, ok := escaped[c]
			if !ok {
				return "", errEscape
			}
			b.WriteRune(is)
			escape = false
		case c == '"':
			quoted = !quoted
		case c == '\\':
			escape = true
		default:
			b.WriteRune(c)
		}
	}
	if quoted || escape {
		return "", errEscape
	}
	return b.String(), nil
}

// errEscape is an error that the scanner finds first.
var errEscape = errors.New("a quote or an escape sequence is not finished")
