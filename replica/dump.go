package replica

import (
	"bufio"
	"encoding/json"
	"io"
	"iter"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
)

// DumpOptions say what a dump holds.
type DumpOptions struct {
	RecordsOnly bool // the present state and nothing of the log
	Indent      bool
}

// Dump writes the whole replica as one JSON document, in the shape in which the original reports of its replicas: changesets, records by type
// and UUID, marks, and the same of the resolutions; and beside it what is ours and cannot be made again from that: local ids, peers, the list of
// representations and former UUIDs. It streams.
func (r *Replica) Dump(w io.Writer, opts DumpOptions) error {
	ids, err := r.LocalIDs()
	if err != nil {
		return err
	}
	peers, err := r.Peers()
	if err != nil {
		return err
	}
	list, err := r.Representations()
	if err != nil {
		return err
	}
	d := &dumper{w: bufio.NewWriter(w)}
	d.open('{')
	d.log(r.log, opts.RecordsOnly)
	d.records(r.log, r.listed(""))
	if !opts.RecordsOnly {
		d.member("local_ids", ids)
		d.member("peers", append([]Peer{}, peers...))
		d.changesets("representations", list)
		d.key("resolutions")
		d.open('{')
		d.log(r.votes, false)
		d.records(r.votes, r.votes.allRecords())
		d.close('}')
	}
	d.close('}')
	d.raw("\n")
	if d.err != nil {
		return d.err
	}
	return d.w.Flush()
}

// dumper writes JSON as it comes. After an error it writes nothing more.
type dumper struct {
	w     *bufio.Writer
	err   error
	first bool // nothing stands yet in the object or array
}

func (d *dumper) raw(s string) {
	if d.err == nil {
		_, d.err = d.w.WriteString(s)
	}
}

func (d *dumper) open(bracket byte) {
	d.raw(string(bracket))
	d.first = true
}

func (d *dumper) close(bracket byte) {
	d.raw(string(bracket))
	d.first = false
}

// next puts a comma where one is due, and a line break for whoever looks at it.
func (d *dumper) next() {
	if !d.first {
		d.raw(",\n")
	}
	d.first = false
}

func (d *dumper) key(name string) {
	d.next()
	d.raw(string(changeset.AppendJSONString(nil, name)) + ":")
}

func (d *dumper) value(v any) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil && d.err == nil {
		d.err = err
	}
	d.raw(strings.TrimSuffix(b.String(), "\n"))
}

func (d *dumper) member(name string, v any) {
	d.key(name)
	d.value(v)
}

// log writes what is to be said of a log, within an object.
func (d *dumper) log(l *Log, recordsOnly bool) {
	d.member("database_uuid", l.database)
	d.member("replica_uuid", l.uuid)
	d.member("latest_sequence_no", l.latest)
	if !recordsOnly {
		marks, err := l.v1Marks(func(damage error) (uint32, error) { return 0, damage })
		d.fail(err)
		d.member("last_changeset_from", marks)
		former, err := l.Former()
		d.fail(err)
		d.member("former_uuids", append([]uuid.UUID{}, former...))
		d.changesets("changesets", l)
	}
}

func (d *dumper) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// changesets writes what the rows of a log, or of a list of representations, hold.
func (d *dumper) changesets(name string, l *Log) {
	d.key(name)
	d.open('[')
	for row, err := range l.Rows(1, l.latest) {
		if err != nil {
			d.fail(err)
			break
		}
		c, err := l.Changeset(row)
		if err != nil {
			d.fail(err)
			break
		}
		d.next()
		d.value(dumpedChangeset(row.Seq, c))
	}
	d.close(']')
}

// records writes the living ones of these, which come type by type.
func (d *dumper) records(l *Log, recs iter.Seq2[*Record, error]) {
	d.key("records")
	d.open('{')
	typ := ""
	for rec, err := range recs {
		d.fail(err)
		if d.err != nil {
			return
		}
		v, _, ok, err := l.shown(rec.ID)
		if err == nil && !ok {
			err = rec.lacksVersions(l)
		}
		props, lives, err := l.propsOf(rec.ID, v, ok, err)
		d.fail(err)
		if !lives {
			continue
		}
		if rec.ID.Type != typ {
			if typ != "" {
				d.close('}')
			}
			typ = rec.ID.Type
			d.key(typ)
			d.open('{')
		}
		d.member(rec.ID.UUID.String(), props)
	}
	if typ != "" {
		d.close('}')
	}
	d.close('}')
}

// The original's report of a changeset, with our parents.
type (
	changesetDump struct {
		Changes       map[uuid.UUID]changeDump `json:"changes"`
		Created       string                   `json:"created"`
		Creator       *string                  `json:"creator"`
		Nullification bool                     `json:"is_nullification"`
		Resolution    bool                     `json:"is_resolution"`
		OriginalSeq   uint32                   `json:"original_sequence_no"`
		Origin        uuid.UUID                `json:"original_source_uuid"`
		Seq           uint32                   `json:"sequence_no"`
	}
	changeDump struct {
		Kind    string              `json:"change_type"`
		CopyOf  string              `json:"copy_of,omitempty"`
		Parents []string            `json:"parents,omitzero"`
		Props   map[string]propDump `json:"prop_changes"`
		Type    string              `json:"record_type"`
	}
	propDump struct {
		New *string `json:"new_value"`
		Old *string `json:"old_value"`
	}
)

func dumpedChangeset(seq uint32, c *changeset.Changeset) changesetDump {
	d := changesetDump{Changes: map[uuid.UUID]changeDump{}, Created: c.Created, Creator: c.Creator.Pointer(), Nullification: c.Nullification,
		Resolution: c.Resolution, OriginalSeq: c.ID.Seq, Origin: c.ID.Origin, Seq: seq}
	for _, ch := range c.Changes {
		cd := changeDump{Kind: changeset.KindName(ch.Kind), Props: map[string]propDump{}, Type: ch.Record.Type}
		if ch.Parents != nil {
			cd.Parents = []string{} // known to be none, which is not the same as unknown
		}
		if !ch.CopyOf.IsZero() {
			cd.CopyOf = ch.CopyOf.String()
		}
		for _, p := range ch.Parents {
			cd.Parents = append(cd.Parents, p.String())
		}
		for name, pc := range ch.Props {
			cd.Props[name] = propDump{pc.New.Pointer(), pc.Old.Pointer()}
		}
		d.Changes[ch.Record.UUID] = cd
	}
	return d
}
