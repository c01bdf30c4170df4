package terminal

import (
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Guard is the last door before a terminal: what [Safe] would change, but for line breaks and tabs, is written to w as an escape of JSON. So JSON, which is exact elsewhere,
// stays what it is, and nothing that was overlooked is obeyed.
func Guard(w io.Writer) io.Writer { return &guard{w: w} }

type guard struct {
	w    io.Writer
	rest []byte // the beginning of a character
	out  []byte
}

func (g *guard) Write(p []byte) (int, error) {
	b := append(g.rest, p...)
	g.out = g.out[:0]
	for len(b) > 0 && utf8.FullRune(b) {
		r, size := utf8.DecodeRune(b)
		if r == '\n' || r == '\t' || safe(r, size) {
			g.out = append(g.out, b[:size]...)
		} else {
			g.out = appendEscape(g.out, r)
		}
		b = b[size:]
	}
	g.rest = append([]byte(nil), b...)
	if _, err := g.w.Write(g.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// appendEscape appends a character as JSON writes it in ASCII. A byte that is no UTF-8 is U+FFFD.
func appendEscape(dst []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return fmt.Appendf(dst, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(dst, `\u%04x`, r)
}
