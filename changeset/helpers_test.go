package changeset

import (
	"testing"

	"github.com/google/uuid"
)

func mustUUID(tb testing.TB, s string) uuid.UUID {
	tb.Helper()
	u, err := ParseUUID(s)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

func mustDecode(tb testing.TB, s string) *Changeset {
	tb.Helper()
	c, err := Decode([]byte(s))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
