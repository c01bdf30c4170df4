package replica

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"prophet/changeset"
	"prophet/resolution"
)

// What a conflict comes to is settled by rules and votes. Where the index of one of their records lost rows, an edit would log another value than the changesets
// come to. So a transaction looks, before it goes by them, whether they are what the log has of them.

// confirmSettings makes sure that the settings records show what the digest says of them. There are few. Where nobody kept account of the last rows it believes them.
func (tx *Tx) confirmSettings() error {
	if tx.d == nil || tx.settingsSeen { // who only reads shows what there is
		return nil
	}
	l := tx.main.Log
	noted, _, ok, err := l.notedSums()
	if err != nil || !ok {
		return err
	}
	now, err := l.sumType(context.Background(), changeset.SettingsType)
	if err == nil && now.Digest != noted.settings {
		err = l.findUnlike(isSetting)
	}
	tx.settingsSeen = err == nil
	return err
}

func isSetting(rec changeset.RecordID) bool { return rec.Type == changeset.SettingsType }

func isVote(rec changeset.RecordID) bool { return strings.HasPrefix(rec.Type, voteType) }

// confirmVotesAndRules makes sure, where the votes and rules as they are read lead to something else than a record shows, that this is not because some are lost. A record may
// show another value for another reason, as after an edit that was made when they were: then this edit puts it right.
func (tx *Tx) confirmVotesAndRules() error {
	if tx.d == nil || tx.logsSeen {
		return nil
	}
	err := tx.main.Log.findUnlike(isSetting)
	if err == nil {
		err = tx.res.Log.findUnlike(isVote)
	}
	tx.logsSeen = err == nil
	return err
}

// asShown makes sure that a record shows what its changes merge to, before one more is merged with them.
func (t *txLog) asShown(rec changeset.RecordID, s *state, result *resolution.Result) error {
	if t != t.tx.main || t.tx.recount || len(t.tx.newRules) > 0 || difference(rec, s.exists, s.props, result.Exists, result.Props) == nil {
		return nil
	}
	return t.tx.confirmVotesAndRules()
}

// suspect reports whether a record that is settled anew, because votes came with the transaction, shows something else than before, though none of them is on it.
func (tx *Tx) suspect(ch *changeset.Change) bool {
	return ch != nil && tx.recount && !tx.allRules && len(tx.newRules) == 0 && tx.res.seq > tx.res.latest && !tx.newVote
}

// findUnlike replays the changes to the records that are wanted, and returns the error of the first that shows something else. It reads the whole log.
func (l *Log) findUnlike(wanted func(changeset.RecordID) bool) error {
	states := map[changeset.RecordID]*state{}
	for row, err := range l.Rows(1, l.latest) {
		if err != nil {
			return err
		}
		c, err := l.Changeset(row)
		if err != nil {
			return err
		}
		for i := range c.Changes {
			ch := &c.Changes[i]
			if !wanted(ch.Record) {
				continue
			}
			s := states[ch.Record]
			if s == nil {
				s = &state{lastRow: row.Seq}
				states[ch.Record] = s
			}
			s.exists, s.props = Replay(s.exists, s.props, ch)
		}
	}
	for _, rec := range sorted(states) {
		if err := l.unlike(rec, states[rec]); err != nil {
			return err
		}
	}
	return nil
}

// unlike is the error of a record that shows something else than the log leads to.
func (l *Log) unlike(rec changeset.RecordID, want *state) error {
	props, exists, err := l.Props(rec)
	if err != nil || exists == want.exists && maps.Equal(props, want.props) {
		return err
	}
	if _, ok, err := l.last(rec); !ok && err == nil {
		return l.DamagedIndex(rec, want.lastRow)
	}
	words := differences(rec, exists, props, "replaying the log leads", want.exists, want.props)
	return l.damagedIndex(rec, fmt.Errorf("%s; what is in conflict would be settled by that", words[0]))
}
