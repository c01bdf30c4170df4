package replica

// At returns the mirror as it was when a state was published, whatever its files say by now of how many rows count and whose they are. Nothing is read for that,
// and what is missing, or is of another state, shows when it is asked for. Of the mark it has the rows if the state is the first that the mark names.
func (r *Replica) At(s Published) *Replica {
	v := &Replica{fs: r.fs, opts: r.opts, at: &s}
	main, votes := *r.log, *r.votes
	for _, f := range []struct {
		l    *Log
		rows uint32
	}{{&main, s.Rows[PublishedLog]}, {&votes, s.Rows[PublishedVotes]}} {
		f.l.latest, f.l.rawLatest = f.rows, formatNumber(f.rows)
		f.l.ours.latest = f.rows
		f.l.former, f.l.wide = &formerUUIDs{}, new(wideRows)
	}
	main.uuid, votes.uuid = s.UUID, s.Votes
	main.reps, _ = newRepresentations(&main, formatNumber(s.Rows[PublishedList])) // it is a number
	v.log, v.votes = &main, &votes
	m := mark{exists: true, told: true}
	r.markMu.Lock()
	defer r.markMu.Unlock()
	if r.mark != nil && r.mark.rows.States[0] == s {
		m.rows = r.mark.rows
	}
	v.mark = &m
	return v
}

// PublishedState returns the published state that is shown; ok is false of what shows what its files say.
func (r *Replica) PublishedState() (s Published, ok bool) {
	if r.at == nil {
		return s, false
	}
	return *r.at, true
}
