package replica

import (
	"path"

	"prophet/changeset"
)

// takeBlocking sets files aside that lie where a directory of records must be. One that lies where the directory of a type would be is left if no record has that type: it is there for nothing.
func (p *repair) takeBlocking() error {
	for _, l := range p.logs() {
		files, err := l.blocking()
		if err != nil {
			return err
		}
		for _, file := range files {
			p.tell(l.prefix+file, IsSetAside, "a directory must be there")
			if err := p.takeAway(l.prefix + file); err != nil {
				return err
			}
		}
	}
	return nil
}

// blocking returns the files that lie where directories below records/ must be.
func (l *Log) blocking() (files []string, err error) {
	top, err := l.entriesOf(changeset.RecordsDir)
	if err != nil {
		return nil, err
	}
	var types map[string]bool
	for _, e := range top {
		name := path.Join(changeset.RecordsDir, e.Name())
		switch {
		case changeset.CheckType(e.Name()) != nil:
		case e.IsDir():
			below, err := l.blockingBelow(name, 1)
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		default:
			if types == nil {
				if types, err = l.typesTouched(); err != nil {
					return nil, err
				}
			}
			if types[e.Name()] {
				files = append(files, name)
			}
		}
	}
	return files, nil
}

// blockingBelow returns those below a type, depth directories below records/.
func (l *Log) blockingBelow(dir string, depth int) (files []string, err error) {
	entries, err := l.entriesOf(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case !isDigit(e.Name()):
		case !e.IsDir():
			files = append(files, name)
		case depth < 2:
			below, err := l.blockingBelow(name, depth+1)
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		}
	}
	return files, nil
}

// typesTouched returns the types of the records that the log touches, as far as it can be read.
func (l *Log) typesTouched() (map[string]bool, error) {
	types := map[string]bool{}
	for row, err := range l.Rows(1, l.latest) {
		if err == nil {
			var c *changeset.Changeset
			if c, err = l.Changeset(row); err == nil {
				for i := range c.Changes {
					types[c.Changes[i].Record.Type] = true
				}
			}
		}
		if err != nil && !isFault(err) {
			return nil, err
		}
	}
	return types, nil
}
