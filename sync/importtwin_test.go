package sync_test

import (
	"strings"
	"testing"

	"prophet/internal/crashfs"
	psync "prophet/sync"
)

// TestWhoImportsAgainUnderAnotherNameIsTold: where all lines were imported under another one, and nothing under this one. It is done all the same.
func TestWhoImportsAgainUnderAnotherNameIsTold(t *testing.T) {
	text := line(change("create", 1, "status", "new"), change("create", 2)) + "\n" + line(change("update", 1, "status", "open"))
	more := line(change("update", 2, "status", "open"))
	r := newReplica(t, crashfs.New(), "ann")
	for _, step := range []struct {
		name, text string
		told       bool
	}{
		{"bugs", text, false},
		{"bugs", text, false},
		{"more", text + more, false}, // the last line is new
		{"other", text, true},
		{"other", text, false},
		{"another", strings.Replace(text, "open", "closed", 1), false},
	} {
		said := ""
		report, err := psync.Import(t.Context(), r, step.name, source(t, "bugs.jsonl", step.text), psync.ImportOptions{Warn: func(s string) { said += s + "\n" }})
		if told := strings.HasPrefix(said, "all that bugs.jsonl says is here already, from a source of another name (its changesets are those of "); err != nil || told != step.told || said != "" && !told {
			t.Errorf("%s: %+v, %v, said %q", step.name, report, err, said)
		}
	}
}
