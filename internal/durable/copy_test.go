package durable

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
)

// contentsToCopy are contents around the size of a piece, with zeros at either end and between.
func contentsToCopy() [][]byte {
	dice := rand.New(rand.NewPCG(1, 2))
	list := [][]byte{nil, {0}, {1}}
	for _, size := range []int{pieceSize - 1, pieceSize, pieceSize + 1, 5*pieceSize + 7} {
		b := make([]byte, size)
		list = append(list, bytes.Clone(b))
		b[size/2] = 1
		list = append(list, bytes.Clone(b))
		for i := range b {
			b[i] = byte(dice.Uint32())
		}
		list = append(list, b)
	}
	return list
}

func TestACopyHoldsTheSameBytes(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		for i, data := range contentsToCopy() {
			put(t, fs, "from", string(data))
			if err := CopyFile(fs, "from", "aside/to"); err != nil {
				t.Fatal(err)
			}
			if got, err := afero.ReadFile(afterPowerCut(fs), "aside/to"); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d: %d bytes of %d, %v", i, len(got), len(data), err)
			}
			if same, err := SameContent(fs, "from", "aside/to"); err != nil || !same {
				t.Errorf("%d: not the same, %v", i, err)
			}
			for _, at := range []int{0, len(data) / 2, len(data) - 1} {
				if len(data) == 0 {
					continue
				}
				other := bytes.Clone(data)
				other[at] ^= 1
				put(t, fs, "aside/to", string(other))
				if same, err := SameContent(fs, "from", "aside/to"); err != nil || same {
					t.Errorf("%d: the same though byte %d is another, %v", i, at, err)
				}
			}
		}
	})
}

// A copy that is cut off leaves the file that it would replace, and the one that it is made from.
func TestACopyIsWholeOrNotThere(t *testing.T) {
	for k := 1; ; k++ {
		disk := crashfs.New()
		put(t, disk, "from", "text")
		disk.CrashAt(k)
		err := CopyFile(disk, "from", "aside/to")
		for _, mode := range []crashfs.Mode{crashfs.Kill, crashfs.PowerCut} {
			left := disk.Survivor(mode, int64(k))
			got, readErr := afero.ReadFile(left, "aside/to")
			if from, fromErr := afero.ReadFile(left, "from"); string(from) != "text" || fromErr != nil || readErr == nil && string(got) != "text" || err == nil && readErr != nil {
				t.Errorf("%v at %d: %q, %v", mode, k, got, readErr)
			}
		}
		if err == nil {
			break
		}
	}
}
