package main

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"prophet/changeset"
)

func TestProperties(t *testing.T) {
	w := newWorld()
	w.write(t, "/home/ann/notes.txt", "line one\nline two\n")
	w.write(t, "/tmp/a,b", "comma")
	w.Stdin = strings.NewReader("typed")
	got, err := w.properties(t.Context(),
		[]string{"status=open", "summary=a = b, c", "owner=", "--x=--y", "a b=c"},
		[]string{"body=notes.txt", "log=-", "other=/tmp/a,b"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"status": "open", "summary": "a = b, c", "owner": "", "--x": "--y", "a b": "c",
		"body": "line one\nline two\n", "log": "typed", "other": "comma",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBadProperties(t *testing.T) {
	w := newWorld()
	w.write(t, "/home/ann/f", "x")
	w.write(t, "/home/ann/large", strings.Repeat("x", changeset.MaxValue+1))
	w.write(t, "/home/ann/binary", "\xff")
	tests := []struct {
		words, files []string
		code         int
		want         string
	}{
		{[]string{"status"}, nil, exitUsage, `"status" is not a property`},
		{[]string{"=x"}, nil, exitUsage, "the name of a property must not be empty"},
		{[]string{"a\nb=x"}, nil, exitUsage, `property "a\nb": its name must not have line breaks or other control characters`},
		{[]string{"a=\xff"}, nil, exitUsage, `property "a": its value is not valid UTF-8`},
		{[]string{"a=" + strings.Repeat("x", 10<<20)}, nil, exitUsage, `property "a": its value has 10485760 bytes, at most 4194304 are allowed`},
		{[]string{"a=1", "a=2"}, nil, exitUsage, `property "a" is given twice`},
		{[]string{"a=1"}, []string{"a=f"}, exitUsage, `--file: property "a" is given twice`},
		{nil, []string{"a=f", "a=f"}, exitUsage, `--file: property "a" is given twice`},
		{nil, []string{"a"}, exitUsage, `--file: "a" is not NAME=PATH`},
		{nil, []string{"a="}, exitUsage, `--file: a path is missing after "a="`},
		{nil, []string{"a=-", "b=-"}, exitUsage, "--file: both a and b are to be read from standard input"},
		{nil, []string{"a=nowhere"}, exitFailed, "read the value of a: open /home/ann/nowhere: file does not exist"},
		{nil, []string{"a=large"}, exitFailed, "/home/ann/large: more than 4194304 bytes, which a property may have at most"},
		{nil, []string{"a=binary"}, exitFailed, `/home/ann/binary: property "a": its value is not valid UTF-8`},
	}
	for _, tt := range tests {
		_, err := w.properties(t.Context(), tt.words, tt.files)
		if err == nil || err.Error() != tt.want || exitCode(err) != tt.code {
			t.Errorf("%.20q %q: got exit code %d, %v", tt.words, tt.files, exitCode(err), err)
		}
	}
}

func TestAPropertyThatCannotBeReadIsReported(t *testing.T) {
	w := newWorld()
	w.Stdin = brokenReader{}
	if _, err := w.properties(t.Context(), nil, []string{"a=-"}); err == nil || err.Error() != "read standard input: broken" {
		t.Errorf("got %v", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }
