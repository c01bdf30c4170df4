// Package hostile has a mirror that lies, for tests, and the lies.
//
// A [World] is an honest database: a publisher, two others, and what was published of it at two times. A [Mirror] serves one of these states over HTTP, with whatever an
// [Attack] made of it: files that hold something else, and paths that are answered by code. The tests of the program run it against each.
package hostile

import (
	"bytes"
	"crypto/sha1"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// Mirror is what a server has: files by their paths below the root, as in "prophet.json" and "<database uuid>/replica-uuid".
type Mirror struct {
	*World
	mu    sync.Mutex
	files map[string][]byte
	serve map[string]http.HandlerFunc // by path; "" stands for all
}

// NewMirror returns a server of files.
func NewMirror(w *World, files map[string][]byte) *Mirror {
	return &Mirror{World: w, files: maps.Clone(files), serve: map[string]http.HandlerFunc{}}
}

// ServeHTTP answers with a file, a part of it if that is asked for, unless code answers for its path.
func (m *Mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	m.mu.Lock()
	handler, b := m.serve[name], m.files[name]
	if handler == nil {
		handler = m.serve[""]
	}
	m.mu.Unlock()
	switch {
	case handler != nil:
		handler(w, r)
	case b == nil:
		http.NotFound(w, r)
	default:
		http.ServeContent(w, r, "file.bin", time.Time{}, bytes.NewReader(b))
	}
}

// at is the path of a file of the database.
func (m *Mirror) at(name string) string { return m.Database.String() + "/" + name }

// file returns what a file of the database holds.
func (m *Mirror) file(name string) []byte { return m.files[m.at(name)] }

// write makes a file of the database.
func (m *Mirror) write(name string, b []byte) { m.files[m.at(name)] = b }

// text is write for a small file.
func (m *Mirror) text(name, text string) { m.write(name, []byte(text)) }

// answer lets code answer for a file of the database.
func (m *Mirror) answer(name string, h http.HandlerFunc) { m.serve[m.at(name)] = h }

// The names of the files of the two logs.
const (
	main  = ""
	votes = changeset.ResolutionsDir + "/"
)

// rows returns a log.
func (m *Mirror) rows(log string) []changeset.Row {
	rows, err := changeset.ParseRows(m.file(log+changeset.IndexFile), 1)
	if err != nil {
		panic(err) // it was honest until now
	}
	return rows
}

// setRows makes a log be these rows, whatever they are, and counts them.
func (m *Mirror) setRows(log string, rows []changeset.Row) {
	var b []byte
	for _, r := range rows {
		b = changeset.AppendRow(b, r)
	}
	m.write(log+changeset.IndexFile, b)
	m.count(log, uint32(len(rows)))
}

// count says that a log has so many rows. The mark goes, so that nothing contradicts it.
func (m *Mirror) count(log string, n uint32) {
	m.text(log+changeset.LatestFile, strconv.FormatUint(uint64(n), 10))
	m.text(replica.MirrorMark, "")
}

// addBytes adds a row for a changeset that is these bytes.
func (m *Mirror) addBytes(log string, id changeset.ID, b []byte) {
	key := m.object(log, b)
	rows := m.rows(log)
	m.setRows(log, append(rows, changeset.Row{Seq: uint32(len(rows) + 1), ID: id, Key: key}))
}

// object adds a changeset that no row names.
func (m *Mirror) object(log string, b []byte) [20]byte {
	key := sha1.Sum(b)
	m.write(log+changeset.ObjectPath(changeset.ChangesetObjects, key), b)
	return key
}

// add adds a changeset.
func (m *Mirror) add(log string, cs ...*changeset.Changeset) {
	for _, c := range cs {
		m.addBytes(log, c.ID, c.Encode())
	}
}

// last returns the path of the last changeset of the log.
func (m *Mirror) last() string {
	rows := m.rows(main)
	return changeset.ObjectPath(changeset.ChangesetObjects, rows[len(rows)-1].Key)
}

// mallory is the origin of what the lies are made of.
var mallory = uuid.MustParse("6d616c6c-6f72-4079-8000-6d616c6c6f72")

// lie is a changeset that mallory made up: the creation of a record.
func lie(seq uint32) *changeset.Changeset {
	id := changeset.ID{Origin: mallory, Seq: seq}
	return &changeset.Changeset{ID: id, Created: "2026-11-21 09:00:00", Creator: changeset.Text("mallory"), Changes: []changeset.Change{{
		Record: changeset.RecordID{Type: "Ticket", UUID: uuid.NewSHA1(mallory, []byte(id.String()))}, Kind: changeset.Create, Parents: []changeset.ID{},
		Props: map[string]changeset.PropChange{"summary": {New: changeset.Text("made up")}}}}}
}

// by is a lie under another name.
func by(origin uuid.UUID, seq uint32) *changeset.Changeset {
	c := lie(seq)
	c.ID.Origin = origin
	return c
}

// like is the JSON of a lie with something in the place of something in it.
func like(seq uint32, old, new string) []byte {
	b := string(lie(seq).Encode())
	if !strings.Contains(b, old) {
		panic("no " + old + " in " + b)
	}
	return []byte(strings.ReplaceAll(b, old, new))
}

// index returns prophet.json that names these databases.
func index(databases []string) []byte {
	b, _ := json.Marshal(map[string]any{"prophet": 1, "databases": databases})
	return b
}
