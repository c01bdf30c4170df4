package terminal

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestGuardWritesWhatATerminalWouldObeyAsJSON(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"plain\ttext\n":                "plain\ttext\n",
		"\x1b]52;c;x\a\x7f\r":          `\u001b]52;c;x\u0007\u007f\u000d`,
		"grüße 漢字 👩\u200d👧":            "grüße 漢字 👩\u200d👧",
		"\u009b31m \u202e \U000e0041":  `\u009b31m \u202e \udb40\udc41`,
		"bad \xff \xe2\x82 utf8 \x9b2": `bad \ufffd \ufffd\ufffd utf8 \ufffd2`,
	} {
		var b strings.Builder
		g := Guard(&b)
		if _, err := io.Copy(g, iotest.OneByteReader(strings.NewReader(in))); err != nil || b.String() != want {
			t.Errorf("%q: got %q, %v, want %q", in, b.String(), err, want)
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add("a\x1b[31m\u202e\u009b\xff\U000e0041 \\\"")
	f.Fuzz(func(t *testing.T, s string) {
		line, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if _, err := Guard(&b).Write(line); err != nil {
			t.Fatal(err)
		}
		var want, got string
		if json.Unmarshal(line, &want) != nil || json.Unmarshal([]byte(b.String()), &got) != nil || got != want {
			t.Errorf("%q became %q", want, b.String())
		}
		if Safe(b.String()) != b.String() {
			t.Errorf("%q is not safe", b.String())
		}
	})
}
