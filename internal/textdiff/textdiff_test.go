package textdiff

import (
	"strings"
	"testing"
)

func TestMerge(t *testing.T) {
	tests := []struct {
		name, base, a, b, want string
		ok                     bool
	}{
		{"words apart", "the red car is fast", "the blue car is fast", "the red car is slow", "the blue car is slow", true},
		{"one word", "the red car", "the blue car", "the green car", "", false},
		{"words side by side", "the red car", "the blue car", "the red bike", "the blue bike", true},
		{"the same change", "the red car is fast", "the blue car is fast", "the blue car is slow", "the blue car is slow", true},
		{"both the same", "red", "blue", "blue", "blue", true},
		{"one as before", "red car", "red car", "blue car", "blue car", true},
		{"both put something behind", "a b", "a b c", "a b d", "", false},
		{"both put the same behind", "a b", "a b c", "a b c", "a b c", true},
		{"before and behind", "a b", "x a b", "a b y", "x a b y", true},
		{"a date is one word", "2026-11-21", "2026-12-21", "2026-11-24", "", false},
		{"one removes all", "a b c", "", "a x c", "", false},
		{"from nothing", "", "a", "b", "", false},
		{"white space", "a b c", "a  b c", "a b\u00a0c", "a  b\u00a0c", true},
		{"lines apart", "1\n2\n3\n4\n", "one\n2\n3\n4\n", "1\n2\n3\nfour\n", "one\n2\n3\nfour\n", true},
		{"lines side by side", "1\n2\n3\n", "one\n2\n3\n", "1\ntwo\n3\n", "", false},
		{"one line, two words of it", "the red car is fast\n", "the blue car is fast\n", "the red car is slow\n", "", false},
		{"a line removed and one added", "1\n2\n3\n4", "1\n3\n4", "1\n2\n3\n4\n5", "1\n3\n4\n5", true},
		{"without a line break at the end", "1\n2\n3", "1\n2\n3\n", "0\n2\n3", "0\n2\n3\n", true},
		{"an edit in what the other removed", "1\n2\n3\n4\n5", "1\n5", "1\n2\nthree\n4\n5", "", false},
		{"a line break is added", "a b c", "a b\nc", "a b c", "a b\nc", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, way := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
				if got, ok := Merge(tt.base, way[0], way[1]); ok != tt.ok || ok && got != tt.want {
					t.Errorf("%q with %q and %q: got %q, %v, want %q, %v", tt.base, way[0], way[1], got, ok, tt.want, tt.ok)
				}
			}
		})
	}
}

func TestMergeOfLongTextsTakesLittleTime(t *testing.T) {
	base := strings.Repeat("a line\n", 200_000)
	want := "first\n" + base + "last\n"
	if got, ok := Merge(base, "first\n"+base, base+"last\n"); !ok || got != want {
		t.Errorf("got %d bytes, %v", len(got), ok)
	}
	var odd, even strings.Builder
	for i := range 100_000 {
		odd.WriteString([]string{"a\n", "b\n"}[i%2])
		even.WriteString([]string{"c\n", "b\n"}[i%2])
	}
	if _, ok := Merge(odd.String(), even.String(), base); ok {
		t.Error("texts that share nothing were merged")
	}
}

func TestWords(t *testing.T) {
	tests := []struct{ from, to, want string }{
		{"", "", ""},
		{"a b", "a b", "a b"},
		{"the red car", "the blue car", "the [-red-]{+blue+} car"},
		{"a", "", "[-a-]"},
		{"", "a b", "{+a b+}"},
		{"one\ntwo\n", "one\n\ntwo\nthree\n", "one\n{+\n+}two\n{+three\n+}"},
		{"a\xffb", "a\xfeb", "[-a\xffb-]{+a\xfeb+}"},
		{"four words were here", "three new words were there", "[-four-]{+three new+} words were [-here-]{+there+}"},
		{"a b c\nd", "x y z\nw", "[-a b c-]{+x y z+}\n[-d-]{+w+}"},
	}
	for _, tt := range tests {
		if got := marked(Words(tt.from, tt.to)); got != tt.want {
			t.Errorf("%q to %q: got %q, want %q", tt.from, tt.to, got, tt.want)
		}
	}
}

func marked(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString([]string{"", "[-", "{+"}[p.Op] + p.Text + []string{"", "-]", "+}"}[p.Op])
	}
	return b.String()
}

// FuzzMerge checks what holds of any merge: it does not matter who is first, nothing is lost where one side did nothing, and the parts make up both texts.
func FuzzMerge(f *testing.F) {
	f.Add("the red car", "the blue car", "the red bike")
	f.Add("1\n2\n3\n", "1\n3\n", "0\n1\n2\n3")
	f.Add("a\xff \n", "\r\n", "")
	f.Fuzz(func(t *testing.T, base, a, b string) {
		ab, ok := Merge(base, a, b)
		ba, back := Merge(base, b, a)
		if ok != back || ok && ab != ba {
			t.Errorf("%q, %v and %q, %v", ab, ok, ba, back)
		}
		if got, ok := Merge(base, a, base); !ok || got != a {
			t.Errorf("with the base: %q, %v", got, ok)
		}
		if got, ok := Merge(base, a, a); !ok || got != a {
			t.Errorf("with itself: %q, %v", got, ok)
		}
		var from, to strings.Builder
		for _, p := range Words(a, b) {
			if p.Op != Added {
				from.WriteString(p.Text)
			}
			if p.Op != Removed {
				to.WriteString(p.Text)
			}
		}
		if from.String() != a || to.String() != b {
			t.Errorf("the parts are of %q and %q", from.String(), to.String())
		}
	})
}
