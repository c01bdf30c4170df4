package parts

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"
)

// Whatever the UUIDs are, a record is found where a look at all of them finds it.
func TestARecordIsFoundHoweverTheUUIDsAreSpread(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func() (id uuid.UUID) {
		binary.BigEndian.PutUint64(id[:], rnd.Uint64())
		binary.BigEndian.PutUint64(id[8:], rnd.Uint64())
		return id
	}
	for kind, made := range map[string]func(i int) uuid.UUID{
		"random":     func(int) uuid.UUID { return random() },
		"sequential": func(i int) (id uuid.UUID) { binary.BigEndian.PutUint32(id[12:], uint32(2*i)); return id },
		"clusters":   func(i int) uuid.UUID { id := random(); id[0] &= 1; id[1] = 0; return id },
	} {
		for _, n := range []int{0, 1, 2, 31, 33, 500, 20_000} {
			var ids []uuid.UUID
			for i := range n {
				ids = append(ids, made(i))
			}
			slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
			var out bytes.Buffer
			w := newPageWriter(&out)
			for _, id := range ids {
				w.write(appendRecord(nil, id, 0))
			}
			w.endPage()
			fsys := afero.NewMemMapFs()
			if err := afero.WriteFile(fsys, "table", out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			table := &table{pages: pages{fs: fsys, name: "table", cache: new(Cache)}, recordAt: array{0, uint32(n), recordEntry}}
			for range 300 {
				id := random()
				if n > 0 && rnd.IntN(2) == 0 {
					id = ids[rnd.IntN(n)]
				}
				from, to := rnd.IntN(n/3+1), n-rnd.IntN(n/3+1)
				want := from
				for want < to && bytes.Compare(ids[want][:], id[:]) < 0 {
					want++
				}
				if got, err := table.recordFrom(uint32(from), uint32(to), id); err != nil || got != uint32(want) {
					t.Fatalf("%s: %s among %d to %d of %d is at %d, %v, want %d", kind, id, from, to, n, got, err, want)
				}
			}
		}
	}
}
