package replica

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/cas"
	"prophet/changeset"
)

// mendSmallFiles mends the files of a line, but for the numbers, and reports whether the logs can be read with them.
func (p *repair) mendSmallFiles() (sound bool, err error) {
	l := newLog(p.fs, "", p.opts.Where, &limits{})
	id, err := l.readIdentity()
	if err != nil || p.isOthers(id) {
		id = nil
	}
	if sound, err = p.mendVersions(id); !sound || err != nil {
		return sound, err
	}
	for _, name := range identityFiles[:uuidFiles] {
		ok, err := p.mendUUID(id, name)
		if err != nil {
			return false, err
		}
		sound = sound && ok
	}
	return sound, nil
}

// isOthers reports whether the identity is that of another replica, which got here by a mistake: one that is known here as a peer, or by a mark, as this replica itself is not.
func (p *repair) isOthers(id identity) bool {
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		l := newLog(p.fs, prefix, "", &limits{})
		said, err := changeset.ParseUUID(id[prefix+changeset.ReplicaUUIDFile])
		is, failed := l.readUUID(changeset.ReplicaUUIDFile)
		if err == nil && failed == nil && said != is && p.met(l, said) && !p.met(l, is) {
			return true
		}
	}
	return false
}

// mendVersions mends both replica-version. One of them is believed; where neither says this format, a later version of the program may have written both, and nothing is touched, unless they say nothing at all.
func (p *repair) mendVersions(id identity) (sound bool, err error) {
	names := []string{changeset.ResolutionsDir + "/" + changeset.ReplicaVersionFile, changeset.ReplicaVersionFile}
	var texts []string
	for _, name := range names {
		text, err := readSmall(p.fs, name)
		if err != nil && !isNotExist(err) && !isDamage(err) {
			return false, err
		}
		texts = append(texts, text)
	}
	if !slices.Contains(texts, formatVersion) {
		said := strings.Join(texts, "")
		known := id != nil || p.hasFormat()
		switch {
		case strings.Trim(said, "0123456789") == "" && said != "", !known && said != "":
			return false, &VersionError{p.opts.Where, texts[1]}
		case !known:
			return false, ErrNothingLeft
		}
	}
	for i, name := range names {
		if texts[i] == formatVersion {
			continue
		}
		if _, err := p.replace(name, []byte(formatVersion)); err != nil {
			return false, err
		}
		p.tell(name, IsRebuilt, "it holds %s", formatVersion)
	}
	return true, nil
}

// hasFormat reports whether the log is one of this format, by its first row, or by any changeset.
func (p *repair) hasFormat() bool {
	l := newLog(p.fs, "", "", &limits{})
	l.latest = 1
	row, err := l.Row(1)
	if err == nil {
		_, err = l.Changeset(row)
	}
	if err == nil {
		return true
	}
	found := errors.New("found")
	return l.objects.Walk(func(key cas.Key, _ string) error {
		if p.wholeChangeset(l, key) == nil {
			return p.ctx.Err()
		}
		return found
	}) == found
}

// mendUUID mends a file that holds a UUID, and reports whether it holds the right one, as far as that is known.
func (p *repair) mendUUID(id identity, name string) (bool, error) {
	text, readErr := readSmall(p.fs, name)
	u, err := changeset.ParseUUID(text)
	if readErr != nil {
		err = readErr
	}
	if err == nil && (id == nil || id[name] == u.String()) {
		return true, nil
	}
	want, why := id[name], "it is what "+IdentityFile+" says"
	if id == nil {
		want, why = p.uuidElsewhere(name)
	}
	if want == "" {
		p.tell(name, IsLeft, "%v, and nothing says which UUID it was%s", reason(err), p.insteadOf(name))
		return false, nil
	}
	if _, err := p.replace(name, []byte(want)); err != nil {
		return false, err
	}
	p.tell(name, IsRebuilt, "%s", why)
	return true, nil
}

// insteadOf says what a person can do about a UUID that nothing tells.
func (p *repair) insteadOf(name string) string {
	prefix := ""
	if name == votesReplicaFile || name == votesDatabaseFile {
		prefix = changeset.ResolutionsDir + "/"
	}
	return instead(p.fs, prefix, name[len(prefix):])
}

// uuidElsewhere finds out which UUID was in a file where there is no identity; "" if nothing says it for sure.
func (p *repair) uuidElsewhere(name string) (text, why string) {
	switch name {
	case changeset.ReplicaUUIDFile:
		return p.ownOrigin("")
	case votesReplicaFile:
		return p.ownOrigin(changeset.ResolutionsDir + "/")
	}
	for _, r := range p.others() {
		of := r.log
		if name == votesDatabaseFile {
			of = r.votes
		}
		if p.shares(r) {
			return of.database.String(), "every replica of the database has it: it is that of " + r.Where()
		}
	}
	return "", ""
}

// shares reports whether another replica has the changeset of the first row here.
func (p *repair) shares(r *Replica) bool {
	l := newLog(p.fs, "", "", &limits{})
	l.latest = 1
	row, err := l.Row(1)
	if err == nil {
		_, err = r.log.objects.Get(row.Key)
	}
	return err == nil
}

// ownOrigin is the UUID under which the log's own bookkeeping was made: that never leaves the log. Without such, it is that of the only origin with rows of its own numbers of which
// there is neither a mark nor a note as of a peer.
func (p *repair) ownOrigin(prefix string) (text, why string) {
	l := newLog(p.fs, prefix, "", &limits{})
	held, err := rowsHeld(l.fs)
	if err != nil {
		return "", ""
	}
	former, err := l.Former()
	if err != nil {
		return "", ""
	}
	l.latest = held
	made, books := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for seq := uint32(1); seq <= held; seq++ {
		row, err := l.Row(seq)
		if err != nil || row.ID.Seq != seq || slices.Contains(former, row.ID.Origin) {
			continue
		}
		made[row.ID.Origin] = true
		if c, err := l.Changeset(row); err == nil && c.Bookkeeping() {
			books[row.ID.Origin] = true
		}
	}
	if len(books) == 0 {
		for u := range made {
			if p.met(l, u) {
				delete(made, u)
			}
		}
		books = made
	}
	if len(books) != 1 {
		return "", ""
	}
	for u := range books {
		text = u.String()
	}
	return text, "it is the origin of what was made here"
}

// met reports whether there is a mark of a replica, or a note on it as a peer.
func (p *repair) met(l *Log, u uuid.UUID) bool {
	for _, name := range []string{markFile(u), peerFile(u)} {
		if ok, err := exists(l.fs, name); ok || err != nil {
			return true
		}
	}
	return false
}

// mendListNumber makes the number of rows of the list of representations that of its rows, where it is not one.
func (p *repair) mendListNumber() error {
	text, err := readListed(p.fs, "")
	if err != nil && !isDamage(err) {
		return err
	}
	held, size, err := p.listHeld()
	if err != nil {
		return err
	}
	n := uint32(0)
	if text != "" {
		n, err = parseNumber("", text)
	}
	switch {
	case err == nil && n == held, text == "" && size == 0:
		return nil
	case err == nil && text != "" && (n > held || !p.listGoesOn(n)):
		return nil // rows are lost, and are looked for; or there are such as were never committed
	}
	if _, err := p.replace(LatestRepresentationFile, []byte(formatNumber(held))); err != nil {
		return err
	}
	p.tell(LatestRepresentationFile, IsRebuilt, "%s has %d rows", RepresentationsFile, held)
	return nil
}

// listHeld returns how many rows the list has, and how many bytes.
func (p *repair) listHeld() (rows uint32, size int64, err error) {
	info, err := p.fs.Stat(RepresentationsFile)
	if isNotExist(err) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("look at %s: %w", RepresentationsFile, err)
	}
	return uint32(min(info.Size()/changeset.RowSize, maxSeq)), info.Size(), nil
}

// listGoesOn reports whether the row after so many is one whose object is there.
func (p *repair) listGoesOn(n uint32) bool {
	l := newLog(p.fs, "", "", &limits{})
	l.index, l.latest, l.gone = RepresentationsFile, n+1, nil
	row, err := l.Row(n + 1)
	if err == nil {
		_, err = l.Changeset(row)
	}
	return err == nil
}
