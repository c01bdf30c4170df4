package replica

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"prophet/cas"
	"prophet/changeset"
)

// mendSmallFiles mends the files of a line, but for the numbers, and reports whether the logs can be read with them.
func (p *repair) mendSmallFiles() (sound bool, err error) {
	l := newLog(p.fs, "", p.opts.Where, &limits{})
	id, err := l.readIdentity()
	p.unread(err)
	if err != nil || othersIdentity(p.fs, id) {
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
	if !slices.ContainsFunc(texts, knownFormat) {
		said := strings.Join(texts, "")
		known := id != nil || p.hasFormat()
		if err := p.disturbed(); err != nil {
			return false, err
		}
		switch {
		case strings.Trim(said, "0123456789") == "" && said != "", !known && said != "":
			return false, &VersionError{p.opts.Where, texts[1]}
		case !known:
			return false, ErrNothingLeft
		}
	}
	format := formatBy(p.fs)
	for i, name := range names {
		if texts[i] == format {
			continue
		}
		if _, err := p.replace(name, []byte(format)); err != nil {
			return false, err
		}
		p.tell(name, IsRebuilt, "it holds %s", format)
	}
	return true, nil
}

// hasFormat reports whether the log is one of this format, by its first row, or by any changeset.
func (p *repair) hasFormat() bool {
	l := newLog(p.fs, "", "", &limits{}).withRows(1)
	row, err := l.Row(1)
	if err == nil {
		_, err = l.Changeset(row)
	}
	if err == nil {
		return true
	}
	p.unread(err)
	found := errors.New("found")
	err = l.objects.Walk(func(key cas.Key, _ string) error {
		if p.wholeChangeset(l, key) == nil {
			return p.disturbed()
		}
		return found
	})
	p.unread(err)
	return err == found
}

// mendUUID mends a file that holds a UUID, and reports whether it holds the right one, as far as that is known.
func (p *repair) mendUUID(id identity, name string) (bool, error) {
	text, readErr := readSmall(p.fs, name)
	u, err := changeset.ParseUUID(text)
	if isNotExist(readErr) {
		err = errMissing
	} else if readErr != nil {
		err = readErr
	}
	mistaken := err == nil && id == nil && p.isMistaken(name, u)
	switch {
	case err != nil:
	case mistaken:
		err = errors.New("it holds the UUID of another replica, which is known here as such")
	case id == nil || id[name] == u.String():
		return true, nil
	case isUndecided(p.fs, id, name, u):
		p.tell(name, IsLeft, "it holds %s, %s says %s, and nothing here tells which of them this replica is: write the right one into %s, or remove %s if it has the right one",
			u, IdentityFile, id[name], name, IdentityFile)
		return false, nil
	}
	want, why := id[name], "it is what "+IdentityFile+" says"
	if id == nil {
		want, why = p.uuidElsewhere(name)
	}
	if err := p.disturbed(); err != nil {
		return false, err
	}
	if want == "" {
		p.tell(name, IsLeft, "%v, and it cannot be told for sure which UUID it was%s", reason(err), p.insteadOf(name, mistaken))
		return false, nil
	}
	if _, err := p.replace(name, []byte(want)); err != nil {
		return false, err
	}
	p.tell(name, IsRebuilt, "%s", why)
	return true, nil
}

// insteadOf says what a person can do about a UUID that nothing tells.
func (p *repair) insteadOf(name string, mistaken bool) string {
	if mistaken {
		return fmt.Sprintf("; if nothing was made here, any new UUID serves: write one into it, and remove %s", IdentityFile)
	}
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
		return ownOrigin(newLog(p.fs, "", "", &limits{}))
	case votesReplicaFile:
		return ownOrigin(newLog(p.fs, changeset.ResolutionsDir+"/", "", &limits{}))
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

// mostShared is how many changesets here another replica is asked for before it counts as one of another database: it need not have bookkeeping, nor what was made here since.
const mostShared = 16

// shares reports whether another replica has the changeset of the first row here or, where the index is gone, one of the first that lie here.
func (p *repair) shares(r *Replica) (shared bool) {
	l := newLog(p.fs, "", "", &limits{}).withRows(1)
	row, err := l.Row(1)
	p.unread(err)
	if err == nil && r.Makes(row) {
		return true
	}
	tried, enough := 0, errors.New("enough were tried")
	err = p.eachLying(l, func(key cas.Key, c *changeset.Changeset) error {
		tried++
		if shared = r.Makes(changeset.Row{ID: c.ID, Key: key}); shared || tried == mostShared {
			return enough
		}
		return nil
	})
	p.unread(err)
	return shared
}
