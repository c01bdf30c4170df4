package sync

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/wire"
	"prophet/replica"
)

// MirrorFile names the databases of a mirror; it lies above their directories:
//
//	{"prophet":1,"databases":["2fa3b5c8-3c3f-4b0a-9a52-4f6d0c1f7a11"]}
//
// Readers ignore keys that they do not know, and whoever adds a database keeps them.
const MirrorFile = "prophet.json"

// mirrorVersion is the version of what MirrorFile holds.
const mirrorVersion = 1

// mirrorIndex is what MirrorFile holds.
type mirrorIndex struct {
	keys      map[string]json.RawMessage
	databases []string
}

// errNewerMirror is wrapped by the error of a MirrorFile that a later version wrote.
var errNewerMirror = errors.New("a later version of prophet wrote it")

// parseMirrorIndex reads what encode writes, and more keys.
func parseMirrorIndex(b []byte) (*mirrorIndex, error) {
	var known struct {
		Prophet   int      `json:"prophet"`
		Databases []string `json:"databases"`
	}
	index := &mirrorIndex{}
	if err := errors.Join(json.Unmarshal(b, &index.keys), json.Unmarshal(b, &known)); err != nil {
		return nil, err
	}
	if known.Prophet > mirrorVersion {
		return nil, fmt.Errorf("it is of version %d; this program reads version %d: %w", known.Prophet, mirrorVersion, errNewerMirror)
	}
	if known.Prophet != mirrorVersion {
		return nil, fmt.Errorf("it is of version %d; this program reads version %d", known.Prophet, mirrorVersion)
	}
	for _, d := range known.Databases {
		if _, err := changeset.ParseUUID(d); err != nil {
			return nil, err
		}
	}
	index.databases = known.Databases
	return index, nil
}

// IsMirror reports whether the root of a file system is a mirror of databases, or that of one database of a replica of ours.
func IsMirror(fsys afero.Fs) bool {
	for _, name := range []string{MirrorFile, replica.MirrorMark, wire.HeadFile} {
		if ok, err := exists(fsys, name); ok && err == nil {
			return true
		}
	}
	return false
}

func (m *mirrorIndex) has(database uuid.UUID) bool { return m.find(database) >= 0 }

// find returns where a database stands among those named, -1 if it is none of them.
func (m *mirrorIndex) find(database uuid.UUID) int {
	return slices.IndexFunc(m.databases, func(d string) bool { return strings.EqualFold(d, database.String()) })
}

// add names one more database, in the order of their UUIDs.
func (m *mirrorIndex) add(database uuid.UUID) {
	m.databases = append(m.databases, database.String())
	slices.Sort(m.databases)
}

// encode returns the JSON, in one line.
func (m *mirrorIndex) encode() []byte {
	keys := map[string]any{"prophet": mirrorVersion}
	for key, value := range m.keys {
		keys[key] = value
	}
	keys["databases"] = m.databases
	b, _ := json.Marshal(keys) // cannot fail: strings, a number, and what was JSON
	return append(b, '\n')
}

// maxMirrorFile is how many bytes of a MirrorFile are read.
const maxMirrorFile = 1 << 20

// readMirrorIndex reads the MirrorFile at the root of a file system; nil if there is none.
func readMirrorIndex(fsys afero.Fs) (*mirrorIndex, error) {
	b, err := readAtMost(fsys, MirrorFile, maxMirrorFile)
	if b == nil || err != nil {
		return nil, err
	}
	index, err := parseMirrorIndex(b)
	switch {
	case errors.Is(err, errNewerMirror):
		return nil, fmt.Errorf("read %s: %w", MirrorFile, err)
	case err != nil:
		return nil, &replica.DamageError{Path: MirrorFile, Err: err}
	}
	return index, nil
}

// readAtMost reads a small file; it returns nil if there is none, and not nil if it is empty.
func readAtMost(fsys afero.Fs, name string, most int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if errors.Is(err, fs.ErrNotExist) { // of a web server one learns that only by reading
		return nil, nil
	}
	if err == nil && int64(len(b)) > most {
		err = &replica.DamageError{Path: name, Err: fmt.Errorf("it is longer than %d bytes", most)}
	}
	return b, err
}
