package durable

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/minio/sha256-simd"
	"github.com/spf13/afero"

	"prophet/internal/crashfs"
)

var example = &journal{
	lengths:  []Grown{{"changesets.idx", 44, false, nil, false}, {"records/bug/1/2/a \"b\"\n", 0, true, []byte("\x00row\xff"), true}, {"ids", 0, false, []byte{}, true}},
	points:   []Point{{"resolutions/latest", "", "0"}, {"latest", "1\xff", "2"}},
	rewrite:  &Rewritten{"index", "aa", "bb"},
	replaced: []Content{{"local_metadata/m", []byte("7")}, {"prophet/peers/é", []byte("{}\n\x00\xfe")}},
}

func TestJournalRoundTrip(t *testing.T) {
	text := example.text()
	got, err := parseJournal(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, example) {
		t.Errorf("read %+v, want %+v", got, example)
	}
	const begin = "prophet journal 1\nlength 44 \"changesets.idx\"\nappend absent \"records/bug/1/2/a \\\"b\\\"\\n\" \"AHJvd/8\"\n"
	if !strings.HasPrefix(text, begin) {
		t.Errorf("text:\n%s\nwant it to begin:\n%s", text, begin)
	}
}

func TestTornJournalIsNoJournal(t *testing.T) {
	text := example.text()
	for i := range text {
		if _, err := parseJournal(text[:i]); !errors.Is(err, errTorn) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
		flipped := text[:i] + string([]byte{text[i] ^ 1}) + text[i+1:]
		if _, err := parseJournal(flipped); !errors.Is(err, errTorn) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	if _, err := parseJournal(text + text); !errors.Is(err, errTorn) {
		t.Errorf("two journals: %v", err)
	}
}

func TestTornJournalIsEmptiedAndNothingElseTouched(t *testing.T) {
	fs := crashfs.New()
	put(t, fs, "rows", "one.two.")
	put(t, fs, "latest", "1")
	put(t, fs, Journal, (&journal{lengths: []Grown{{Name: "rows", At: 4}}, points: []Point{{"latest", "1", "2"}}}).text()[1:])
	recovered, err := Recover(fs)
	if recovered || err != nil {
		t.Errorf("recovered %t, %v", recovered, err)
	}
	wantFiles(t, fs, tree{"rows": "one.two.", "latest": "1"})
	if size := len(read(t, fs)[Journal]); size != len(journalHead) {
		t.Errorf("the journal has %d bytes", size)
	}
}

// signed is a journal of these lines with a good checksum.
func signed(lines string) string {
	sum := sha256.Sum256([]byte(lines))
	return lines + sumWord + hex.EncodeToString(sum[:]) + "\n"
}

// A journal may come with a directory that somebody else made.
func TestHostileJournalIsRefused(t *testing.T) {
	const point = "point \"latest\" \"1\" \"2\"\n"
	for _, lines := range []string{
		journalHead,
		"prophet journal 2\n" + point,
		journalHead + point + "replace \"../.profile\" \"evil\"\n",
		journalHead + point + "replace \"/etc/passwd\" \"evil\"\n",
		journalHead + "length 0 \"../rows\"\n" + point,
		journalHead + "length absent \"a/../../rows\"\n" + point,
		journalHead + "point \"../latest\" \"1\" \"2\"\n",
		journalHead + "length -1 \"rows\"\n" + point,
		journalHead + "length 99999999999999999999 \"rows\"\n" + point,
		journalHead + "append 0 \"rows\"\n" + point,
		journalHead + "append 0 \"rows\" \"====\"\n" + point,
		journalHead + "append 0 \"../rows\" \"\"\n" + point,
		journalHead + "length 0 \"rows\" \"\"\n" + point,
		journalHead + "length 010 \"rows\"\n" + point,
		journalHead + "length 1 `rows`\n" + point,
		journalHead + "remove \"rows\"\n" + point,
		journalHead + point + "bring \"../rows\"\n",
		journalHead + "bring \"rows\"\n" + point,
		journalHead + point + "\n",
		journalHead + strings.TrimSuffix(point, "\n") + " \"3\"\n",
		journalHead + strings.TrimSuffix(point, "\n"),
		journalHead + point + "length 1 \"rows\"\n",
		journalHead + "replace\n" + point,
		journalHead + "rewrite \"../index\" \"aa\" \"bb\"\n",
		journalHead + "rewrite \"index\" \"aa\"\n",
		journalHead + "rewrite \"index\" \"aa\" \"bb\"\nrewrite \"index\" \"aa\" \"bb\"\n",
	} {
		fs := afero.NewMemMapFs()
		afero.WriteFile(fs, Journal, []byte(signed(lines)), 0o666)
		put(t, fs, "latest", "2")
		put(t, fs, "rows", "one.")
		recovered, err := Recover(fs)
		if recovered || err == nil || !strings.Contains(err.Error(), Journal) {
			t.Errorf("%q: recovered %t, %v", lines, recovered, err)
		}
		wantFiles(t, fs, tree{"latest": "2", "rows": "one."})
	}
}

// Without our lock, another program may go on from the old state after our writer died.
func TestRecoverStopsWhereAnotherProgramWrote(t *testing.T) {
	fs := crashfs.New()
	put(t, fs, "rows", "one.two.two.")
	put(t, fs, "latest", "7")
	put(t, fs, Journal, (&journal{lengths: []Grown{{Name: "rows", At: 4}}, points: []Point{{"latest", "1", "2"}}}).text())
	recovered, err := Recover(fs)
	if recovered || err == nil || !strings.Contains(err.Error(), `latest holds "7", neither "1" nor "2"`) {
		t.Errorf("recovered %t, %v", recovered, err)
	}
	wantFiles(t, fs, tree{"rows": "one.two.two.", "latest": "7"})
}

func TestRecoverNeverMakesAFileLonger(t *testing.T) {
	fs := crashfs.New()
	put(t, fs, "rows", "on")
	put(t, fs, "latest", "1")
	put(t, fs, Journal, (&journal{lengths: []Grown{{Name: "rows", At: 4}, {Name: "gone", At: 4}, {Name: "d/never", Absent: true}}, points: []Point{{"latest", "1", "2"}}}).text())
	if recovered, err := Recover(fs); !recovered || err != nil {
		t.Errorf("recovered %t, %v", recovered, err)
	}
	wantFiles(t, fs, tree{"rows": "on", "latest": "1"})
}

func TestCommitRecoversFirst(t *testing.T) {
	fs := crashfs.New()
	put(t, fs, "rows", "one.two.")
	put(t, fs, "latest", "2")
	put(t, fs, Journal, (&journal{lengths: []Grown{{Name: "rows", At: 4, Known: true, Data: []byte("two.")}}, points: []Point{{"latest", "1", "2"}}, replaced: []Content{{"mark", []byte("2")}}}).text())
	tx := Begin(fs)
	tx.Append("rows", 8, []byte("three."))
	commit(t, tx, Point{"latest", "2", "3"})
	wantFiles(t, fs, tree{"rows": "one.two.three.", "latest": "3", "mark": "2"})
}

func FuzzParseJournal(f *testing.F) {
	f.Add(example.text(), "")
	f.Add("", journalHead+"length 1 \"a\"\npoint \"latest\" \"\" \"1\"\nreplace \"b\" \"c\"\n")
	f.Fuzz(func(t *testing.T, text, lines string) {
		for _, text := range []string{text, signed(lines)} {
			j, err := parseJournal(text)
			if err != nil {
				continue
			}
			if j.text() != text {
				t.Errorf("%q is written as %q", text, j.text())
			}
			for _, l := range j.lengths {
				if checkName(l.Name) != nil || l.At < 0 {
					t.Errorf("%q has %+v", text, l)
				}
			}
		}
	})
}
