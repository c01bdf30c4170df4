package replica

import (
	"bytes"
	"maps"
	"path"
	"slices"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// checkAtRest looks at the files that hold nothing while no writer is at work.
func (c *checker) checkAtRest() {
	if torn, err := durable.TornJournal(c.l.root); err != nil {
		c.fault(durable.Journal, err)
	} else if torn && !c.atWork() {
		c.harmless(durable.Journal, "it was not written to its end, so nothing was done by it, or it was damaged; the next edit empties it")
	}
	if info, err := c.l.root.Stat(lockFile); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		c.harmless(lockFile, "it holds %d bytes; it stands for a lock, and nobody reads it", info.Size())
	}
}

// checkOldIDs compares the original's local ids with the copy of them that counts since we first wrote here.
func (c *checker) checkOldIDs() {
	copied, err := afero.ReadFile(c.l.fs, oldIDsFile)
	if err != nil {
		return // there is none, or it was reported
	}
	its, err := afero.ReadFile(c.l.fs, cacheFile)
	if err != nil && !isNotExist(err) {
		c.fault(cacheFile, err)
		return
	}
	if !bytes.Equal(its, copied) {
		c.harmless(cacheFile, "it is not what was copied to %s, which is what counts: a program of the original wrote it since, or it was deleted or damaged", oldIDsFile)
	}
}

// checkRowsThere says that the notes on rows are lost, where other notes of ours are there.
func (c *checker) checkRowsThere() {
	if there, err := exists(c.l.fs, rowsFile); there || err != nil || c.exported || c.l.latest == 0 {
		return
	}
	if last, _, err := c.l.lastDigest(); err == nil && last.row == 0 {
		return // only a program of the original wrote here
	}
	c.harmless(rowsFile, "the file is missing; the next edit makes it again from the log")
}

// checkDigestsThere says that there are no digests where our programs write them.
func (c *checker) checkDigestsThere() {
	ours := c.ours && c.noted == c.l.latest
	if c.exported {
		ours, _ = exists(c.l.root, MirrorMark)
	}
	if ours && c.l.latest > 0 {
		c.harmless(DigestsFile, "there is no entry: it was deleted, or could not be made; the next edit, or publication, makes it")
	}
}

// checkMarks checks that the original's marks are no lower than what the log has: it would take again what is above. Nor higher, where that can be told, see [Log.tooHigh]: it would never ask for what is below. What is amiss is
// harmless to our programs, which do not go by the marks.
func (c *checker) checkMarks(read map[uuid.UUID]uint32) {
	if c.exported || c.underway() {
		return
	}
	origins := slices.Collect(maps.Keys(c.highest))
	if peers, err := c.l.peers(); err == nil { // else it was reported
		for _, p := range peers {
			origins = append(origins, p.UUID)
		}
	}
	slices.SortFunc(origins, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	for _, u := range slices.Compact(origins) {
		highest := c.highestOf(u)
		if u == c.l.uuid || read[u] == highest {
			continue
		}
		file := markFile(u)
		if read[u] > highest {
			if high, err := c.l.tooHigh(u); high && err == nil && c.ours {
				c.harmless(file, "it says %d, the log has changesets of that replica up to %d, and no more was read there: programs of the original would take none of those between: a repair sets it to %d", read[u], highest, highest)
			}
			continue
		}
		if there, err := exists(c.l.fs, file); err == nil && !there {
			c.harmless(file, "the file is missing, though the log has changesets of %s: programs of the original would log them again: a repair sets it to %d", u, highest)
			continue
		}
		c.harmless(file, "it says %d, the log has changesets of that replica up to %d: programs of the original would log some again: a repair sets it to %d", read[u], highest, highest)
	}
}

// checkMirrorMark looks for the mark of a mirror where other files of ours are.
func (c *checker) checkMirrorMark() {
	if !c.exported || c.l.latest == 0 {
		return
	}
	if there, err := exists(c.l.root, MirrorMark); there || err != nil {
		return
	}
	if edited, err := c.r.Edited(); edited || err != nil { // a web server shows the replica itself
		return
	}
	for _, name := range []string{IdentityFile, DigestsFile, path.Join(changeset.ResolutionsDir, DigestsFile)} {
		if there, err := exists(c.l.root, name); there && err == nil {
			c.problem(MirrorMark, "the file is missing, though there is a %s: readers take the mirror for one of the original; the next publication writes it", name)
			return
		}
	}
}
