package replicatest

import (
	"errors"
	"path"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/parts"
	"prophet/replica"
)

// Loosen writes what a replica has in parts into files of its own again, an object each, as edits do. Its format stays. So a test can take away or damage any one of them, wherever it was,
// as a repair leaves it that dissolved a damaged part.
func Loosen(t testing.TB, fsys afero.Fs) {
	t.Helper()
	kept := map[string][]byte{}
	for _, name := range []string{replica.IdentityFile, changeset.ReplicaVersionFile, changeset.ResolutionsDir + "/" + changeset.ReplicaVersionFile} {
		b, err := afero.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		kept[name] = b
	}
	r := Open(t, fsys, replica.Options{})
	if r.Format() == replica.FormatLoose {
		return
	}
	if err := r.Unpack(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, log := range []string{"", changeset.ResolutionsDir + "/"} {
		kept[log+parts.ListFile] = []byte(parts.List{}.Encode())
	}
	for name, b := range kept {
		if err := errors.Join(fsys.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(fsys, name, b, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
}
