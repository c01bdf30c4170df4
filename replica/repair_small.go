package replica

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"

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
		if strings.Trim(said, "0123456789") == "" && said != "" || id == nil && !p.hasFormat() {
			return false, &VersionError{p.opts.Where, texts[1]}
		}
	}
	for i, name := range names {
		if texts[i] == formatVersion {
			continue
		}
		if _, err := p.replace(name, []byte(formatVersion)); err != nil {
			return false, err
		}
		p.tell(name, Rebuilt, "it holds %s", formatVersion)
	}
	return true, nil
}

// hasFormat reports whether the log is one of this format, by its first row.
func (p *repair) hasFormat() bool {
	l := newLog(p.fs, "", "", &limits{})
	l.latest = 1
	row, err := l.Row(1)
	if err == nil {
		_, err = l.Changeset(row)
	}
	return err == nil
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
	p.tell(name, Rebuilt, "%s", why)
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
		_, err = r.log.Object(row.Key)
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

// summedFiles are the files of which the identity has the checksum.
var summedFiles = []string{formerFile, changeset.ResolutionsDir + "/" + formerFile, oldIDsFile}

// mendNamed mends the files of ours of which the identity has the checksum.
func (p *repair) mendNamed() error {
	id, err := p.r.log.readIdentity()
	if err != nil || p.isOthers(id) { // it is written anew
		return p.mendUnsummed()
	}
	for _, name := range summedFiles {
		if err := p.mendSummed(id, name); err != nil {
			return err
		}
	}
	return nil
}

// mendUnsummed mends these files where nothing has their checksums: those that can be read are believed.
func (p *repair) mendUnsummed() error {
	for _, l := range p.logs() {
		if _, _, err := l.readFormer(); isDamage(err) {
			b, err := p.read(l.prefix + formerFile)
			if err != nil {
				return err
			}
			if err := p.mendUnproven(identity{}, l.prefix+formerFile, b); err != nil {
				return err
			}
		}
	}
	b, err := p.read(oldIDsFile)
	if b == nil || err != nil {
		return err
	}
	if _, err := parseOldIDs(b); err == nil {
		return nil
	}
	its, err := p.read(cacheFile)
	if err != nil {
		return err
	}
	if _, err := parseOldIDs(its); err != nil {
		return p.mendUnproven(nil, oldIDsFile, b)
	}
	p.tell(oldIDsFile, Rebuilt, "it is a copy of %s", cacheFile)
	_, err = p.replace(oldIDsFile, its)
	return err
}

// mendIdentity lets the identity repeat what the files say. What is left of them keeps the checksum that it should have.
func (p *repair) mendIdentity() error {
	if there, err := exists(p.fs, IdentityFile); err != nil || !there && !p.ours {
		return err
	}
	now, err := newIdentity(p.r.log, p.r.votes)
	if err != nil {
		return err
	}
	for _, l := range p.logs() {
		sum, err := l.sumOfPeers(maps.Keys(map[uuid.UUID]bool(nil)))
		if err != nil {
			return err
		}
		now.set(l.prefix+peersDir, sum)
	}
	if was, err := p.r.log.readIdentity(); err == nil && !p.isOthers(was) && was[oldIDsFile] != "" {
		now[oldIDsFile] = was[oldIDsFile]
	}
	mended, err := p.replace(IdentityFile, now.encode())
	if mended {
		p.tell(IdentityFile, Rebuilt, "it repeats what the files say")
	}
	return err
}

// mendSummed mends a file of which the checksum is known.
func (p *repair) mendSummed(id identity, name string) error {
	noted := id[name]
	b, err := p.read(name)
	if err != nil || noted == "" || b != nil && checksum(b) == noted {
		return err
	}
	want := p.bytesOf(name, b, noted)
	if want == nil {
		return p.mendUnproven(id, name, b)
	}
	if _, err := p.replace(name, want); err != nil {
		return err
	}
	p.tell(name, Rebuilt, "its checksum proves it")
	return nil
}

// mendUnproven keeps of a list of former UUIDs what can be read, and of local ids that the original gave nothing is given anew: they are left.
func (p *repair) mendUnproven(id identity, name string, b []byte) error {
	if name == oldIDsFile {
		p.tell(name, IsLeft, "it is not what it was, as its checksum says, and what it was cannot be found out; local ids may change without it")
		return nil
	}
	var lines []byte
	for line := range strings.Lines(string(b)) {
		if u, rows, err := parseFormer(strings.TrimSpace(line)); err == nil {
			lines = appendFormer(lines, u, rows)
		}
	}
	if _, err := p.replace(name, lines); err != nil {
		return err
	}
	if id[name] != "" {
		id[name] = checksum(lines)
		if _, err := p.replace(IdentityFile, id.encode()); err != nil {
			return err
		}
	}
	p.tell(name, IsLost, "which UUIDs the replica had before it was restored or copied, but for what can be read of it")
	return nil
}

// bytesOf looks for what a small file was, by its checksum.
func (p *repair) bytesOf(name string, b []byte, sum string) []byte {
	return proven(b, p.told(name, b), func(b []byte) bool { return checksum(b) == sum })
}

// maxTried is how long a file may be of which every bit and every length is tried.
const maxTried = 16 << 10

// proven looks for what a small file was that bears a checksum, or of which it is known: one of the guesses, or the file itself without a bit that flipped, without what was added to it, or with the end of its last line.
func proven(b []byte, guesses [][]byte, is func([]byte) bool) []byte {
	for _, guess := range append(guesses, append(bytes.Clone(b), '\n')) {
		if is(guess) {
			return guess
		}
	}
	if len(b) > maxTried {
		return nil
	}
	for n := len(b) - 1; n > 0; n-- {
		if is(b[:n]) {
			return bytes.Clone(b[:n])
		}
	}
	flipped := bytes.Clone(b)
	for i := range flipped {
		for bit := range 8 {
			if flipped[i] ^= 1 << bit; is(flipped) {
				return flipped
			}
			flipped[i] ^= 1 << bit
		}
	}
	return nil
}

// told returns what else may tell the content of a small file: the original's file of which one is a copy, and, for a list of one former UUID, its rows in the log.
func (p *repair) told(name string, b []byte) (guesses [][]byte) {
	for _, other := range []string{cacheFile, formerFile, changeset.ResolutionsDir + "/" + formerFile} {
		for _, file := range []string{other, path.Join(SetAsideDir, other)} {
			if text, err := p.read(file); err == nil && text != nil {
				guesses = append(guesses, text)
			}
		}
	}
	if name == oldIDsFile {
		return guesses
	}
	l := p.r.log
	if name != formerFile {
		l = p.r.votes
	}
	guesses = append(guesses, endings(b, l.latest)...)
	origins := map[uuid.UUID]uint32{}
	for row, err := range l.Rows(1, l.latest) {
		if err != nil {
			return nil
		}
		if row.ID.Seq == row.Seq && row.ID.Origin != l.uuid {
			origins[row.ID.Origin] = row.Seq
		}
	}
	for u, last := range origins {
		for n := last; n <= min(l.latest, last+maxGuesses); n++ {
			guesses = append(guesses, appendFormer(nil, u, n))
		}
		guesses = append(guesses, appendFormer(nil, u, maxSeq))
	}
	return guesses
}

// endings returns what a list of former UUIDs may have been whose last line lost its end.
func endings(b []byte, rows uint32) (guesses [][]byte) {
	at := bytes.LastIndexByte(b, '\n') + 1
	if len(b) < at+36 {
		return nil
	}
	u, err := changeset.ParseUUID(string(b[at:][:36]))
	if err != nil {
		return nil
	}
	for n := uint32(0); n <= min(rows, maxGuesses); n++ {
		guesses = append(guesses, appendFormer(bytes.Clone(b[:at]), u, n))
	}
	return append(guesses, appendFormer(bytes.Clone(b[:at]), u, maxSeq))
}

// maxGuesses bounds how many rows are tried after the last one of a former UUID.
const maxGuesses = 4096

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
	p.tell(LatestRepresentationFile, Rebuilt, "%s has %d rows", RepresentationsFile, held)
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
