package v1peer

import (
	"github.com/spf13/afero"

	"prophet/changeset"
)

// Export writes the replica to the root of an empty file system, as the original's export does: records that exist in one version with the
// number 0, changesets whose numbers are text, none of the records of the resolutions replica.
func (p *Peer) Export(to afero.Fs) error {
	if err := p.main.export(to); err != nil {
		return err
	}
	recs, err := p.main.records()
	if err != nil {
		return err
	}
	target := &log{fs: to}
	for _, rec := range recs {
		props, ok, err := p.main.props(rec)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		key, err := target.store(changeset.RecordObjects, changeset.EncodeRecord(props))
		if err != nil {
			return err
		}
		if err := target.write(changeset.RecordPath(rec), changeset.AppendVersion(nil, changeset.Version{Key: key})); err != nil {
			return err
		}
	}
	return p.votes.export(to)
}

// export writes a log without its records.
func (l *log) export(to afero.Fs) error {
	if err := createLog(to, l.prefix, l.database, l.uuid); err != nil {
		return err
	}
	rows, err := l.rows()
	if err != nil {
		return err
	}
	target := &log{fs: to, prefix: l.prefix}
	for _, row := range rows {
		c, err := l.changeset(row)
		if err != nil {
			return err
		}
		if err := target.log(row.Seq, c, true); err != nil {
			return err
		}
	}
	latest, err := l.read(changeset.LatestFile)
	if err != nil {
		return err
	}
	return target.write(changeset.LatestFile, []byte(latest))
}
