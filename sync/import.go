package sync

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"prophet/replica"
)

// ImportOptions are the options of an import. The zero value serves.
type ImportOptions struct {
	DryRun   bool // only find out what would come: the import is made in memory, as a whole
	Prefer   Prefer
	Batch    int                    // lines that one transaction brings at most; 0, and what is more: 1024
	Checked  func(read, size int64) // is told how many bytes of the source were checked, packed as they are
	Progress func(done, total int)  // is told how many lines were integrated, those that were here before included
	Warn     func(string)           // is told that the source lacks lines that were imported before, that all its lines were imported under another name, and that what was lost came back
}

const (
	importLines = 1024    // integrated in one transaction, at most
	importBytes = 4 << 20 // that a transaction holds, after which it is closed
)

// ImportOrigin returns the origin of the changesets that come from a foreign source of that name: the same in every replica of the database.
func ImportOrigin(database uuid.UUID, name string) uuid.UUID {
	return uuid.NewSHA1(database, []byte("import:"+name))
}

// isImportOrigin reports whether a UUID may be one that ImportOrigin made; those of replicas are random.
func isImportOrigin(u uuid.UUID) bool { return u.Version() == 5 }

// Import integrates the changesets of a foreign source, one a line:
//
//	{"created":"2018-07-21 14:38:36","creator":"ann","changes":[{"op":"create","type":"Ticket","uuid":"…","props":{"status":"open"}}]}
//
// created is in UTC; creator may be null or left out; op is create, update or delete; props are the properties that the change writes, text or null, which
// removes one. The source says everything about its records itself: it creates before it updates or deletes.
//
// A foreign source is an origin, named [ImportOrigin]; its sequence numbers are the numbers of its lines, of which blank ones bring nothing. The old values
// and the parents of a change are those of the source's own earlier lines, whatever else is known of the record. So whoever imports the same lines
// makes the same changesets, importing again brings what was appended, and where others edited the same records conflicts come up as in a pull.
//
// All of the source is checked before anything is written. It is then integrated in batches, each a transaction: an import that was cut off is finished
// by another one. A line that is known must say what it said before; where the replica has lost its changeset, it brings that back. Errors in a line name it, and the field:
//
//	tracker.jsonl line 17, changes[0].props.status: want a string or null, got a number
func Import(ctx context.Context, to *replica.Replica, name string, src *Source, opts ImportOptions) (*Report, error) {
	if err := checkSourceName(name); err != nil {
		return nil, err
	}
	to, err := target(ctx, to, opts.Prefer, opts.DryRun)
	if err != nil {
		return nil, err
	}
	im := &importing{intake: newIntake(to, opts.Prefer), src: src, opts: opts, origin: ImportOrigin(to.Database(), name), seed: maphash.MakeSeed()}
	if err := im.run(ctx); err != nil {
		return nil, err
	}
	return &im.report, nil
}

func checkSourceName(name string) error {
	if name == "" || len(name) > 255 || !utf8.ValidString(name) || strings.IndexFunc(name, unicode.IsControl) >= 0 {
		return fmt.Errorf("%.50q is no name of a source: want 1 to 255 bytes of UTF-8 without control characters", name)
	}
	return nil
}

// importing is an import that is under way.
type importing struct {
	intake
	src    *Source
	opts   ImportOptions
	origin uuid.UUID
	seed   maphash.Seed
	sums   []uint32 // of the lines that are not blank, as they were checked
	last   uint32   // the last line that is not blank
	known  uint32   // the last line that is in the log
	fresh  uint32   // the first line that is not; 0: none
	lost   uint32   // the last line whose changeset the replica has lost; 0: none
	losses int      // how many such lines there are
}

func (im *importing) run(ctx context.Context) error {
	doubt, err := im.check(ctx, nil)
	if err == nil && len(doubt) > 0 {
		_, err = im.check(ctx, doubt)
	}
	if err != nil {
		return err
	}
	if err := im.warnOfEnd(); err != nil {
		return err
	}
	if err := im.warnOfTwin(ctx); err != nil {
		return err
	}
	if err := im.takeBackLost(ctx); err != nil {
		return err
	}
	already := maps.Clone(im.opened)
	if err := im.write(ctx); err != nil {
		return err
	}
	if err := im.preferAlready(ctx, already); err != nil {
		return err
	}
	return im.finish()
}

// warnOfEnd warns where the source ends before a line that was imported: it is an older copy, say, or was cut off. Nothing is taken back.
func (im *importing) warnOfEnd() error {
	highest, err := im.to.Highest(im.origin)
	if err == nil && highest > im.last {
		ends := fmt.Sprintf("ends with line %d", im.last)
		if im.last == 0 {
			ends = "has no line"
		}
		im.warn(fmt.Sprintf("%s %s, and line %d of it was imported before, here or elsewhere: what came then stays", im.src.where, ends, highest))
	}
	return err
}
