package replica_test

import (
	"testing"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
	"prophet/replica"
)

func TestMarkIsReadAsItIsWritten(t *testing.T) {
	row := changeset.Row{Seq: 7, ID: changeset.ID{Origin: uuid.New(), Seq: 3}, Key: cas.Key{1, 2}}
	for _, m := range []replica.Mark{{}, {Changesets: row}, {Representations: row}, {Changesets: row, Resolutions: row}} {
		if got, ok := replica.ParseMark(m.String()); !ok || got != m {
			t.Errorf("%s is read as %v, %v", m, got, ok)
		}
	}
	for _, text := range []string{"", "7", "[]", `{"changesets":7}`, `{"changesets":"00"}`, `{"resolutions":"zz"}`} {
		if m, ok := replica.ParseMark(text); ok || m != (replica.Mark{}) {
			t.Errorf("%q is read as %v", text, m)
		}
	}
}
