package sync

import (
	"context"
	"path"
	"strings"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/httpfs"
	"prophet/internal/wire"
	"prophet/replica"
)

// WebOptions say how a web server is asked. The zero value serves: 16 requests at once, the system's certificates, no proxy, and errors
// after 30 seconds in which nothing came.
type WebOptions = httpfs.Options

// Web is the carrier of http:// and https:// URLs. Any server of static files will do. What lies there can be read only.
// Each location gets connections of its own, which end with ctx.
func Web(opts WebOptions) Carrier {
	if opts.MaxBodyOf == nil {
		opts.MaxBodyOf = maxBody
	}
	return func(ctx context.Context, location string) (afero.Fs, error) {
		return httpfs.New(ctx, location, opts)
	}
}

// maxBody bounds the files of a replica, in bytes. The index is fetched whole where the server cannot send a part of it: the bound is 3 million changesets.
func maxBody(name string) int64 {
	switch base := path.Base(name); {
	case base == changeset.IndexFile || name == replica.RepresentationsFile || strings.HasSuffix(name, "/"+replica.RepresentationsFile):
		return 128 << 20
	case len(base) == 40: // an object
		return changeset.MaxFile
	case strings.HasSuffix(base, ".pack"):
		return wire.MaxPack
	case name == wire.HeadFile || strings.HasSuffix(name, "/"+wire.HeadFile):
		return wire.MaxHead
	}
	return maxMirrorFile
}
