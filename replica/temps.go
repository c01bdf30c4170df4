package replica

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// Temps returns the files in a replica, or in a tree of its form, that a writer made and did not come to name: it was killed, or is at work.
func Temps(fsys afero.Fs) (found []string, err error) {
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		temps, err := newLog(fsys, prefix, "", &limits{}).temps()
		if err != nil {
			return nil, err
		}
		for _, name := range temps {
			found = append(found, prefix+name)
		}
	}
	return found, nil
}

// temps returns the files beside those of a log that a writer made and did not come to name: it was killed, or is at work. Those of parts are not among them: gc removes them, which works beside writers.
func (l *Log) temps() (found []string, err error) {
	if found, err = l.tempsAround(); err != nil {
		return nil, err
	}
	for _, dir := range treesOfLog {
		if found, err = l.tempsBelow(dir, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// treesOfLog are the directories of a log in which there may be many files, below others.
var treesOfLog = []string{"cas", changeset.RecordsDir, oursDir}

// tempsAround returns those of them that lie in none of the trees.
func (l *Log) tempsAround() (found []string, err error) {
	names, err := l.list(".")
	if err != nil {
		return nil, err
	}
	for _, name := range names { // others may have files of their own there
		end := strings.LastIndex(name, ".tmp")
		if durable.IsTemp(name) && slices.Contains(rootFiles, name[len("."):end]) {
			found = append(found, name)
		}
	}
	var marks []string
	if info, err := l.fs.Stat(marksDir); err == nil && info.IsDir() { // what else lies there is told as such
		if marks, err = l.tempsBelow(marksDir, nil); err != nil {
			return nil, err
		}
	}
	for _, name := range marks { // so does the original, whose directory it is
		base := path.Base(name)
		if _, is := markedBy(base[len("."):strings.LastIndex(base, ".tmp")]); is {
			found = append(found, name)
		}
	}
	return found, nil
}

// rootFiles are the files in the directory of a log itself.
var rootFiles = []string{changeset.IndexFile, changeset.LatestFile, changeset.ReplicaUUIDFile, changeset.DatabaseUUIDFile, changeset.ReplicaVersionFile}

func (l *Log) tempsBelow(dir string, found []string) ([]string, error) {
	err := l.eachBelow(dir, func(name string, mode fs.FileMode) {
		if isTemp(name, mode) {
			found = append(found, name)
		}
	})
	return found, err
}

func isTemp(name string, mode fs.FileMode) bool { return durable.IsTemp(name) && mode.IsRegular() }

// eachBelow calls f for what is below a directory and is no directory itself, but for the parts and what was set aside. It goes through no link.
func (l *Log) eachBelow(dir string, f func(name string, mode fs.FileMode)) error {
	if dir == parts.Dir || dir == SetAsideDir {
		return nil
	}
	entries, err := afero.ReadDir(l.fs, dir)
	if isNotExist(err) || isDamage(err) {
		return nil
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case err != nil:
		case e.Mode()&fs.ModeType == fs.ModeDir:
			err = l.eachBelow(name, f)
		default:
			f(name, e.Mode())
		}
	}
	return err
}

// checkTempsAndLinks names the files that killed writers left, and the symbolic links of [checker.checkLink].
func (c *checker) checkTempsAndLinks() {
	if c.exported {
		return // whoever publishes there has its own
	}
	temps, err := c.l.tempsAround()
	if err != nil {
		c.fault(".", err)
	}
	for _, dir := range treesOfLog {
		err := c.l.eachBelow(dir, func(name string, mode fs.FileMode) {
			if isTemp(name, mode) {
				temps = append(temps, name)
			}
			c.checkLink(dir, name, mode)
		})
		if err != nil {
			c.fault(dir, err)
		}
	}
	for _, name := range temps {
		c.harmless(name, "a writer that was killed left it, or is at work on it: no part of the data; a repair takes it away")
	}
}

// takeTemps takes away the files that killed writers left: no other one is at work.
func (p *repair) takeTemps() error {
	for _, l := range p.logs() {
		found, err := l.temps()
		if err != nil {
			return err
		}
		for _, name := range found {
			if err := p.takeAway(l.prefix + name); err != nil {
				return err
			}
			p.tell(l.prefix+name, IsSetAside, "a writer that was killed left it; it is no part of the data")
		}
	}
	return nil
}
