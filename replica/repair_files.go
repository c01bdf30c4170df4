package replica

import (
	"bytes"
	"fmt"
	"path"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/internal/durable"
)

// SetAsideDir has what repairs replaced or took away: each file under its own path, and later ones of that path with ".2", ".3" and so on after it. The same bytes are kept once a path.
const SetAsideDir = "prophet/set-aside"

// maxAside bounds how many contents of one path are kept.
const maxAside = 10000

// setAside keeps bytes that are about to be replaced or taken away.
func (p *repair) setAside(file string, was []byte) error {
	name := path.Join(SetAsideDir, file)
	for n := 2; n <= maxAside; n++ {
		kept, err := afero.ReadFile(p.fs, name)
		switch {
		case isNotExist(err):
			return durable.WriteFile(p.fs, name, was)
		case err != nil:
			return fmt.Errorf("read %s: %w", name, err)
		case bytes.Equal(kept, was):
			return nil
		}
		name = fmt.Sprintf("%s.%d", path.Join(SetAsideDir, file), n)
	}
	return fmt.Errorf("set %s aside: there are %d contents of it already", file, maxAside)
}

// read returns what a file holds, nil if there is none. Bytes that cannot be read, as from a bad block, are an error, and so is a file that is too large to be what it
// should be, and may be a hole.
func (p *repair) read(file string) ([]byte, error) {
	b, err := readWhole(p.fs, file)
	if isNotExist(err) {
		return nil, nil
	}
	if isDamage(err) {
		return nil, &DamageError{Path: file, Err: fmt.Errorf("%w, and may be nothing but a hole: move it to somewhere else, and run this again", reason(err))}
	}
	if b == nil && err == nil {
		b = []byte{}
	}
	return b, err
}

// replace gives a file the content that it must have, unless it has it, and reports whether it did.
func (p *repair) replace(file string, want []byte) (bool, error) {
	was, err := p.read(file)
	if err != nil || was != nil && bytes.Equal(was, want) {
		return false, err
	}
	if was != nil {
		if err := p.setAside(file, was); err != nil {
			return false, err
		}
	}
	return true, durable.WriteFile(p.fs, file, want)
}

// takeAway removes a file that nothing needs.
func (p *repair) takeAway(file string) error {
	was, err := p.read(file)
	if was == nil || err != nil {
		return err
	}
	if err := p.setAside(file, was); err != nil {
		return err
	}
	return durable.Remove(p.fs, file)
}

// object makes sure that an object is there with its bytes, and reports whether it was not.
func (p *repair) object(store *cas.Store, data []byte) (bool, error) {
	return p.replace(store.Path(cas.Sum(data)), data)
}
