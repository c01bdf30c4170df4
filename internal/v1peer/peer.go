package v1peer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
)

// Options is what a peer takes from outside. The zero value serves, but then UUIDs and times differ from run to run.
type Options struct {
	Creator string           // who makes edits, usually an e-mail address
	Now     func() time.Time // time.Now if nil
	NewUUID func() uuid.UUID // uuid.New if nil; see Init and Create
	// Rand chooses what the original leaves to chance: the order in which several clashing properties of a record
	// stand in its fingerprint, and the answer where two have as many votes.
	// If nil, they are sorted by name, and the answer whose JSON has the least SHA-1 is taken.
	Rand *rand.Rand
}

// Peer is a replica of the original. It is not safe for concurrent use.
type Peer struct {
	opts  Options
	fs    afero.Fs
	main  *log
	votes *log // the resolutions replica
}

// Init makes a replica of a new database at the root of fs. NewUUID is asked for
// the UUIDs of the database, the replica, the resolutions' database and the resolutions replica, in this order.
func Init(fs afero.Fs, opts Options) (*Peer, error) {
	opts = opts.filled()
	return create(fs, opts, opts.NewUUID(), opts.NewUUID)
}

// Clone makes a replica at the root of fs of the database that a replica at the root of from belongs to, and pulls from
// it with [To]. NewUUID is asked for the UUIDs of the replica and of its resolutions replica.
func Clone(fs, from afero.Fs, opts Options) (*Peer, error) {
	opts = opts.filled()
	source, err := openLog(from, "")
	if err != nil {
		return nil, err
	}
	votes, err := openLog(from, changeset.ResolutionsDir+"/")
	if err != nil {
		return nil, err
	}
	p, err := create(fs, opts, source.database, func() uuid.UUID { return votes.database })
	if err != nil {
		return nil, err
	}
	_, err = p.Pull(from, To)
	return p, err
}

func create(fs afero.Fs, opts Options, database uuid.UUID, votesDatabase func() uuid.UUID) (*Peer, error) {
	if err := createLog(fs, "", database, opts.NewUUID()); err != nil {
		return nil, err
	}
	if err := createLog(fs, changeset.ResolutionsDir+"/", votesDatabase(), opts.NewUUID()); err != nil {
		return nil, err
	}
	return Open(fs, opts)
}

// Open opens the replica at the root of fs.
func Open(fs afero.Fs, opts Options) (*Peer, error) {
	p := &Peer{opts: opts.filled(), fs: fs}
	var err error
	if p.main, err = openLog(fs, ""); err != nil {
		return nil, err
	}
	if p.votes, err = openLog(fs, changeset.ResolutionsDir+"/"); err != nil {
		return nil, err
	}
	return p, nil
}

func (o Options) filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewUUID == nil {
		o.NewUUID = uuid.New
	}
	return o
}

// FS returns the file system of the replica, to pull from.
func (p *Peer) FS() afero.Fs { return p.fs }

// UUID returns the UUID of the replica, the origin of what it makes.
func (p *Peer) UUID() uuid.UUID { return p.main.uuid }

// Latest returns the number of rows in its log.
func (p *Peer) Latest() (uint32, error) { return p.main.latest() }

// Rows returns the rows of its log.
func (p *Peer) Rows() ([]changeset.Row, error) { return p.main.rows() }

// Votes returns the rows of the log of its resolutions replica.
func (p *Peer) Votes() ([]changeset.Row, error) { return p.votes.rows() }

// Changeset returns what a row of its log holds.
func (p *Peer) Changeset(row changeset.Row) (*changeset.Changeset, error) {
	return p.main.changeset(row)
}

// Props returns the properties of a record; ok is false if it does not exist.
func (p *Peer) Props(rec changeset.RecordID) (props map[string]string, ok bool, err error) {
	return p.main.props(rec)
}

// State returns all records that exist, with their properties.
func (p *Peer) State() (map[changeset.RecordID]map[string]string, error) {
	recs, err := p.main.records()
	if err != nil {
		return nil, err
	}
	state := map[changeset.RecordID]map[string]string{}
	for _, rec := range recs {
		props, ok, err := p.main.props(rec)
		if err != nil {
			return nil, err
		}
		if ok {
			state[rec] = props
		}
	}
	return state, nil
}

// now returns the time in the form of a changeset's "created".
func (p *Peer) now() string { return p.opts.Now().UTC().Format(changeset.TimeFormat) }

// edit begins an edit of this replica's own.
func (p *Peer) edit() *edit {
	return &edit{c: changeset.Changeset{Created: p.now(), Creator: changeset.TextOrNull(p.opts.Creator)}}
}

// replay begins an edit that repeats a changeset, one of another replica or bookkeeping.
func (p *Peer) replay(c *changeset.Changeset) *edit {
	e := p.edit()
	e.c.Creator = c.Creator
	if c.Created != "" {
		e.c.Created = c.Created
	}
	e.c.Nullification, e.c.Resolution = c.Nullification, c.Resolution
	return e
}

// Create makes a record with a UUID of NewUUID and returns its ID. As the original does, it adds "creator" and "original_replica" to the
// properties, and leaves out those that are empty.
func (p *Peer) Create(typ string, props map[string]string) (changeset.RecordID, error) {
	rec := changeset.RecordID{Type: typ, UUID: p.opts.NewUUID()}
	all := map[string]string{"creator": p.opts.Creator, "original_replica": p.main.uuid.String()}
	for name, v := range props {
		all[name] = v
	}
	return rec, p.CreateRecord(rec, all)
}

// CreateRecord makes a record with the properties given and no others. If it exists, that is an error.
func (p *Peer) CreateRecord(rec changeset.RecordID, props map[string]string) error {
	return p.Edit(change(rec, changeset.Create, props))
}

// Update writes properties of a record that exists. The empty text removes one.
func (p *Peer) Update(rec changeset.RecordID, props map[string]string) error {
	return p.Edit(change(rec, changeset.Update, props))
}

// Delete deletes a record that exists.
func (p *Peer) Delete(rec changeset.RecordID) error {
	return p.Edit(change(rec, changeset.Delete, nil))
}

// Edit makes one changeset of changes to several records. Old values and parents do not count.
func (p *Peer) Edit(changes ...changeset.Change) error {
	var did []string
	e := p.edit()
	for _, ch := range changes {
		did = append(did, ch.Kind.String()+" "+ch.Record.String())
		_, exists, err := p.main.props(ch.Record)
		switch {
		case err == nil && exists && ch.Kind == changeset.Create:
			err = errors.New("it exists")
		case err == nil && !exists && ch.Kind != changeset.Create:
			err = errNoRecord
		}
		if err == nil {
			err = p.main.apply(e, ch)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", strings.Join(did, ", "), err)
		}
	}
	return p.main.commit(e)
}

func change(rec changeset.RecordID, kind changeset.Kind, props map[string]string) changeset.Change {
	ch := changeset.Change{Record: rec, Kind: kind, Props: map[string]changeset.PropChange{}}
	for name, v := range props {
		ch.Props[name] = changeset.PropChange{New: changeset.Text(v)}
	}
	return ch
}
