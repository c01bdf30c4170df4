package parts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
)

// merged makes parts of rows, cut at these places, and one of them. Of the last part only so many rows count. What the log has in place of the bytes of a part is in moved.
func merged(t *testing.T, rows []row, cuts []int, leave int, moved map[uint32][]byte) *Part {
	t.Helper()
	const first = 11
	all := afero.NewMemMapFs()
	var list []*Part
	for begin := 0; len(cuts) > 0; cuts = cuts[1:] {
		fsys, ref := build(t, uint32(first+begin), rows[begin:cuts[0]])
		for _, name := range []string{ref.PackFile(), ref.TableFile()} {
			b, err := afero.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			afero.WriteFile(all, name, b, 0o666)
		}
		if len(cuts) == 1 {
			ref.Last -= uint32(leave)
		}
		list = append(list, Open(all, "", ref, &Cache{}))
		begin = cuts[0]
	}
	var pack, table bytes.Buffer
	ref, err := Merge(t.Context(), list, &pack, &table, func(row uint32, has []byte) ([]byte, error) {
		if !bytes.Equal(has, rows[row-first].object) {
			t.Errorf("row %d has %q", row, has)
		}
		if is, ok := moved[row]; ok {
			return is, nil
		}
		return has, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if last := uint32(first + len(rows) - leave - 1); ref.First != first || ref.Last != last {
		t.Fatalf("rows %d to %d, want %d to %d", ref.First, ref.Last, first, last)
	}
	for name, b := range map[string]*bytes.Buffer{ref.PackFile(): &pack, ref.TableFile(): &table} {
		if err := afero.WriteFile(all, name, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, sum := range map[string]Sum{ref.PackFile(): ref.Pack, ref.TableFile(): ref.Table} {
		if err := CheckFile(t.Context(), all, "", name, sum); err != nil {
			t.Error(err)
		}
	}
	return Open(all, "", ref, &Cache{})
}

func TestMergedPartsSayWhatTheySaidApart(t *testing.T) {
	for _, tt := range []struct{ rows, leave int }{{2, 0}, {30, 3}, {3000, 0}, {3000, 1234}} {
		rows := sample(tt.rows)
		cuts := []int{tt.rows / 2, tt.rows}
		if tt.rows > 10 {
			cuts = []int{1, 4, tt.rows / 3, tt.rows}
		}
		moved := map[uint32][]byte{11: []byte("another name")}
		p := merged(t, rows, cuts, tt.leave, moved)
		want := map[changeset.RecordID][]string{}
		for i, r := range rows[:tt.rows-tt.leave] {
			seq, object := uint32(11+i), r.object
			if is, ok := moved[seq]; ok {
				object = is
			}
			touch := r.touches[0]
			checkRow(t, p, seq, object, touch)
			want[touch.Record] = append(want[touch.Record], fmt.Sprintf("%d %x %t", seq, touch.Key, touch.Text != nil))
		}
		for rec, list := range want {
			if got, err := versions(p, rec); err != nil || !slices.Equal(got, list) {
				t.Fatalf("%s has %q, %v, want %q", rec, got, err, list)
			}
		}
		checkNames(t, p, want)
	}
}

// TestALargeFrameIsCopiedAsItIs makes sure that merging costs no compression, and that small frames become larger ones.
func TestALargeFrameIsCopiedAsItIs(t *testing.T) {
	rows := sample(3000)
	p := merged(t, rows, []int{1500, 3000}, 0, nil)
	table, err := p.open()
	if err != nil {
		t.Fatal(err)
	}
	whole := table.frames
	p = merged(t, rows, []int{10, 20, 30, 40, 50, 60, 70, 80, 90, 3000}, 0, nil)
	if table, err = p.open(); err != nil {
		t.Fatal(err)
	}
	if whole < 3 || table.frames > whole+1 {
		t.Errorf("%d frames of large parts, %d of small ones", whole, table.frames)
	}
}

func TestPartsWithAGapAreNotMerged(t *testing.T) {
	rows := sample(10)
	fsys, ref := build(t, 1, rows)
	p := Open(fsys, "", ref, &Cache{})
	_, err := Merge(t.Context(), []*Part{p, p}, &bytes.Buffer{}, &bytes.Buffer{}, func(_ uint32, has []byte) ([]byte, error) { return has, nil })
	if err == nil {
		t.Error("rows came twice")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Merge(ctx, []*Part{p}, &bytes.Buffer{}, &bytes.Buffer{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestAListTakesAPartInPlaceOfOthers(t *testing.T) {
	ref := func(first, last uint32) Ref { return Ref{First: first, Last: last, Pack: Sum{byte(first), byte(last)}} }
	list := List{ref(1, 10), ref(11, 20), ref(31, 40)}
	for _, tt := range []struct {
		instead List
		by      Ref
		want    List
	}{
		{list[:2], ref(1, 20), List{ref(1, 20), ref(31, 40)}},
		{nil, ref(21, 30), List{ref(1, 10), ref(11, 20), ref(21, 30), ref(31, 40)}},
		{nil, ref(41, 50), List{ref(1, 10), ref(11, 20), ref(31, 40), ref(41, 50)}},
		{list[1:2], ref(11, 30), List{ref(1, 10), ref(11, 30), ref(31, 40)}},
		{nil, ref(21, 31), nil},
		{list[1:2], ref(11, 31), nil},
		{List{ref(1, 10), ref(11, 19)}, ref(1, 20), nil},
		{list[2:], ref(41, 50), nil},
	} {
		if got, ok := list.Replace(tt.instead, tt.by); ok != (tt.want != nil) || !slices.Equal(got, tt.want) {
			t.Errorf("%v by %v: %v, %t", tt.instead, tt.by, got, ok)
		}
	}
	full := make(List, MaxParts)
	for i := range full {
		full[i] = ref(uint32(i+1), uint32(i+1))
	}
	if _, ok := full.Replace(nil, ref(MaxParts+1, MaxParts+1)); ok {
		t.Error("there is room for one part more than can be listed")
	}
	if _, ok := full.Replace(full[:2], ref(1, 2)); !ok {
		t.Error("parts of a full list cannot be merged")
	}
}
