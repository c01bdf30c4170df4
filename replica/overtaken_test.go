package replica_test

import (
	"fmt"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
)

// Xavier uses the original. His edits 9 and 10 are known from others; then he put back a backup, took Yvonne's edit from her, and made another one
// under the number 8, which in his first life was bookkeeping. So what a change without parents has as its own chain had seen that change.
func TestAChangeThatHasSeenAGreaterNumberOfItsOriginComesToTheSameInEveryOrder(t *testing.T) {
	x8 := made(idOf(xavier, 8), 4, changeset.Update, "q=x>z", idOf(yvonne, 1))
	x9 := made(idOf(xavier, 9), 1, changeset.Create, "p=>nine q=>x")
	x10 := made(idOf(xavier, 10), 2, changeset.Update, "p=nine>ten")
	x11 := made(idOf(xavier, 11), 5, changeset.Update, "r=>eleven")
	y1 := made(idOf(yvonne, 1), 3, changeset.Update, "p=ten>y", x10.ID)
	var want string
	for i, order := range [][]*changeset.Changeset{
		{x9, x10, y1, x8, x11}, {x10, y1, x8, x9, x11}, {x10, y1, x9, x8, x11}, {x11, x10, y1, x8, x9}, {x10, y1, x8, x11, x9},
	} {
		fsys := afero.NewMemMapFs()
		r := holding(t, fsys, order...)
		shown, _, err := r.Log().Props(thing)
		if err != nil {
			t.Fatal(err)
		}
		state, err := r.State(thing)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(shown, state.Heads, state.OpenProps())
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("order %d: got %s, want %s", i, got, want)
		}
		replicatest.Faultless(t, fsys, fmt.Sprintf("order %d", i))
	}
}
