// Package propedit is the text in which a person edits the properties of a record:
//
//	# A line that begins with # means nothing, an empty line neither.
//	status: open
//	summary: Values need no quotes: all up to the end of the line counts
//	body: |
//	    A text of several lines is indented by four spaces, or a tab.
//
//	    It ends where the indentation ends. After "|" it has a line break at its end.
//	note: |-
//	    After "|-" it has none
//	    at its end.
//	odd: "a JSON string holds anything else:\u0020"
//	"a name: with a colon": is a JSON string too
//
// [Format] writes it, [Parse] reads it, and [Changes] says what a person changed. To remove a property, delete its lines or its value.
package propedit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"prophet/internal/terminal"
)

const indent = "    "

// Format returns the text for props, sorted by name. Parse reads it back exactly if the values are UTF-8. A
// value is written on its line, or as indented lines, if every character of it can be seen; else as a JSON string.
func Format(props map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(props)) {
		if props[name] != "" {
			fmt.Fprintf(&b, "%s: %s\n", formatName(name), formatValue(props[name]))
		}
	}
	return b.String()
}

func formatName(name string) string {
	if name == "" || strings.Contains(name, ":") || strings.ContainsRune(`"#`, rune(name[0])) || terminal.Safe(name) != name || strings.TrimSpace(name) != name {
		return quote(name)
	}
	return name
}

func formatValue(v string) string {
	if !visible(v) {
		return quote(v)
	}
	if !strings.Contains(v, "\n") {
		if v[0] == '"' || v == "|" || v == "|-" || strings.TrimSpace(v) != v {
			return quote(v)
		}
		return v
	}
	text, ends := strings.CutSuffix(v, "\n")
	lines := strings.Split(text, "\n")
	if strings.TrimSpace(lines[len(lines)-1]) == "" {
		return quote(v) // blank lines at the end of a text are easily lost
	}
	for i, line := range lines {
		if line != "" {
			lines[i] = indent + line
		}
	}
	mark := "|-"
	if ends {
		mark = "|"
	}
	return mark + "\n" + strings.Join(lines, "\n")
}

// visible reports whether a person can see every character of s, or knows its effect as with tabs and line breaks.
func visible(s string) bool {
	s = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' {
			return ' '
		}
		return r
	}, s)
	return terminal.Safe(s) == s
}

// quote returns s as a JSON string in which all that cannot be seen is escaped.
func quote(s string) string {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string, into memory: it cannot fail
	var b strings.Builder
	for _, r := range strings.TrimSuffix(text.String(), "\n") {
		if visible(string(r)) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// Changes returns what a person changed: the properties whose values differ between two texts, with
// their new values. Properties that are gone are "". An error, which names the line, is about the text edited.
func Changes(before, edited string) (map[string]string, error) {
	old, err := Parse(before)
	if err != nil {
		return nil, fmt.Errorf("before it was edited: %w", err)
	}
	props, err := Parse(edited)
	if err != nil {
		return nil, err
	}
	changes := make(map[string]string)
	for name, v := range props {
		if old[name] != v {
			changes[name] = v
		}
	}
	for name := range old {
		if _, there := props[name]; !there {
			changes[name] = ""
		}
	}
	return changes, nil
}

// Empty reports whether a text holds nothing but white space and comments.
func Empty(text string) bool {
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

// Parse returns the properties in a text. Those without a value are left out. An error names the line.
func Parse(text string) (map[string]string, error) {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	props := make(map[string]string)
	seen := make(map[string]bool)
	for i := 0; i < len(lines); {
		line, number := lines[i], i+1
		i++
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		name, value, err := parseLine(line)
		if err == nil && seen[name] {
			err = fmt.Errorf("property %q is there twice", name)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		seen[name] = true
		if value.block {
			n := 0
			value.text, n = parseBlock(lines[i:], value.ends)
			i += n
		}
		if value.text != "" {
			props[name] = value.text
		}
	}
	return props, nil
}

// lineValue is what stands behind a name: a value, or the mark before the lines that hold it.
type lineValue struct {
	text  string
	block bool // the value is in the lines that follow
	ends  bool // with a line break at its end
}

func parseLine(line string) (string, lineValue, error) {
	name, rest, err := cutName(line)
	if err != nil {
		return "", lineValue{}, err
	}
	switch rest = strings.TrimSpace(rest); {
	case rest == "|" || rest == "|-":
		return name, lineValue{block: true, ends: rest == "|"}, nil
	case strings.HasPrefix(rest, `"`):
		var s string
		if err := json.Unmarshal([]byte(rest), &s); err != nil {
			return "", lineValue{}, fmt.Errorf(`a value that begins with " has to be a JSON string: %w`, err)
		}
		return name, lineValue{text: s}, nil
	}
	return name, lineValue{text: rest}, nil
}

// cutName cuts a line into the name and what follows the colon.
func cutName(line string) (name, rest string, err error) {
	if line[0] == ' ' || line[0] == '\t' {
		return "", "", fmt.Errorf("is indented, but there is no text that it belongs to")
	}
	if line[0] != '"' {
		name, rest, found := strings.Cut(line, ":")
		if !found || name == "" {
			return "", "", fmt.Errorf("%.100q is not NAME: VALUE", line)
		}
		return strings.TrimRightFunc(name, unicode.IsSpace), rest, nil
	}
	d := json.NewDecoder(strings.NewReader(line))
	if err := d.Decode(&name); err != nil {
		return "", "", fmt.Errorf(`a name that begins with " has to be a JSON string: %w`, err)
	}
	rest, found := strings.CutPrefix(line[d.InputOffset():], ":")
	if !found {
		return "", "", fmt.Errorf(`a name that begins with " has to be a JSON string with a colon after it`)
	}
	return name, rest, nil
}

// parseBlock reads the text that stands, indented, at the beginning of lines, and returns it and the number of its lines.
// Blank lines at its end do not count.
func parseBlock(lines []string, ends bool) (string, int) {
	var text []string
	n, last := 0, 0
	for _, line := range lines {
		inner, indented := strings.CutPrefix(line, indent)
		if !indented {
			inner, indented = strings.CutPrefix(line, "\t")
		}
		blank := strings.TrimSpace(line) == ""
		if !indented && !blank {
			break
		}
		if !indented {
			inner = ""
		}
		text = append(text, inner)
		if n++; !blank {
			last = n
		}
	}
	if last == 0 {
		return "", n
	}
	s := strings.Join(text[:last], "\n")
	if ends {
		s += "\n"
	}
	return s, n
}
