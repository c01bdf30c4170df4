package main

import (
	"bytes"
	"encoding/json"
)

// appendJSON appends v to dst as canonical JSON: no white space, nothing escaped but what JSON requires. Keys are sorted
// in maps; structs list their fields in the order of their keys, which the stories of the commands check.
func appendJSON(dst []byte, v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return dst, err
	}
	return unescapeSeparators(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// unescapeSeparators appends JSON text to dst with U+2028 and U+2029 as they are: encoding/json always escapes them.
func unescapeSeparators(dst, text []byte) []byte {
	for len(text) > 0 {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			break
		}
		dst, text = append(dst, text[:i]...), text[i:]
		switch {
		case bytes.HasPrefix(text, []byte(`\u2028`)):
			dst, text = append(dst, "\u2028"...), text[6:]
		case bytes.HasPrefix(text, []byte(`\u2029`)):
			dst, text = append(dst, "\u2029"...), text[6:]
		default:
			dst, text = append(dst, text[:2]...), text[2:]
		}
	}
	return append(dst, text...)
}
