package replica

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math/bits"

	"github.com/minio/sha256-simd"

	"prophet/changeset"
)

// A Digest stands for a set of records: the sum, modulo 2²⁵⁶, of a SHA-256 of each, as big-endian numbers. So the order does not matter, and a
// record comes or goes at the cost of one hash. Equal sets have equal digests; that nobody can make two sets with one digest on purpose is not promised.
type Digest [32]byte

// RecordDigest returns what a record that lives adds to a digest: SHA-256(type, "\n", UUID in lower case, "\n", canonical JSON of the properties).
func RecordDigest(rec changeset.RecordID, props map[string]string) Digest {
	return recordDigest(rec, changeset.EncodeRecord(props))
}

func recordDigest(rec changeset.RecordID, text []byte) Digest {
	b := make([]byte, 0, len(rec.Type)+38+len(text))
	b = append(append(b, rec.Type...), '\n')
	b = append(append(b, rec.UUID.String()...), '\n')
	return sha256.Sum256(append(b, text...))
}

// ValueDigest returns the SHA-256 of a value, by which two people tell whether it is the same to the last byte. It is part of no sum.
func ValueDigest(value string) Digest { return sha256.Sum256([]byte(value)) }

// plus returns d + o.
func (d Digest) plus(o Digest) Digest { return d.combined(o, bits.Add64) }

// minus returns d - o.
func (d Digest) minus(o Digest) Digest { return d.combined(o, bits.Sub64) }

// combined applies an operation on words with carry, the least word first.
func (d Digest) combined(o Digest, op func(x, y, carry uint64) (uint64, uint64)) (r Digest) {
	var word, carry uint64
	for i := len(d) - 8; i >= 0; i -= 8 {
		word, carry = op(binary.BigEndian.Uint64(d[i:]), binary.BigEndian.Uint64(o[i:]), carry)
		binary.BigEndian.PutUint64(r[i:], word)
	}
	return r
}

// String returns all of it, 64 hex digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Short returns the first 48 bits as people compare them, "3f2a-91bc-04de"; "none" for the empty set.
func (d Digest) Short() string {
	if d == (Digest{}) {
		return "none"
	}
	return fmt.Sprintf("%x-%x-%x", d[0:2], d[2:4], d[4:6])
}

// Digests stand for what a replica shows. Replicas with equal digests show the same.
type Digests struct {
	State    Digest // of all records but those of the settings
	Votes    Digest // of the records of the resolutions replica
	Settings Digest
}

// String returns the line that two people compare over the phone.
func (d Digests) String() string {
	return fmt.Sprintf("state %s  votes %s  settings %s", d.State.Short(), d.Votes.Short(), d.Settings.Short())
}

// sums are the digests of one log.
type sums struct{ state, settings Digest }

// String names them as fsck does.
func (s sums) String() string {
	return fmt.Sprintf("state %s, settings %s", s.state.Short(), s.settings.Short())
}

// of returns the one that a type's records are part of. In the resolutions replica all are state.
func (s *sums) of(l *Log, typ string) *Digest {
	if typ == changeset.SettingsType && l.prefix == "" {
		return &s.settings
	}
	return &s.state
}

func (s sums) plus(o sums) sums {
	return sums{s.state.plus(o.state), s.settings.plus(o.settings)}
}

// ErrNoDigest is wrapped by the error of [Replica.Digest] for a mirror on the web that does not have its own noted: to compute it would take all that is there.
var ErrNoDigest = errors.New("it has no digest of its present state")

// Digest returns the digests of what the replica shows. They are kept with each transaction. Where another program wrote the last rows, every record is read.
func (r *Replica) Digest(ctx context.Context) (d Digests, err error) {
	main, err := r.sumsOf(ctx, r.log)
	if err != nil {
		return d, err
	}
	votes, err := r.sumsOf(ctx, r.votes)
	return Digests{main.state, votes.state, main.settings}, err
}

func (r *Replica) sumsOf(ctx context.Context, l *Log) (sums, error) {
	if r.opts.Mirror {
		return l.publishedSums()
	}
	if _, err := l.lastRow(); err != nil { // what is noted is of rows that are gone
		return sums{}, err
	}
	s, _, noted, err := l.notedSums()
	if err != nil || noted {
		return s, err
	}
	return l.sumRecords(ctx)
}

// lastRow returns the last row of the log, the zero row if there is none.
func (l *Log) lastRow() (changeset.Row, error) {
	if l.latest == 0 {
		return changeset.Row{}, nil
	}
	return l.Row(l.latest)
}

// publishedSums returns the sums that a mirror on the web has noted.
func (l *Log) publishedSums() (sums, error) {
	if l.latest == 0 {
		return sums{}, nil
	}
	e, err := l.publishedDigest()
	if err == nil && e.row != l.latest {
		err = fmt.Errorf("read %s: %w", join(l.where, l.prefix+DigestsFile), ErrNoDigest)
	}
	return e.sums, err
}

// sumRecords computes the digests of a log by reading its records.
func (l *Log) sumRecords(ctx context.Context) (s sums, err error) {
	types, err := l.Types()
	if err != nil {
		return s, err
	}
	if len(types) == 0 && l.latest > 0 { // an exported copy has no records of decisions
		return l.sumReplay(ctx)
	}
	for _, typ := range types {
		t, err := l.sumType(ctx, typ)
		if err != nil {
			return s, err
		}
		d := s.of(l, typ)
		*d = d.plus(t.Digest)
	}
	return s, nil
}

// sumReplay computes the digests of a log by replaying it in memory.
func (l *Log) sumReplay(ctx context.Context) (s sums, err error) {
	states := map[changeset.RecordID]map[string]string{} // of those that live
	for row, err := range l.Rows(1, l.latest) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return s, err
		}
		c, err := l.Changeset(row)
		if err != nil {
			return s, err
		}
		for i := range c.Changes {
			rec := c.Changes[i].Record
			props, lives := states[rec]
			if lives, props = Replay(lives, props, &c.Changes[i]); lives {
				states[rec] = props
			} else {
				delete(states, rec)
			}
		}
	}
	for rec, props := range states {
		d := s.of(l, rec.Type)
		*d = d.plus(RecordDigest(rec, props))
	}
	return s, nil
}

// TypeDigest is the digest of the living records of a type.
type TypeDigest struct {
	Type    string
	Records int
	Digest  Digest
}

// DigestTypes returns the digests of the types of which there are living records, sorted by name. It reads every record.
func (l *Log) DigestTypes(ctx context.Context) ([]TypeDigest, error) {
	types, err := l.Types()
	if err != nil {
		return nil, err
	}
	var digests []TypeDigest
	for _, typ := range types {
		t, err := l.sumType(ctx, typ)
		if err != nil {
			return nil, err
		}
		if t.Records > 0 {
			digests = append(digests, t)
		}
	}
	return digests, nil
}

func (l *Log) sumType(ctx context.Context, typ string) (TypeDigest, error) {
	t := TypeDigest{Type: typ}
	for rec, err := range l.DigestRecords(ctx, typ) {
		if err != nil {
			return t, err
		}
		t.Records++
		t.Digest = t.Digest.plus(rec.Digest)
	}
	return t, nil
}

// DigestedRecord is a living record with what it adds to the digest.
type DigestedRecord struct {
	ID     changeset.RecordID
	Digest Digest
}

// DigestRecords yields the living records of a type, sorted by UUID. It reads them. After an error it yields nothing more.
func (l *Log) DigestRecords(ctx context.Context, typ string) iter.Seq2[DigestedRecord, error] {
	return func(yield func(DigestedRecord, error) bool) {
		alone := func(rec *Record) (map[string]string, bool, error) { return l.Props(rec.ID) }
		for rec, err := range l.together(l.recordsOf(typ), Having{}, alone) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(DigestedRecord{}, err)
				return
			}
			if !yield(DigestedRecord{rec.ID, RecordDigest(rec.ID, rec.Props)}, nil) {
				return
			}
		}
	}
}
