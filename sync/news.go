package sync

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"prophet/changeset"
	"prophet/internal/httpfs"
	"prophet/internal/wire"
	"prophet/replica"
)

// A mirror without packs has a dozen small files that a pull would ask for, one by one, to learn what it learned there the last time. So that is believed, of the same replica at the same place,
// as long as the ends of its indexes, or its mark, say that it is what was read: docs/adr/0022-news.md.

// askedAnew is how many rows of a log come between two pulls that ask a mirror for what it was not the last time: one of the original whether it is that still, and whose; one of ours whether it has packs.
const askedAnew = 64

// News looks whether a mirror on the web has something new for a replica, where that found it last. Without anything new, from is nil, and a pull would bring nothing. Else from is the mirror, for a pull:
// it is asked for nothing that is known of it. ok is false where no such mirror was read at the location, and where anything speaks against its being what was read, an error too: that is left to
// [Carriers.OpenDatabase] and a pull, to find out, and to say. where is the mirror's location as messages show it.
//
// Of a mirror that the original made, the ends of both indexes are asked for: the last rows of each that were read, at most [replica.TailRows], and what follows them. Of one of ours, its head, and without a head its mark;
// of one that had no packs the last time, its mark, and where that names more rows of the log the end of its index.
func (c Carriers) News(ctx context.Context, location string, to *replica.Replica, opts replica.Options) (where string, from *replica.Replica, ok bool) {
	if !ReadOnly(location) || to.CheckEditable() != nil {
		return "", nil, false
	}
	v := &visit{to: to, where: Shown(location)}
	if !v.met() {
		v.sub = to.Database().String()
		if v.where = strings.TrimSuffix(v.where, "/") + "/" + v.sub; !v.met() || v.main.V1 {
			return "", nil, false
		}
	}
	fsys, _, err := c.reach(ctx, location)
	web, isWeb := fsys.(*httpfs.FS)
	if err != nil || !isWeb {
		return "", nil, false
	}
	if v.sub != "" {
		web = web.Sub(v.sub)
	}
	opts.Where, opts.Mirror = v.where, true
	v.known = &known{Fs: web, files: map[string][]byte{}, ends: map[string]end{}}
	if v.main.V1 {
		from, ok = v.askOriginal(web, opts)
	} else {
		from, ok = v.askOurs(web, opts)
	}
	return v.where, from, ok
}

// visit is a look at a mirror that was read before.
type visit struct {
	to          *replica.Replica
	where       string
	sub         string       // the directory of the database in a mirror of several, if the location is that of the mirror
	main, votes replica.Peer // what is known of its logs
	known       *known
}

// met reports whether a mirror was read at the location, and nothing was lost here that a pull would look for, neither changesets nor what was read of it.
func (v *visit) met() bool {
	var ok bool
	var err error
	if v.main, ok, err = v.to.Log().PeerAt(v.where); !ok || err != nil || v.main.Adopt || v.main.OtherDatabase || v.main.UUID == v.to.UUID() {
		return false
	}
	v.votes, _, err = v.to.Resolutions().PeerAt(v.where)
	return err == nil && standing(v.to.Log(), v.main) && standing(v.to.Resolutions(), v.votes)
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

// askOurs asks a mirror of ours for its head, with which all of it is known, and without one for its mark; one that had no packs the last time is asked for its mark first.
func (v *visit) askOurs(web *httpfs.FS, opts replica.Options) (from *replica.Replica, ok bool) {
	if v.main.NoPacks {
		if from, ok = v.byMark(web, opts); ok {
			return from, true
		}
	}
	shown, err := wire.Open(web)
	if err == nil {
		from, err = replica.Open(shown, opts)
		return from, err == nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) { // as servers say that do not tell what is not there
		return nil, false
	}
	v.known.files[wire.HeadFile] = nil // a nil text: there is none
	if from, ok = v.byMark(web, opts); ok {
		return from, true
	}
	if v.sub != "" {
		return nil, false // what names the database there may name another one now
	}
	from, err = openAt(v.known, opts)
	return from, err == nil
}

// mostNews is how many new rows of a mirror without packs are asked for in one piece.
const mostNews = 4096

// byMark asks a mirror of ours for its mark. Nothing is new if that names the rows that were read last. Where it names more of the log, and these follow what was read, it is the same database, and is opened as the mark says that it is.
// ok is false else, and where the head is due: the log has passed a multiple of [askedAnew], and the head was not asked for.
func (v *visit) byMark(web *httpfs.FS, opts replica.Options) (from *replica.Replica, ok bool) {
	mark, err := v.askMark(web)
	if err != nil {
		return nil, false
	}
	if v.names(mark) {
		return nil, true
	}
	state, read := mark.States[0], v.main.Read
	rows, votes := state.Rows[replica.PublishedLog], state.Rows[replica.PublishedVotes]
	_, headless := v.known.files[wire.HeadFile]
	grown := read > 0 && mark.Changesets.Seq == rows && rows > read && rows-read <= mostNews
	headDue := !headless && rows/askedAnew != read/askedAnew
	if !grown || headDue {
		return nil, false
	}
	if !v.known.askEnd(web, "", v.main, rows-read) || v.known.latest("") < rows {
		clear(v.known.ends)
		return nil, false
	}
	v.known.tell("", v.to.Database(), state.UUID, rows)
	v.known.tell(changeset.ResolutionsDir+"/", v.to.Resolutions().Database(), state.Votes, votes)
	from, err = replica.Open(v.known, opts)
	return from, err == nil
}

// askMark asks a mirror for its mark, once. One that says nothing names no row.
func (v *visit) askMark(web *httpfs.FS) (replica.Mark, error) {
	text := v.known.files[replica.MirrorMark]
	if text == nil {
		var err error
		if text, err = readAtMost(web, replica.MirrorMark, maxMirrorFile); err != nil {
			return replica.Mark{}, err
		}
		v.known.files[replica.MirrorMark] = text
	}
	mark, _ := replica.ParseMark(string(text))
	return mark, nil
}

// names reports whether a mark names the rows that were read last.
func (v *visit) names(mark replica.Mark) bool {
	return v.main.Read > 0 && endsWith(mark.Changesets, v.main.LastRow) && endsWith(mark.Resolutions, v.votes.LastRow) && endsWith(mark.Representations, v.main.LastRepresentation)
}

// endsWith reports whether a row is the last one that was read, the zero row if none was.
func endsWith(row changeset.Row, last func() (changeset.Row, bool)) bool {
	read, ok := last()
	return row == read && (ok || row.Seq == 0)
}

// askOriginal asks a mirror of the original for the ends of its indexes.
func (v *visit) askOriginal(web *httpfs.FS, opts replica.Options) (from *replica.Replica, ok bool) {
	untilDue := func(peer replica.Peer) uint32 { return askedAnew - 1 - peer.Read%askedAnew }
	if v.main.Read == 0 || !v.known.askEnd(web, "", v.main, untilDue(v.main)) || !v.known.askEnd(web, changeset.ResolutionsDir+"/", v.votes, untilDue(v.votes)) {
		return nil, false
	}
	if v.known.latest("") == v.main.Read && v.known.latest(changeset.ResolutionsDir+"/") == v.votes.Read {
		return nil, true
	}
	v.known.original = true
	if v.votes.Read == 0 {
		v.votes.UUID = v.main.UUID // nobody asks whose it is as long as it is empty
	}
	votes := changeset.ResolutionsDir + "/"
	v.known.tell("", v.to.Database(), v.main.UUID, v.known.latest(""))
	v.known.tell(votes, v.to.Resolutions().Database(), v.votes.UUID, v.known.latest(votes))
	from, err := replica.Open(v.known, opts)
	return from, err == nil
}
