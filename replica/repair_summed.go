package replica

import (
	"bytes"
	"path"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
)

// summedFiles are the files of which the identity has the checksum.
var summedFiles = []string{formerFile, changeset.ResolutionsDir + "/" + formerFile, oldIDsFile}

// mendNamed mends the files of ours of which the identity has the checksum.
func (p *repair) mendNamed() error {
	id, err := p.r.log.readIdentity()
	p.unread(err)
	if err != nil || othersIdentity(p.fs, id) { // it is written anew
		return p.mendUnsummed()
	}
	for _, name := range summedFiles {
		if err := p.mendSummed(id, name); err != nil {
			return err
		}
	}
	return nil
}

// mendUnsummed mends these files where nothing has their checksums: lists of former UUIDs by what the logs tell; local ids that can be read are believed.
func (p *repair) mendUnsummed() error {
	for _, l := range p.logs() {
		if err := p.mendFormer(l); err != nil {
			return err
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
	p.tell(oldIDsFile, IsRebuilt, "it is a copy of %s", cacheFile)
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
		sum, err := l.sumOfPeers(nil)
		if err != nil {
			return err
		}
		now.set(l.prefix+peersDir, sum)
	}
	was, err := p.r.log.readIdentity()
	p.unread(err)
	if err == nil && !othersIdentity(p.fs, was) && was[oldIDsFile] != "" {
		now[oldIDsFile] = was[oldIDsFile]
	}
	for _, l := range p.logs() {
		if err := l.checkNotes(p.fs); err != nil {
			return err
		}
	}
	mended, err := p.replace(IdentityFile, now.encode())
	if mended {
		p.tell(IdentityFile, IsRebuilt, "it repeats what the files say")
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
	p.tell(name, IsRebuilt, "its checksum proves it")
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
			p.unread(err)
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
