package propedit

import (
	"maps"
	"strings"
	"testing"
	"unicode/utf8"
)

var example = map[string]string{
	"status":   "open",
	"summary":  "all: of it # counts",
	"body":     "first\n\n  third\twith a tab \n",
	"note":     "one\ntwo",
	"begins":   "\nwith a break",
	"blank":    "a\n   \nb",
	"spaces":   " around ",
	"quoted":   `"x"`,
	"bar":      "|",
	"escape":   "\x1b[31m<&>",
	"bidi":     "a\u202eb\U000e0041",
	"breaks":   "two\n\n",
	"crlf":     "a\r\nb\r\n",
	"only":     "\n",
	"a: b":     "c",
	"#hash":    "d",
	` space `:  "e",
	`"q"`:      "f",
	"colon:":   "g",
	"path\\to": `C:\new`,
}

const exampleText = `" space ": e
"\"q\"": f
"#hash": d
"a: b": c
bar: "|"
begins: |-

    with a break
bidi: "a\u202eb\udb40\udc41"
blank: |-
    a
       
    b
body: |
    first

      third	with a tab 
breaks: "two\n\n"
"colon:": g
crlf: "a\r\nb\r\n"
escape: "\u001b[31m<&>"
note: |-
    one
    two
only: "\n"
path\to: C:\new
quoted: "\"x\""
spaces: " around "
status: open
summary: all: of it # counts
`

func TestFormat(t *testing.T) {
	if got := Format(example); got != exampleText {
		t.Errorf("got\n%s\nwant\n%s", got, exampleText)
	}
}

func TestParseReadsWhatFormatWrites(t *testing.T) {
	for _, text := range []string{exampleText, strings.ReplaceAll(exampleText, "\n", "\r\n"), "# a comment\n\n" + exampleText + "\n\n"} {
		got, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(got, example) {
			t.Errorf("got  %q\nwant %q", got, example)
		}
	}
}

func TestParseIsKindToEditors(t *testing.T) {
	got, err := Parse("a:1\nb :  2  \nc:\nd: |\n\tone\n\n\t\ttwo\n  \n\n# done\ne: |-\nf: |\n\n\ng: \"\"\nh: |-\n    last")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "1", "b": "2", "d": "one\n\n\ttwo\n", "h": "last"}
	if !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestParseNamesTheLine(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"a: 1\n\nword\n", `line 3: "word" is not NAME: VALUE`},
		{": 1\n", `line 1: ": 1" is not NAME: VALUE`},
		{"a: 1\n  more\n", "line 2: is indented, but there is no text that it belongs to"},
		{"a: |\n    x\n y\n", "line 3: is indented, but there is no text that it belongs to"},
		{"a: 1\na: 2\n", `line 2: property "a" is there twice`},
		{"a:\na:\n", `line 2: property "a" is there twice`},
		{"a: \"x\n", `line 1: a value that begins with " has to be a JSON string: unexpected end of JSON input`},
		{"a: \"x\" y\n", `line 1: a value that begins with " has to be a JSON string: invalid character 'y' after top-level value`},
		{"\"a\" : y\n", `line 1: a name that begins with " has to be a JSON string with a colon after it`},
		{"\"a: y\n", `line 1: a name that begins with " has to be a JSON string: unexpected EOF`},
	} {
		if _, err := Parse(tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("%q:\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func TestChanges(t *testing.T) {
	before := "a: 1\nb: 2\nc: 3\nd: 4\n"
	got, err := Changes(before, "e: 5\nb: two\nc:\n# d\na: 1\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"b": "two", "c": "", "d": "", "e": "5"}; !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := Changes(before, "x"); err == nil || !strings.HasPrefix(err.Error(), "line 1: ") {
		t.Errorf("got %v", err)
	}
}

func TestAValueThatIsNoUTF8IsNoChange(t *testing.T) {
	text := Format(map[string]string{"a": "\xff", "b": "1"})
	got, err := Changes(text, text)
	if err != nil || len(got) != 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

func FuzzFormat(f *testing.F) {
	for name, v := range example {
		f.Add(name, v)
	}
	f.Add("two\nlines", "1")
	f.Fuzz(func(t *testing.T, name, v string) {
		if v == "" || !utf8.ValidString(name) || !utf8.ValidString(v) {
			return
		}
		text := Format(map[string]string{name: v, "z": "1"})
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if name != "z" && (len(got) != 2 || got[name] != v || got["z"] != "1") {
			t.Errorf("%q: %q, got %q", name, v, got)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(exampleText)
	f.Fuzz(func(t *testing.T, text string) {
		props, err := Parse(text)
		if err != nil || !utf8.ValidString(text) {
			return
		}
		again, err := Parse(Format(props))
		if err != nil || !maps.Equal(again, props) {
			t.Errorf("%q is read again as %q, %v", props, again, err)
		}
	})
}

func TestEmpty(t *testing.T) {
	for text, want := range map[string]bool{
		"":                        true,
		" \n\t\r\n":               true,
		"# status: open\n\n# b\n": true,
		"status:\n":               false,
		"# a\nrubbish":            false,
	} {
		if got := Empty(text); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
