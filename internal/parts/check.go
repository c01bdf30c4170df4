package parts

import (
	"context"
	"io"
	"path"

	"github.com/minio/sha256-simd"
	"github.com/spf13/afero"
)

// CheckFile reads a file of a part and holds it against its SHA-256, in constant memory. A [DamageError] is the file's; of one that is missing the error wraps
// [io/fs.ErrNotExist].
func CheckFile(ctx context.Context, fs afero.Fs, dir, name string, want Sum) error {
	name = path.Join(dir, name)
	f, err := fs.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	h, buf := sha256.New(), make([]byte, 64<<10)
	for err == nil {
		if err = ctx.Err(); err != nil {
			return err
		}
		var n int
		n, err = f.Read(buf)
		h.Write(buf[:n])
	}
	if err != io.EOF {
		return err
	}
	if got := Sum(h.Sum(nil)); got != want {
		return damaged(name, "its SHA-256 is %s, the list of parts says %s", got, want)
	}
	return nil
}
