package replicatest

import (
	"testing"

	"prophet/internal/parts"
)

// The tests run on replicas of either format: go test -ldflags '-X prophet/internal/parts.DefaultFormat=1'. Some are about the files of one.

// OnFormat1 has the replicas that a test makes be of format 1.
func OnFormat1(t testing.TB) { with(t, "1", "") }

// OnFormat2 has the replicas that a test makes be of format 2, and edits stay loose in them.
func OnFormat2(t testing.TB) { with(t, "2", "") }

// WithLooseEdits has edits stay loose in replicas of format 2, even where the tests pack all, or gc always does: the test is about the files of an edit.
func WithLooseEdits(t testing.TB) { with(t, parts.DefaultFormat, "") }

// WithParts has the replicas that a test makes be of format 2, and every transaction write a part.
func WithParts(t testing.TB) { with(t, "2", "yes") }

func with(t testing.TB, format, all string) {
	wasFormat, wasAll, wasGC := parts.DefaultFormat, parts.PackAll, parts.GCAlways
	parts.DefaultFormat, parts.PackAll, parts.GCAlways = format, all, ""
	t.Cleanup(func() { parts.DefaultFormat, parts.PackAll, parts.GCAlways = wasFormat, wasAll, wasGC })
}
