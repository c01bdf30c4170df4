package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestWhatIsComparedOrCopiedIsNeverCut(t *testing.T) {
	w := newWorld()
	w.do(t, "init", "/ann")
	w.do(t, "create", "-r", "/ann", "ARatherLongNameForATypeOfRecords", "summary="+strings.Repeat("long ", 30), "owner="+strings.Repeat("zoe ", 9), "arathercarefullychosenname=1")
	w.do(t, "clone", "/ann", "/bob")
	w.do(t, "update", "-r", "/bob", "1", "status=open")
	w.Asks, w.OutWidth = true, 40
	const uuid, digest = `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, `[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}`
	const typ = "ARatherLongNameForATypeOfRecords"
	for _, tt := range []struct{ words, want string }{
		{"search --columns summary,uuid,owner", uuid},
		{"digest --types", digest},
		{"digest --records " + typ, uuid + "  " + digest},
		{"digest --record 1", "…: " + digest},
		{"digest /bob --types", digest + ", 1 record  " + digest + ", 1 record"},
		{"digest /bob --records " + typ, "1   " + uuid + "  " + digest + "  " + digest},
	} {
		w.out.Reset()
		run(t.Context(), w.env, append(strings.Fields(tt.words), "-r", "/ann"))
		w.Stdout = w.out
		if !regexp.MustCompile(`(?m)` + tt.want + `( |$)`).MatchString(w.out.String()) {
			t.Errorf("%s: want %s in %s%s", tt.words, tt.want, w.out, w.err)
		}
	}
}
