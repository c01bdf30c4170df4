package replica_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// TestADamagedPackIsNamedOnceAndTheRecordWithIt: whoever reads a value of many is told of which record it is, and in which file.
func TestADamagedPackIsNamedOnceAndTheRecordWithIt(t *testing.T) {
	replicatest.WithParts(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(1))
	rec := create(t, r)
	packs, err := afero.Glob(fsys, parts.Dir+"/*"+parts.PackExt)
	if err != nil || len(packs) != 1 {
		t.Fatalf("%d packs, %v", len(packs), err)
	}
	change(t, fsys, packs[0], func(b []byte) []byte {
		copy(b[len(b)/2:], bytes.Repeat([]byte{'X'}, 4))
		return b
	})
	_, _, err = replicatest.Open(t, fsys, replica.Options{Where: "here"}).Log().Props(rec)
	if err == nil || strings.Count(err.Error(), packs[0]) != 1 || !strings.Contains(err.Error(), "read record "+rec.String()+" of here") {
		t.Errorf("want %s and %s named once; said %v", rec, packs[0], err)
	}
}
