package durable

import "testing"

func TestWhoHasALockIsReadFromWhatTheSystemSays(t *testing.T) {
	const locks = "1: POSIX  ADVISORY  WRITE 11 fe:00:13992322 0 EOF\n2: FLOCK  ADVISORY  READ  12 fe:00:13992322 0 EOF\n" +
		"2: -> FLOCK  ADVISORY  WRITE 13 fe:00:13992322 0 EOF\n3: FLOCK  ADVISORY  WRITE 14 fe:01:13992322 0 EOF\n4: FLOCK  ADVISORY  WRITE 15 fe:00:13992322 0 EOF\n5:\n"
	if got := lockedBy(locks, 0xfe00, 13992322); got != "15" {
		t.Errorf("got %q", got)
	}
	if got := lockedBy(locks, 0xfe00, 1); got != "" {
		t.Errorf("got %q", got)
	}
	for about, want := range map[string]string{
		"15 (prophet) S 1 2":   " (prophet)",
		"15 (a (b) c) T 1 2":   " (a (b) c), which is stopped,",
		"15 (prophet) t 1 2\n": " (prophet)",
		"":                     "",
		"15 )x(":               "",
	} {
		if got := describe(about); got != want {
			t.Errorf("%q: got %q, want %q", about, got, want)
		}
	}
}
