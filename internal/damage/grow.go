package damage

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/replica"
)

// Grow makes a replica with so many changesets: five properties of 20 to 60 bytes, four creates to an update.
func Grow(t testing.TB, fsys afero.Fs, n int) {
	t.Helper()
	r, err := replica.Init(context.Background(), fsys, replica.Identity{}, options(6, "/scene/large", "ann@example.com"))
	var recs []changeset.RecordID
	for made := 0; made < n && err == nil; {
		err = r.Update(context.Background(), func(tx *replica.Tx) error {
			for end := min(n, made+2000); made < end; made++ {
				if _, err := tx.Edit(func(e *replica.Edit) error {
					props := map[string]string{}
					for i, name := range []string{"summary", "status", "owner", "body", "component"} {
						props[name] = fmt.Sprintf("%s %d ", name, made) + strings.Repeat("x", 20+made*(i+7)%41)
					}
					if made%5 == 4 {
						return e.Update(recs[made*7%len(recs)], props)
					}
					rec, err := e.Create("Ticket", props)
					recs = append(recs, rec)
					return err
				}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}
