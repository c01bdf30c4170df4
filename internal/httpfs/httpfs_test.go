package httpfs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/httpfs"
	"prophet/internal/webtest"
)

const (
	small = "db/latest-sequence-no"
	index = "db/changesets.idx" // 100 rows of 44 bytes
	empty = "db/empty"
)

var rows = func() []byte {
	var b []byte
	for i := range 100 {
		b = fmt.Appendf(b, "row %03d %036d", i, i)
	}
	return b
}()

// files is a small mirror.
func files(t testing.TB) afero.Fs {
	t.Helper()
	mem := afero.NewMemMapFs()
	for name, body := range map[string][]byte{small: []byte("100"), index: rows, empty: nil, "db/a b/100%?#é": []byte("odd")} {
		if err := afero.WriteFile(mem, name, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return mem
}

// naps records what a client sleeps, without doing it.
type naps struct {
	mu   sync.Mutex
	list []time.Duration
}

func (n *naps) sleep(ctx context.Context, d time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, d)
	return context.Cause(ctx)
}

func (n *naps) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.list)
}

// open returns a file system over url that waits for nothing.
func open(t testing.TB, url string, opts httpfs.Options) *httpfs.FS {
	t.Helper()
	if opts.Sleep == nil {
		opts.Sleep = new(naps).sleep
	}
	fsys, err := httpfs.New(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

func openFile(t testing.TB, fsys afero.Fs, name string) afero.File {
	t.Helper()
	f, err := fsys.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func readAt(t testing.TB, f afero.File, n int, off int64) string {
	t.Helper()
	p := make([]byte, n)
	if _, err := f.ReadAt(p, off); err != nil {
		t.Fatal(err)
	}
	return string(p)
}

// wantRequests checks a server's counter against the file system's and the number that a test expects.
func wantRequests(t testing.TB, srv *webtest.Server, fsys *httpfs.FS, want int64) {
	t.Helper()
	if srv.Requests() != want || fsys.Requests() != want {
		t.Errorf("%d requests, by the client's counter %d; want %d:\n%s", srv.Requests(), fsys.Requests(), want, strings.Join(srv.Log(), "\n"))
	}
}

// TestAnyServerWillDo reads the same from servers of many kinds, and what one may do wrong.
func TestAnyServerWillDo(t *testing.T) {
	for _, tc := range []struct {
		name      string
		modifiers []webtest.Modifier
	}{
		{"plain", nil},
		{"no range", []webtest.Modifier{webtest.NoRange()}},
		{"compressing", []webtest.Modifier{webtest.Gzip()}},
		{"moved", []webtest.Modifier{webtest.Redirect("new")}},
		{"moved, compressing, no range", []webtest.Modifier{webtest.Redirect("new"), webtest.Gzip(), webtest.NoRange()}},
		{"busy at first", []webtest.Modifier{webtest.Status("*", 503, 429, 500)}},
		{"without HEAD", []webtest.Modifier{webtest.Status(index, 405)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := webtest.Static(t, files(t), tc.modifiers...)
			conformance(t, open(t, srv.URL, httpfs.Options{}))
		})
	}
}

func conformance(t *testing.T, fsys *httpfs.FS) {
	if info, err := fsys.Stat(index); err != nil || info.Size() != 4400 || info.Name() != "changesets.idx" || info.IsDir() {
		t.Errorf("Stat: %v, %v", info, err)
	}
	for name, want := range map[string]string{small: "100", index: string(rows), empty: "", "db/a b/100%?#é": "odd", "/db/./latest-sequence-no": "100"} {
		if got, err := afero.ReadFile(fsys, name); err != nil || string(got) != want {
			t.Errorf("ReadFile(%s): %d bytes, %v", name, len(got), err)
		}
	}
	if ok, err := afero.Exists(fsys, "db/none"); ok || err != nil {
		t.Errorf("Exists(db/none) = %v, %v", ok, err)
	}
	if _, err := afero.ReadFile(fsys, "db/none"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/db/none") {
		t.Errorf("missing file: %v", err)
	}
	f := openFile(t, fsys, index)
	defer f.Close()
	for _, tc := range []struct {
		off  int64
		n    int
		want string
		err  error
	}{
		{44, 44, string(rows[44:88]), nil},
		{0, 44, string(rows[:44]), nil},
		{4356, 44, string(rows[4356:]), nil},
		{4356, 88, string(rows[4356:]), io.EOF},
		{4400, 44, "", io.EOF},
		{1 << 40, 44, "", io.EOF},
		{7, 0, "", nil},
	} {
		p := make([]byte, tc.n)
		n, err := f.ReadAt(p, tc.off)
		if string(p[:n]) != tc.want || err != tc.err {
			t.Errorf("ReadAt(%d bytes, %d) = %d, %v", tc.n, tc.off, n, err)
		}
	}
	e := openFile(t, fsys, empty)
	if n, err := e.ReadAt(make([]byte, 44), 0); n != 0 || err != io.EOF {
		t.Errorf("ReadAt in an empty file: %d, %v", n, err)
	}
}

func TestOpenAsksNothingAndReadAsksOnce(t *testing.T) {
	srv := webtest.Static(t, files(t))
	fsys := open(t, srv.URL, httpfs.Options{})
	f := openFile(t, fsys, index)
	wantRequests(t, srv, fsys, 0)
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, rows) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	wantRequests(t, srv, fsys, 1)
	if readAt(t, f, 44, 44) != string(rows[44:88]) {
		t.Error("ReadAt after Read is wrong")
	}
	if _, err := afero.ReadFile(fsys, small); err != nil {
		t.Fatal(err)
	}
	wantRequests(t, srv, fsys, 2)
	if fsys.Bytes() != srv.Bytes() || fsys.Bytes() != 4403 {
		t.Errorf("%d bytes, by the client's counter %d", srv.Bytes(), fsys.Bytes())
	}
	afero.ReadFile(fsys, "db/none")
	wantRequests(t, srv, fsys, 3)
}

func TestReadAtAsksForTheBytesItWants(t *testing.T) {
	srv := webtest.Static(t, files(t))
	fsys := open(t, srv.URL, httpfs.Options{})
	f := openFile(t, fsys, index)
	for i := range 3 {
		readAt(t, f, 44, int64(44*i))
	}
	if info, err := f.Stat(); err != nil || info.Size() != 4400 {
		t.Errorf("Stat after ReadAt: %v, %v", info, err)
	}
	if srv.Ranges() != 3 || srv.Bytes() != 3*44 || fsys.Bytes() != 3*44 {
		t.Errorf("%d ranges, %d bytes, by the client's counter %d", srv.Ranges(), srv.Bytes(), fsys.Bytes())
	}
	wantRequests(t, srv, fsys, 3)
}

func TestWithoutRangeTheOpenFileKeepsTheWhole(t *testing.T) {
	for _, m := range []webtest.Modifier{webtest.NoRange(), webtest.Gzip()} {
		srv := webtest.Static(t, files(t), m)
		fsys := open(t, srv.URL, httpfs.Options{})
		f := openFile(t, fsys, index)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				p := make([]byte, 44)
				if _, err := f.ReadAt(p, int64(44*i)); err != nil || !bytes.Equal(p, rows[44*i:44*i+44]) {
					t.Errorf("row %d: %q, %v", i, p, err)
				}
			})
		}
		wg.Wait()
		io.ReadAll(f)
		wantRequests(t, srv, fsys, 1)
	}
}

func TestStatAsksForTheHeadOnly(t *testing.T) {
	mem := files(t)
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := mem.Chtimes(index, when, when); err != nil {
		t.Fatal(err)
	}
	srv := webtest.Static(t, mem)
	fsys := open(t, srv.URL, httpfs.Options{})
	info, err := fsys.Stat(index)
	if err != nil || info.Size() != 4400 || !info.ModTime().Equal(when) || info.Mode() != 0o444 {
		t.Errorf("Stat: %v, %v", info, err)
	}
	if fsys.Bytes() != 0 {
		t.Errorf("%d bytes", fsys.Bytes())
	}
	wantRequests(t, srv, fsys, 1)
}

func TestStatIsNotFooledByAPage(t *testing.T) {
	srv := webtest.Static(t, files(t), webtest.HTML200("db/none"))
	if info, err := open(t, srv.URL, httpfs.Options{}).Stat("db/none"); err == nil {
		t.Errorf("Stat: %v", info)
	}
}

func TestSeek(t *testing.T) {
	srv := webtest.Static(t, files(t))
	f := openFile(t, open(t, srv.URL, httpfs.Options{}), index)
	for _, tc := range []struct {
		offset int64
		whence int
		want   int64
	}{{44, io.SeekStart, 44}, {44, io.SeekCurrent, 132}, {-44, io.SeekEnd, 4356}} {
		if pos, err := f.Seek(tc.offset, tc.whence); pos != tc.want || err != nil {
			t.Errorf("Seek(%d, %d) = %d, %v", tc.offset, tc.whence, pos, err)
		}
		p := make([]byte, 44)
		if _, err := io.ReadFull(f, p); err != nil || !bytes.Equal(p, rows[tc.want:tc.want+44]) {
			t.Errorf("read %q at %d, %v", p, tc.want, err)
		}
	}
	if _, err := f.Seek(-1, io.SeekStart); err == nil {
		t.Error("a negative offset is accepted")
	}
	if _, err := f.Seek(0, 7); err == nil {
		t.Error("an unknown whence is accepted")
	}
	if _, err := f.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("ReadAt accepts a negative offset")
	}
}

func TestAClosedFileIsClosed(t *testing.T) {
	srv := webtest.Static(t, files(t))
	fsys := open(t, srv.URL, httpfs.Options{})
	f := openFile(t, fsys, index)
	readAt(t, f, 44, 0)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, err1 := f.Read(make([]byte, 1))
	_, err2 := f.ReadAt(make([]byte, 1), 0)
	_, err3 := f.Seek(0, io.SeekStart)
	_, err4 := f.Stat()
	for i, err := range []error{err1, err2, err3, err4, f.Close()} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	wantRequests(t, srv, fsys, 1)
}

func TestSubSharesCounters(t *testing.T) {
	srv := webtest.Static(t, files(t))
	fsys := open(t, srv.URL, httpfs.Options{})
	for _, sub := range []*httpfs.FS{fsys.Sub("db"), fsys.Sub("/db/"), fsys.Sub("db").Sub("."), fsys.Sub("").Sub("db")} {
		if got, err := afero.ReadFile(sub, "latest-sequence-no"); string(got) != "100" || err != nil {
			t.Errorf("%s: %q, %v", sub.Name(), got, err)
		}
	}
	wantRequests(t, srv, fsys, 4)
}

func TestNamesThatAreNoFiles(t *testing.T) {
	fsys := open(t, "http://127.0.0.1:1/", httpfs.Options{})
	for _, tc := range []struct {
		fsys *httpfs.FS
		name string
	}{{fsys, ""}, {fsys, "."}, {fsys, "/"}, {fsys.Sub("db"), ""}, {fsys.Sub("db"), "/"}, {fsys, "../x"}, {fsys, "a/../../x"}, {fsys.Sub(".."), "x"}} {
		_, err1 := tc.fsys.Open(tc.name)
		_, err2 := tc.fsys.Stat(tc.name)
		if err1 == nil || err2 == nil {
			t.Errorf("%q: %v, %v", tc.name, err1, err2)
		}
	}
	if fsys.Requests() != 0 {
		t.Errorf("%d requests", fsys.Requests())
	}
}

func TestEverythingThatWritesIsRefused(t *testing.T) {
	fsys := open(t, "http://ann:secret@127.0.0.1:1/db/", httpfs.Options{})
	f := openFile(t, fsys, "x")
	_, create := fsys.Create("x")
	_, openFile := fsys.OpenFile("x", os.O_RDWR|os.O_CREATE, 0o644)
	_, write := f.Write([]byte("x"))
	_, writeAt := f.WriteAt([]byte("x"), 0)
	_, writeString := f.WriteString("x")
	now := time.Now()
	for name, err := range map[string]error{
		"create": create, "openfile": openFile, "write": write, "writeat": writeAt, "writestring": writeString,
		"mkdir": fsys.Mkdir("x", 0o755), "mkdirall": fsys.MkdirAll("x", 0o755), "remove": fsys.Remove("x"),
		"removeall": fsys.RemoveAll("x"), "rename": fsys.Rename("x", "y"), "chmod": fsys.Chmod("x", 0o644),
		"chown": fsys.Chown("x", 1, 1), "chtimes": fsys.Chtimes("x", now, now), "truncate": f.Truncate(0),
	} {
		if !errors.Is(err, syscall.EROFS) || !strings.HasSuffix(err.Error(), " http://127.0.0.1:1/db/x: read-only file system") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := f.Sync(); err != nil {
		t.Errorf("Sync: %v", err)
	}
	_, err1 := f.Readdir(-1)
	_, err2 := f.Readdirnames(-1)
	if !errors.Is(err1, errors.ErrUnsupported) || !errors.Is(err2, errors.ErrUnsupported) {
		t.Errorf("Readdir: %v, %v", err1, err2)
	}
	if f.Name() != "x" || fsys.Requests() != 0 {
		t.Errorf("name %q, %d requests", f.Name(), fsys.Requests())
	}
}
