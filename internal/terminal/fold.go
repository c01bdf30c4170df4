package terminal

import "strings"

// Fold divides s, a line that is safe to show, into lines of at most width columns, between words where it can. A tab counts, and is shown, as
// four spaces. There is at least one line; a character that is wider than the width stands alone.
func Fold(s string, width int) []string {
	s = strings.ReplaceAll(s, "\t", "    ")
	var lines []string
	for {
		n := foldAt(s, width)
		if n == len(s) {
			return append(lines, s)
		}
		lines = append(lines, s[:n])
		if s = strings.TrimLeft(s[n:], " "); s == "" {
			return lines
		}
	}
}

// foldAt returns how much of s makes a line. It looks no further than a line can reach, because a value may be long.
func foldAt(s string, width int) int {
	near := s
	if most := 8 * (max(width, 0) + 1); len(s) > most {
		near = strings.ToValidUTF8(s[:most], "")
	}
	if Width(near) <= width {
		return len(near)
	}
	n := len(cells.Truncate(near, width, ""))
	if space := strings.LastIndexByte(near[:min(n+1, len(near))], ' '); space > 0 && strings.Trim(near[:space], " ") != "" {
		return space
	}
	if n == 0 {
		return len(firstCell(near))
	}
	return n
}

// firstCell returns the first character of s, with the accents that stand on it.
func firstCell(s string) string {
	for width := range len(s) {
		if first := cells.Truncate(s, width, ""); first != "" {
			return first
		}
	}
	return s
}
