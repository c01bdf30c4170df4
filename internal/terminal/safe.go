// Package terminal shows text to people: values of unknown origin made safe, tables that fit
// the width, sizes, and the progress of long work.
//
// Whatever comes out of a replica may have been written by anybody. [Safe] and [SafeLines] make sure that it
// cannot move the cursor, change the terminal's state or make text look like other text; everything
// that is shown goes through one of them. They are for people: what a program reads is JSON, and exact.
package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe returns s as one line that is safe to show. Control characters, escape sequences, marks that
// turn the direction of writing, other invisible marks and bytes that are no UTF-8 become visible: \n, \t, \r,
// \x1b, \u202e, \xff. A backslash stays as it is.
func Safe(s string) string {
	i := firstUnsafe(s)
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:i])
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if safe(r, size) {
			b.WriteString(s[i : i+size])
		} else {
			b.WriteString(escape(r, s[i:i+size]))
		}
		i += size
	}
	return b.String()
}

// SafeLines is [Safe] for text of many lines: line breaks and tabs stay, and every line but the first begins with indent.
func SafeLines(s, indent string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		parts := strings.Split(line, "\t")
		for j := range parts {
			parts[j] = Safe(parts[j])
		}
		lines[i] = strings.Join(parts, "\t")
	}
	return strings.Join(lines, "\n"+indent)
}

// firstUnsafe returns the position of the first character that Safe changes, len(s) if there is none.
func firstUnsafe(s string) int {
	for i := 0; i < len(s); {
		if ' ' <= s[i] && s[i] <= '~' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !safe(r, size) {
			return i
		}
		i += size
	}
	return len(s)
}

// joiners are invisible, but scripts and emoji need them.
const joiners = "\u200c\u200d\u00ad"

// safe reports whether a character of that many bytes may be shown as it is.
func safe(r rune, size int) bool {
	if r == utf8.RuneError && size <= 1 {
		return false
	}
	return !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || strings.ContainsRune(joiners, r)
}

// escape returns the visible form of a character and its bytes.
func escape(r rune, bytes string) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case len(bytes) == 1:
		return fmt.Sprintf(`\x%02x`, bytes[0])
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
