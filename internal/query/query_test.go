package query

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		words string // separated by |
		want  string // likewise, as words gives them
	}{
		{"", ""},
		{"Ticket", "Ticket"},
		{"status=open", "status|=|open"},
		{"status|=|open", "status|=|open"},
		{"status|eq|open", "status|=|open"},
		{"Ticket|status=open", "Ticket|status|=|open"},
		{"Ticket|status|!=|open", "Ticket|status|!=|open"},
		{"priority>=3", "priority|>=|3"},
		{"priority|ge|3|and|priority|lt|5", "priority|>=|3|and|priority|<|5"},
		{"a=1|b!=2|c<3", "a|=|1|and|b|!=|2|and|c|<|3"},
		{"a=1|and|b=2", "a|=|1|and|b|=|2"},
		{"a ne 1", "a ne 1"}, // one word without a symbol is a type, whatever it holds
		{"summary=hello world", "summary|=|hello world"},
		{"summary=~^a (b|c)=d", "summary|=~|^a (b|c)=d"},
		{"summary|match|x", "summary|=~|x"},
		{"summary!~x", "summary|!~|x"},
		{"summary|nomatch|x", "summary|!~|x"},
		{"status=", "status|=|"},
		{"status!=", "status|!=|"},
		{"status|=|", "status|=|"},
		{"a=x=y<z", "a|=|x=y<z"},
		{"a=!x", "a|=|!x"},
		{"a|=|=x", "a|=|=x"},
		{"a|=|and", "a|=|and"},
		{"a|=|=", "a|=|="},
		{"wow!|=|1", "wow!|=|1"},
		{"and|=|1", "and|=|1"},
		{"a=1|and|and|=|2", "a|=|1|and|and|=|2"},
		{"a=1|or|=|2", "a|=|1|and|or|=|2"},
		{"a~b=1", "a~b|=|1"},
		{"due date<=2026-01-01", "due date|<=|2026-01-01"},
	}
	for _, tt := range tests {
		q, err := Parse(split(tt.words))
		if err != nil {
			t.Errorf("%s: %v", tt.words, err)
			continue
		}
		if got := strings.Join(words(q), "|"); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.words, got, tt.want)
		}
	}
}

// split splits at "|", but for the ones within parentheses.
func split(s string) []string {
	if s == "" {
		return nil
	}
	s = strings.ReplaceAll(s, "(b|c)", "(b\x00c)")
	words := strings.Split(s, "|")
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "\x00", "|")
	}
	return words
}

// words returns words that Parse reads as q.
func words(q Query) []string {
	var words []string
	if q.Type != "" {
		words = append(words, q.Type)
	}
	for i, t := range q.Tests {
		if i > 0 {
			words = append(words, "and")
		}
		words = append(words, t.Name, t.Op.String(), t.Value)
	}
	return words
}

func TestParseNamesTheWordThatIsWrong(t *testing.T) {
	tests := []struct{ words, want string }{
		{"Ticket|open", `word 2, "open": no operator after it: a test is NAME=VALUE, or NAME OPERATOR VALUE in three words`},
		{"status=|open", `word 2, "open": no operator after it: a test is NAME=VALUE, or NAME OPERATOR VALUE in three words`},
		{"status|=open", `word 2, "=open": the name of a property is missing before it`},
		{"=open", `word 1, "=open": the name of a property is missing before it`},
		{"=|open", `word 1, "=": the name of a property is missing before it`},
		{"|=|open", `word 1, "": the name of a property is missing before it`},
		{"a|ge", `word 2, "ge": a value is missing after it`},
		{"Ticket|a|=", `word 3, "=": a value is missing after it`},
		{"a|ge|", `word 3, "": ">=" needs a value`},
		{"a<", `word 1, "a<": "<" needs a value`},
		{"a=~", `word 1, "a=~": "=~" needs a value`},
		{"a=~[", "word 1, \"a=~[\": error parsing regexp: missing closing ]: `[`"},
		{"x=1|a|match|[", "word 4, \"[\": error parsing regexp: missing closing ]: `[`"},
		{"a==1", `word 1, "a==1": "==" is no operator; a value that begins with "=" is written as a word of its own`},
		{"a=>1", `word 1, "a=>1": "=>" is no operator; a value that begins with ">" is written as a word of its own`},
		{"a = 1", `word 1, "a = 1": quote the value only, not the whole test`},
		{"a=1|and", `word 2, "and": a test is missing after it`},
		{"a=1|or|b=2", `word 2, "or": tests are joined by "and", or by nothing; there is no other way`},
		{"a=1|AND|b=2", `word 2, "AND": tests are joined by "and", or by nothing; there is no other way`},
		{"and|a=1", ""},
		{"a=1|and|and|b=2", `word 3, "and": no operator after it: a test is NAME=VALUE, or NAME OPERATOR VALUE in three words`},
	}
	for _, tt := range tests {
		_, err := Parse(split(tt.words))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.words, got, tt.want)
		}
	}
}

func TestMatch(t *testing.T) {
	props := map[string]string{"status": "open", "priority": "10", "version": "1.10", "due": "2026-03-01", "body": "a\nCrash here\nb"}
	tests := []struct {
		words string
		want  bool
	}{
		{"", true},
		{"Comment", true}, // the type is the caller's
		{"status=open", true},
		{"status=Open", false},
		{"status!=open", false},
		{"status!=new", true},
		{"priority=10.0", true},
		{"priority|gt|9", true},
		{"priority>9a", false}, // as bytes: 9a is no number
		{"priority<=10", true},
		{"priority<10", false},
		{"priority>=10", true},
		{"version=1.1", true},
		{"version=~^1[.]1$", false},
		{"due<2026-03-02", true},
		{"due>=2026-03-02", false},
		{"status=open|priority=9", false},
		{"status=open|and|priority=10", true},
		{"body=~Crash", true},
		{"body=~^Crash", false},
		{"body=~(?m)^Crash here$", true},
		{"body!~Crash", false},
		{"owner=", true},
		{"status=", false},
		{"owner!=", false},
		{"status!=", true},
		{"owner!=ann", true},
		{"owner<z", false},
		{"owner>=a", false},
		{"owner!~ann", true},
		{"owner=~^$", true},
	}
	for _, tt := range tests {
		q, err := Parse(split(tt.words))
		if err != nil {
			t.Fatalf("%s: %v", tt.words, err)
		}
		if got := q.Match(props); got != tt.want {
			t.Errorf("%s: got %v", tt.words, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"Ticket|status=open", "a|ge|3|and|b=~x", "a=1|or|b", "|=|", "a = 1", "\x80=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Parse(strings.Split(s, "|"))
		if err != nil {
			return
		}
		if q.Type != "" && len(q.Tests) > 0 && opWords[q.Tests[0].Name] != 0 {
			return // "T ge=0": in three words, "T ge = 0" is a test of T
		}
		again, err := Parse(words(q))
		if err != nil || !slices.Equal(words(again), words(q)) {
			t.Errorf("%q is read again as %q, %v", words(q), words(again), err)
		}
		q.Match(map[string]string{"a": "3", "b": "x"})
	})
}

func TestHavingIsTheOneValueOfAText(t *testing.T) {
	for words, want := range map[string]string{
		"":                         "",
		"Ticket":                   "",
		"status=open":              "status open",
		"a=xy|status=open|b=z":     "status open",
		"status=open|priority=100": "status open",
		"priority=100000":          "", // 100000.0 is as much
		"priority=1e5":             "priority 1e5",
		"status=":                  "",
		"status!=open":             "",
		"status=~open":             "",
		"status!~open":             "",
		"a<b|c<=d|e>f|g>=h":        "",
	} {
		q, err := Parse(split(words))
		if err != nil {
			t.Fatal(err)
		}
		property, value, ok := q.Having()
		if got := strings.TrimSpace(property + " " + value); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %t, want %q", words, got, ok, want)
		}
		if props := map[string]string{property: value + ".0"}; ok && q.Match(props) {
			t.Errorf("%s: another value matches too", words)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	q, err := Parse([]string{"status=open", "priority>=3"})
	if err != nil {
		b.Fatal(err)
	}
	props := map[string]string{"status": "open", "priority": "10"}
	for b.Loop() {
		q.Match(props)
	}
}
