package sync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/httpfs"
	"prophet/internal/wire"
	"prophet/replica"
)

// Carrier opens the file system that a location names, at whose root a replica or a mirror is to be found.
type Carrier func(ctx context.Context, location string) (afero.Fs, error)

// Carriers are the ways to reach a replica, by URL scheme; "" is a plain path.
type Carriers map[string]Carrier

// schemes are what may stand before "://" in a URL, by RFC 3986. A path may have that in it too.
var schemes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`) })

// Scheme returns the scheme of a location, "" for a plain path.
func Scheme(location string) string {
	scheme, _, ok := strings.Cut(location, "://")
	if !ok || !schemes().MatchString(scheme) {
		return ""
	}
	return strings.ToLower(scheme)
}

// ReadOnly reports whether nothing can be pushed to a location.
func ReadOnly(location string) bool { return Scheme(location) == "http" || Scheme(location) == "https" }

// SeveralError says that a location is a mirror of several databases, and which of them is wanted was not said, or is none of them. The latter wraps [ErrOtherDatabase].
type SeveralError struct {
	Location string    // as shown
	Places   []string  // where the databases are: the first ten, then "…"
	N        int       // how many there are
	Wanted   uuid.UUID // that is none of them, or uuid.Nil
}

func (e *SeveralError) Error() string {
	text := fmt.Sprintf("open %s: it holds %d databases", e.Location, e.N)
	if e.Wanted != uuid.Nil {
		text += ", each of them another one than " + e.Wanted.String()
	}
	return text
}

// Unwrap makes a database that is none of them another one.
func (e *SeveralError) Unwrap() error {
	if e.Wanted == uuid.Nil {
		return nil
	}
	return ErrOtherDatabase
}

// ErrUnpublished is wrapped by the error of opening a mirror that cannot be read yet. On a web server it cannot be told from what is no mirror.
var ErrUnpublished = errors.New("its first publication is under way or was cut off, or that file was lost")

// Open opens the replica at a location: one that lies there, or the only one of the databases that a mirror there names. Where it names several, the error is
// a [SeveralError]. Messages and what is remembered of it show the location as [Shown] does.
func (c Carriers) Open(ctx context.Context, location string, opts replica.Options) (*replica.Replica, error) {
	return c.OpenDatabase(ctx, location, uuid.Nil, opts)
}

// OpenDatabase is Open for who knows which database he is after: it takes that one where a mirror names several.
func (c Carriers) OpenDatabase(ctx context.Context, location string, database uuid.UUID, opts replica.Options) (*replica.Replica, error) {
	fsys, shown, err := c.reach(ctx, location)
	if err != nil {
		return nil, err
	}
	opts.Where, opts.Mirror = shown, opts.Mirror || ReadOnly(location)
	if r := openNamed(fsys, database, opts); r != nil {
		return r, nil
	}
	r, err := openAt(fsys, opts)
	hidden := opts.Mirror && errors.Is(err, fs.ErrPermission) // as servers say that do not tell what is not there
	if !hidden && !errors.Is(err, replica.ErrNotReplica) {
		return r, err
	}
	sub, failed := findDatabase(fsys, shown, database)
	if hidden && sub == "" {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	if sub == "" {
		if begun, lookErr := besideIn(fsys, opts); lookErr == nil && len(begun) > 0 {
			return nil, fmt.Errorf("%w: it has no file %s, which names the databases of a mirror and is written last: %w", err, MirrorFile, ErrUnpublished)
		}
		return nil, fmt.Errorf("%w: it has neither a file %s nor a file %s, which names the databases of a mirror",
			err, changeset.ReplicaVersionFile, MirrorFile)
	}
	opts.Where = strings.TrimSuffix(shown, "/") + "/" + sub
	r, err = openAt(below(fsys, sub), opts)
	if errors.Is(err, replica.ErrNotReplica) { // it is listed last
		err = fmt.Errorf("open %s: %w", shown, &replica.DamageError{Path: sub, Err: fmt.Errorf("%s names it, but there is no replica: %w", MirrorFile, fs.ErrNotExist)})
	}
	return r, err
}

// openNamed opens what the head of a wanted database shows, in a mirror of databases on the web: one request, where its short URL would take five. It returns nil if there is no such head, or it
// cannot be read; the location may be that of the database itself.
func openNamed(fsys afero.Fs, database uuid.UUID, opts replica.Options) *replica.Replica {
	name := database.String()
	if !opts.Mirror || database == uuid.Nil || strings.EqualFold(path.Base(strings.TrimSuffix(opts.Where, "/")), name) {
		return nil
	}
	shown, err := wire.Open(below(fsys, name))
	if err != nil {
		return nil
	}
	opts.Where = strings.TrimSuffix(opts.Where, "/") + "/" + name
	r, _ := replica.Open(shown, opts)
	return r
}

// reach returns the file system that a location names, and how messages show the location.
func (c Carriers) reach(ctx context.Context, location string) (fsys afero.Fs, shown string, err error) {
	shown = Shown(location)
	carrier := c[Scheme(location)]
	if carrier == nil {
		return nil, shown, fmt.Errorf("open %s: URLs that begin with %s:// are not known", shown, Scheme(location))
	}
	if fsys, err = carrier(ctx, location); err != nil {
		return nil, shown, fmt.Errorf("open %s: %w", shown, err)
	}
	return fsys, shown, nil
}

// below returns the file system below a directory. That of a web server can be told to ask it anew.
func below(fsys afero.Fs, dir string) afero.Fs {
	if web, ok := fsys.(*httpfs.FS); ok {
		return web.Sub(dir)
	}
	return afero.NewBasePathFs(fsys, dir)
}

// findDatabase returns the directory of the only database of the mirror at the root of a file system, or of the wanted one of several; "" if there is no mirror.
func findDatabase(fsys afero.Fs, location string, wanted uuid.UUID) (string, error) {
	index, err := readMirrorIndex(fsys)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", location, err)
	}
	if index == nil {
		return "", nil
	}
	n, i := len(index.databases), index.find(wanted)
	switch {
	case n == 0:
		return "", fmt.Errorf("open %s: its %s names no database", location, MirrorFile)
	case n == 1:
		return index.databases[0], nil
	case i < 0:
		return "", &SeveralError{location, within(location, index.databases), n, wanted}
	}
	return index.databases[i], nil
}

// within returns the locations of the databases of a mirror, of ten at most.
func within(location string, databases []string) (locations []string) {
	for i, d := range databases {
		if i == 10 {
			return append(locations, "…")
		}
		locations = append(locations, strings.TrimSuffix(location, "/")+"/"+d)
	}
	return locations
}

// LocalPath returns the path that a location names: a plain one, or that of a file:// URL.
func LocalPath(location string) (string, error) {
	if Scheme(location) == "" {
		return filepath.Abs(location)
	}
	u, err := url.Parse(location)
	if err != nil {
		return "", errors.Unwrap(err) // the rest of it is the location, perhaps with a password
	}
	if u.Host != "" && u.Host != "localhost" {
		return "", fmt.Errorf("%s names the host %q: a file:// URL has three slashes, as in file:///home/ann/bugs", Shown(location), u.Host)
	}
	return filepath.FromSlash(u.Path), nil
}

// Directory is the carrier of plain paths and file:// URLs on a file system, usually afero.NewOsFs().
func Directory(fsys afero.Fs) Carrier {
	return func(_ context.Context, location string) (afero.Fs, error) {
		dir, err := LocalPath(location)
		if err != nil {
			return nil, err
		}
		info, err := fsys.Stat(dir)
		var failed *fs.PathError
		if errors.As(err, &failed) {
			return nil, failed.Err // the rest of it is the location
		}
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return nil, errors.New("it is a file, not a directory")
		}
		return durable.Within(fsys, dir), nil
	}
}
