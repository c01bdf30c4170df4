package gitconfig

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/gcfg/v2"
	"github.com/spf13/afero"
)

const example = `# a comment
[core]
	editor = rm -rf / ; never looked at
[User]
	Email-Address = "Ann " <ann@example.com> # a comment
[replica "office"]
	url = http://bugs.example.com/#top
	uuid = 10b1e589-83c2-4e27-917c-42dae1b8cf11
	push-url = "file:///srv/bugs#1"
[replica "a \"b\" \\ c"]
	url = old
[replica "a \"b\" \\ c"]
	URL = new
	pull-url = p
	publish-url = q
	unknown
`

func TestParse(t *testing.T) {
	want := Config{
		Email: "Ann  <ann@example.com>",
		Replicas: []Replica{
			{Name: `a "b" \ c`, URL: "new", PullURL: "p", PublishURL: "q"},
			{Name: "office", URL: "http://bugs.example.com/", UUID: "10b1e589-83c2-4e27-917c-42dae1b8cf11", PushURL: "file:///srv/bugs#1"},
		},
	}
	for _, text := range []string{example, "\ufeff" + example, strings.ReplaceAll(example, "\n", "\r\n")} {
		got, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func TestReplicaIsFoundByItsName(t *testing.T) {
	c, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := c.Replica("office"); !ok || r.PushURL != "file:///srv/bugs#1" {
		t.Errorf("office: %+v, %v", r, ok)
	}
	if r, ok := c.Replica("Office"); ok {
		t.Errorf("Office: %+v", r)
	}
}

func TestParseNamesTheLine(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"[user]\nemail-address = \"x\n", "2:"},
		{"[user\n", "1:"},
		{"a = b\n", "1:"},
		{"[user]\n\nx = \\q\n", "3:"},
		{"[user]\nx = \x00\n", "2:"},
		{"[user]\n\xff = 1\n", "2:"},
	} {
		_, err := Parse([]byte(tt.text))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want an error at line %s", tt.text, err, tt.want)
		}
	}
}

func TestReadOfAMissingFileIsEmpty(t *testing.T) {
	c, err := Read(afero.NewMemMapFs(), "config")
	if err != nil || !reflect.DeepEqual(c, Config{}) {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestReadNamesTheFile(t *testing.T) {
	for name, text := range map[string]string{
		"r/config": "[user\n",
		"r/large":  "[user]\n" + strings.Repeat("#\n", MaxSize/2),
	} {
		fsys := afero.NewMemMapFs()
		if err := afero.WriteFile(fsys, name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := Read(fsys, name); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: got %+v, %v", name, c, err)
		}
	}
}

// calls lists what a reader calls, and its error.
func calls(text []byte, read func([]byte, func(section, name, key, value string, blank bool) error) error) (list []string) {
	err := read(text, func(section, name, key, value string, blank bool) error {
		list = append(list, fmt.Sprintf("%q %q %q %q %t", section, name, key, value, blank))
		return nil
	})
	if err != nil && err != errEscape {
		list = append(list, err.Error())
	}
	return list
}

func viaGcfg(text []byte, set func(section, name, key, value string, blank bool) error) error {
	err := gcfg.ReadWithCallback(bytes.NewReader(text), set)
	if errors.Is(err, gcfg.ErrMissingEndQuote) || errors.Is(err, gcfg.ErrMissingEscapeSequence) {
		return errEscape
	}
	return err
}

func TestFilesAreReadAsGcfgReadsThem(t *testing.T) {
	for _, text := range []string{
		"", "\n", "#", example, "[a]", "[a]\n\n[b \"c\"]x", "[a \"b\\\"c\\\\\"] # d\ne = f\\\ng\nh", "[a]x = y\\n\\t\\b\"z  \" ; w", "[", "[]", "[a", "[a b]", "[a]]", "[\"a\"]",
		"a", "= b", "[a]\n= b", "[a]\nb c", "[a]\nb =", "[a]\nb = ]", "[a]\nb = \"c", "[a]\nb = \\d", "[a \"b]", "[a] b = c = d", "[a]\nb = c\x00d", "[a]\nb\xff", "[a]\n\xef\xbb\xbfb",
	} {
		if got, want := calls([]byte(text), read), calls([]byte(text), viaGcfg); !slices.Equal(got, want) {
			t.Errorf("%q:\ngot  %q\nwant %q", text, got, want)
		}
	}
}

// FuzzParse also shows that what is read can be written down and read again, and that it is read as gcfg does.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("[replica \"a\\\nb\"]\nurl = x\n"))
	f.Add([]byte("[replica \"a\"]\nurl = \"\\n\\t\\\\\\\"\" x\\\ny\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, want := calls(text, read), calls(text, viaGcfg); !slices.Equal(got, want) {
			t.Errorf("%q:\ngot  %q\nwant %q", text, got, want)
		}
		c, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse([]byte(format(c)))
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%+v is read again as %+v, %v", c, again, err)
		}
	})
}

// format writes c as a config file.
func format(c Config) string {
	var b strings.Builder
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\b", `\b`).Replace
	fmt.Fprintf(&b, "[user]\nemail-address = \"%s\"\n", quote(c.Email))
	for _, r := range c.Replicas {
		fmt.Fprintf(&b, "[replica \"%s\"]\n", strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(r.Name))
		for key, v := range map[string]string{"url": r.URL, "uuid": r.UUID, "pull-url": r.PullURL, "push-url": r.PushURL, "publish-url": r.PublishURL} {
			fmt.Fprintf(&b, "%s = \"%s\"\n", key, quote(v))
		}
	}
	return b.String()
}
