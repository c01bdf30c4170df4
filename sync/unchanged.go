package sync

import (
	"context"
	"errors"
	"io/fs"

	"prophet/changeset"
	"prophet/internal/httpfs"
	"prophet/replica"
)

// Unchanged reports whether a location of the web is a mirror which the original made, and which shows what was read there last, so that a pull into the replica would bring nothing, and where exactly it is.
// It takes two requests, for the ends of both indexes: the last rows of each, at most [replica.TailRows] of them, are those that were read, and no row follows. Another replica, or another state, at that place has other rows there.
// Whatever speaks against it, an error too, is left to a pull to find out, and to say.
func (c Carriers) Unchanged(ctx context.Context, location string, to *replica.Replica) (where string, same bool) {
	if !ReadOnly(location) || to.CheckEditable() != nil {
		return "", false
	}
	where = Shown(location)
	peer, ok, err := to.Log().PeerAt(where)
	if !ok || err != nil || !peer.V1 || peer.Adopt || peer.UUID == to.UUID() {
		return "", false
	}
	votes, _, err := to.Resolutions().PeerAt(where)
	if err != nil || !standing(to.Log(), peer) || !standing(to.Resolutions(), votes) {
		return "", false
	}
	fsys, _, err := c.reach(ctx, location)
	web, isWeb := fsys.(*httpfs.FS)
	if err != nil || !isWeb {
		return "", false
	}
	return where, endsAsRead(web, "", peer) && endsAsRead(web, changeset.ResolutionsDir+"/", votes)
}

// standing reports whether nothing of a log was lost that a pull would look for, neither changesets nor what was read of the peer.
func standing(l *replica.Log, peer replica.Peer) bool {
	lost, err := l.Lost()
	if err != nil || len(lost) > 0 {
		return false
	}
	turned, err := l.Turned(peer)
	return err == nil && !turned
}

// endsAsRead reports whether the index of a log ends with the rows of it that were read last; where none was read, whether there is no index.
func endsAsRead(web *httpfs.FS, prefix string, peer replica.Peer) bool {
	name := prefix + changeset.IndexFile
	if peer.Read == 0 {
		_, err := web.ReadPart(name, make([]byte, 1), 0)
		return errors.Is(err, fs.ErrNotExist)
	}
	first := replica.TailBegins(peer.Read)
	size := int(peer.Read+1-first) * changeset.RowSize
	buf := make([]byte, size+1) // there is nothing behind the rows
	n, err := web.ReadPart(name, buf, int64(first-1)*changeset.RowSize)
	if err != nil || n != size {
		return false
	}
	rows, err := changeset.ParseRows(buf[:n], first)
	last, known := peer.LastRow()
	return err == nil && known && rows[len(rows)-1] == last && peer.Tail == replica.Tail(rows)
}
