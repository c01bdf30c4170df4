package replica

import (
	"io/fs"
	"path"
	"slices"

	"prophet/changeset"
	"prophet/internal/durable"
)

// OwnDirs are the directories of a replica whose files are its own alone, with one that the original keeps.
var OwnDirs = []string{"cas", "cache", changeset.RecordsDir, changeset.ResolutionsDir, marksDir, oursDir}

// writtenFiles and writtenDirs are what a writer adds to, in both logs: it goes through no symbolic link there.
var (
	writtenFiles = []string{changeset.IndexFile, rowsFile, idsFile, conflictsFile, DigestsFile}
	writtenDirs  = []string{".", oursDir, "cas", "cas/" + changeset.ChangesetObjects, "cas/" + changeset.RecordObjects, changeset.RecordsDir, marksDir, peersDir}
)

// checkPlaces names what keeps every writer from writing though all can be read: a symbolic link, or a file in the place of a directory.
func (c *check) checkPlaces() {
	for _, log := range []*checker{c.votes, c.main} {
		for _, name := range writtenDirs {
			if name != "." || log.l.prefix != "" {
				log.checkPlace(name, fs.ModeDir)
			}
		}
		for _, name := range writtenFiles {
			log.checkPlace(name, 0)
		}
	}
	c.main.checkPlace(RepresentationsFile, 0)
	c.main.checkPlace(durable.Journal, 0)
	c.main.checkPlace(lockFile, 0)
}

// checkPlace says that what lies there is not of the type that a writer needs. What is missing is made.
func (c *checker) checkPlace(name string, want fs.FileMode) {
	info, err := lstat(c.l.root, join(c.l.prefix, name))
	switch {
	case err != nil: // it is missing, or whoever reads it says so
	case info.Mode()&fs.ModeSymlink != 0:
		c.byHand(name, "it is a symbolic link, through which nothing is written, so no edit can be made: put what it points to in its place")
	case info.Mode().Type() == want:
	case want == fs.ModeDir:
		c.byHand(name, "it must be a directory, and is none, so no edit can be made: move it to somewhere else")
	default:
		c.byHand(name, "it must be a regular file, and is none, so no edit can be made: move it to somewhere else")
	}
}

// checkLink names a file below one of the directories of a log, if it is one of the other symbolic links in the place of directories, or of the indexes of records: reading goes through them, and who has to write there fails.
func (c *checker) checkLink(dir, name string, mode fs.FileMode) {
	if mode&fs.ModeSymlink == 0 || slices.Contains(writtenDirs, name) {
		return
	}
	if info, err := c.l.fs.Stat(name); dir == changeset.RecordsDir || err == nil && info.IsDir() {
		c.byHand(name, "it is a symbolic link, through which nothing is written, so that edits, or gc, that need it fail: put what it points to in its place")
	}
}

// byHand reports what a repair leaves.
func (c *checker) byHand(name, text string) {
	c.report(Problem{Path: path.Join(c.l.prefix, name), Text: text, ByHand: true})
}
