package changeset

import (
	"strings"
	"testing"
)

func TestCheckType(t *testing.T) {
	const letters = `: use the letters a to z and A to Z, digits, "_", "-" and ".", beginning with a letter or "_"`
	tests := []struct{ in, want string }{
		{"Ticket", ""},
		{"_prophet_resolution-c38716f6e053a773b9ede1976eedc803e42d22df", ""},
		{"__prophet_db_settings", ""},
		{"a.b-c_9", ""},
		{"x", ""},
		{"con2", ""},
		{"com0", ""},
		{"com10", ""},
		{"console.log", ""},
		{strings.Repeat("x", 100), ""},
		{"", "a type must not be empty"},
		{"../x", `type "../x"` + letters},
		{"..", `type ".."` + letters},
		{".hidden", `type ".hidden"` + letters},
		{"-x", `type "-x"` + letters},
		{"9x", `type "9x"` + letters},
		{"a/b", `type "a/b"` + letters},
		{`a\b`, `type "a\\b"` + letters},
		{"a b", `type "a b"` + letters},
		{"a:b", `type "a:b"` + letters},
		{"a\x00b", `type "a\x00b"` + letters},
		{"a\n", `type "a\n"` + letters},
		{"é", `type "é"` + letters},
		{"aé", `type "aé"` + letters},
		{"aŁ", `type "aŁ"` + letters}, // U+0141, whose low byte is that of A
		{"a\xff", `type "a\xff"` + letters},
		{"\u212a", "type \"\u212a\"" + letters}, // the Kelvin sign, which folds to k
		{"x.", `type "x.": must not end in "."`},
		{"con", `type "con": Windows keeps this name for a device`},
		{"Aux", `type "Aux": Windows keeps this name for a device`},
		{"PRN.txt", `type "PRN.txt": Windows keeps this name for a device`},
		{"nul.a.b", `type "nul.a.b": Windows keeps this name for a device`},
		{"com1", `type "com1": Windows keeps this name for a device`},
		{"LPT9.x", `type "LPT9.x": Windows keeps this name for a device`},
		{strings.Repeat("x", 101), `type "` + strings.Repeat("x", 50) + `"…: at most 100 characters`},
	}
	for _, test := range tests {
		if got := message(CheckType(test.in)); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestCheckProperty(t *testing.T) {
	tests := []struct{ in, want string }{
		{"status", ""},
		{"due date", ""},
		{"größe=日本", ""},
		{strings.Repeat("x", 255), ""},
		{"", "the name of a property must not be empty"},
		{strings.Repeat("x", 256), `property "` + strings.Repeat("x", 50) + `"…: its name has 256 bytes, at most 255 are allowed`},
		{"a\xff", `property "a\xff": its name is not valid UTF-8`},
		{"a\nb", `property "a\nb": its name must not have line breaks or other control characters`},
		{"a\x00", `property "a\x00": its name must not have line breaks or other control characters`},
		{"a\u007f", `property "a\x7f": its name must not have line breaks or other control characters`},
		{"a\u009b", `property "a\u009b": its name must not have line breaks or other control characters`},
	}
	for _, test := range tests {
		if got := message(CheckProperty(test.in)); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestCheckValue(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"two\nlines\tand \x1b[31m é", ""},
		{strings.Repeat("x", MaxValue), ""},
		{strings.Repeat("x", MaxValue+1), `property "body": its value has 4194305 bytes, at most 4194304 are allowed`},
		{"\xc3", `property "body": its value is not valid UTF-8`},
		{"\xed\xa0\x80", `property "body": its value is not valid UTF-8`},
		{"a\x00b", `property "body": its value has a NUL character, which text must not have`},
	}
	for _, test := range tests {
		if got := message(CheckValue("body", test.in)); got != test.want {
			t.Errorf("%.20q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestCheckSizes(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{CheckSize(MaxChanges, MaxSize), ""},
		{CheckSize(MaxChanges+1, 1), "a changeset of 100001 records: at most 100000 are allowed"},
		{CheckSize(1, MaxSize+1), "a changeset of 16777217 bytes: at most 16777216 are allowed"},
		{CheckRecordSize(MaxProps, MaxFile), ""},
		{CheckRecordSize(MaxProps+1, 1), "a record of 500001 properties: at most 500000 are allowed"},
		{CheckRecordSize(1, MaxFile+1), "a record of 67108865 bytes: at most 67108864 are allowed"},
	}
	for _, test := range tests {
		if got := message(test.err); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
