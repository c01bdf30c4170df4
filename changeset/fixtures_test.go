package changeset

import (
	"bytes"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/fixture"
)

// object is a file of a fixture's content-addressed store.
type object struct {
	path  string
	bytes []byte
}

// objects returns all files under directories of that name, in all replicas of all fixtures, resolutions included.
func objects(tb testing.TB, dir string) []object {
	tb.Helper()
	mem := afero.NewMemMapFs()
	for _, name := range fixture.Names() {
		fixture.Unpack(tb, mem, "/"+name, name)
	}
	var found []object
	err := afero.Walk(mem, "/", func(path string, info fs.FileInfo, err error) error {
		if err != nil || info.IsDir() || !strings.Contains(path, "/cas/"+dir+"/") {
			return err
		}
		b, err := afero.ReadFile(mem, path)
		found = append(found, object{path, b})
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

var stringSeq = regexp.MustCompile(`"original_sequence_no":"(\d+)",`)

func TestEveryChangesetOfTheOriginalComesBackByteForByte(t *testing.T) {
	all := objects(t, ChangesetObjects)
	if len(all) < 900 {
		t.Fatalf("only %d changesets in the fixtures", len(all))
	}
	for _, o := range all {
		c, err := Decode(o.bytes)
		if err != nil {
			t.Errorf("%s: %v", o.path, err)
			continue
		}
		want := stringSeq.ReplaceAll(o.bytes, []byte(`"original_sequence_no":$1,`))
		if got := c.Encode(); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", o.path, got, want)
		}
	}
}

func TestEveryRecordOfTheOriginalComesBackByteForByte(t *testing.T) {
	all := objects(t, RecordObjects)
	if len(all) < 600 {
		t.Fatalf("only %d records in the fixtures", len(all))
	}
	for _, o := range all {
		props, err := DecodeRecord(o.bytes)
		if err != nil {
			t.Errorf("%s: %v", o.path, err)
			continue
		}
		if got := EncodeRecord(props); !bytes.Equal(got, o.bytes) {
			t.Errorf("%s:\n got %s\nwant %s", o.path, got, o.bytes)
		}
	}
}
