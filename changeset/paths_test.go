package changeset

import (
	"crypto/sha1"
	"strings"
	"testing"
)

func TestRecordPath(t *testing.T) {
	rec := RecordID{"Ticket", mustUUID(t, "A2348A2E-76C8-4D52-B2C3-1A0F2F8E6F10")}
	want := "records/Ticket/a/2/a2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10"
	if got := RecordPath(rec); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestObjectPathIsWhereTheOriginalPutsObjects(t *testing.T) {
	for _, kind := range []string{ChangesetObjects, RecordObjects} {
		for _, o := range objects(t, kind) {
			got := ObjectPath(kind, sha1.Sum(o.bytes))
			if !strings.HasSuffix(o.path, "/"+got) {
				t.Errorf("got %s, want the end of %s", got, o.path)
			}
		}
	}
}
