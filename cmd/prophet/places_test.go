package main

import (
	"testing"

	"github.com/google/uuid"
)

func TestARivalFromAMirrorIsAtTheMirror(t *testing.T) {
	pl := &places{db: uuid.UUID{0: 0xd0}}
	for where, want := range map[string]string{
		"http://example.com/bugs/" + pl.db.String():        "at http://example.com/bugs",
		"http://example.com/bugs/" + uuid.UUID{1}.String(): "at http://example.com/bugs/" + uuid.UUID{1}.String(),
		"office":    "at office",
		"/srv/bugs": "at /srv/bugs",
		"":          "replica 10b1e589",
	} {
		if got := pl.of(rivalDoc{Where: where, Origin: "10b1e589-83c2-4e27-917c-42dae1b8cf11"}); got != want {
			t.Errorf("%q: got %s, want %s", where, got, want)
		}
	}
}
