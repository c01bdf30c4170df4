package sync_test

// mutants break one rule each. A text that occurs once is replaced; where the source changes, so must the table: TestEveryMutantFitsTheSource says so.
var mutants = []mutant{
	// What has been seen.
	{"a parent is ignored", "resolution/graph.go",
		`		for _, id := range e.Change.Parents {`,
		`		for k, id := range e.Change.Parents { if k == 1 { continue }`},
	{"a change without parents has not seen its own chain", "resolution/graph.go",
		`if before >= 0 && g.entries[before].ID.Origin == e.ID.Origin {`,
		`if false {`},
	{"T is by ID alone", "resolution/graph.go",
		`cmp.Or(cmp.Compare(keys[a].created, keys[b].created), cmp.Compare(keys[a].depth, keys[b].depth),
			g.entries[a].compareName(g.entries[b]))`,
		`cmp.Or(g.entries[a].compareName(g.entries[b]), cmp.Compare(keys[a].depth, keys[b].depth))`},
	{"T is by the time of the change alone", "resolution/graph.go",
		`k.created = max(k.created, keys[p].created)`, ``},
	{"T does not look at the depth", "resolution/graph.go",
		`k.depth = max(k.depth, keys[p].depth+1)`, ``},
	{"a deletion without parents has seen no more than its own chain", "resolution/graph.go",
		`return g.entries[at].bare() && g.entries[at].deletes()`, `return false`},
	{"a change that closes a knot follows the head", "replica/integrate.go",
		`if highest && ch.CopyOf`, `if _ = highest; ch.CopyOf`},
	{"what a greater number of its origin follows is settled", "resolution/merge.go",
		` && !r.overtaken`, ``},
	{"changes in a knot keep their own chains", "resolution/graph.go",
		`[]func(*Entry) bool{(*Entry).bare, func`, `[]func(*Entry) bool{func`},
	{"an old value counts for nothing", "resolution/rivals.go",
		`if bare && w.named {`, `if false {`},

	// What comes of it.
	{"the order of arrival wins", "resolution/graph.go",
		`g.entries[i] = &entries[i]`,
		`g.entries[i] = &Entry{ID: entries[i].ID, Created: string(rune('A' + i)), Creator: entries[i].Creator, Change: entries[i].Change}`},
	{"no tie-break at the same time", "resolution/conflict.go",
		`return -cmp.Or(cmp.Compare(a.Created, b.Created), a.compareName(b))`,
		`return -cmp.Compare(a.Created, b.Created)`},
	{"the latest write wins without a conflict", "resolution/merge.go",
		`if agree(rivals) && !eachCounts(rivals) {`,
		`if slices.SortFunc(rivals, func(a, b Rival) int { return latestFirst(a.Entry, b.Entry) }); true {`},
	{"equal values are a conflict", "resolution/conflict.go",
		`return !slices.ContainsFunc(rivals, func(r Rival) bool { return r.Value != rivals[0].Value })`,
		`return len(rivals) == 1`},
	{"null and the empty text differ", "resolution/rivals.go",
		`	return Rival{g.entries[at], pc.New.Text, pc.Old, named}`,
		`	if pc.New.Set && pc.New.Text == "" { pc.New.Text = " " }
	return Rival{g.entries[at], pc.New.Text, pc.Old, named}`},
	{"a write of the value that is there is none", "resolution/rivals.go",
		`		for name := range e.Change.Props {`,
		`		for name, pc := range e.Change.Props { if pc.Old.Text == pc.New.Text { continue }`},
	{"a deletion writes null", "resolution/graph.go",
		`return g.entries[at].Change.Kind == changeset.Create && len(parents) > 0`,
		`return g.entries[at].deletes() || g.entries[at].Change.Kind == changeset.Create && len(parents) > 0`},
	{"a record made anew keeps its old properties", "resolution/rivals.go",
		`if g.recreates(at) {`, `if false {`},
	{"the latest head says whether a record lives", "resolution/merge.go",
		`r.Exists = len(c.Keep) > 0`,
		`r.Exists = slices.MinFunc(heads, latestFirst) == heads[0] && !slices.MinFunc(heads, latestFirst).deletes() || len(c.Delete) == 0`},
	{"a deletion wins over an edit beside it", "resolution/merge.go",
		`r.Exists = len(c.Keep) > 0`, `r.Exists = len(c.Delete) == 0`},

	// Decisions and votes.
	{"a decision needs not all heads", "replica/edit.go",
		`if ch.Parents = result.Heads; len`, `if ch.Parents = result.Heads[:min(1, len(result.Heads))]; len`},
	{"to write the value that holds decides nothing", "replica/edit.go",
		`if result.Conflict(name) != nil {`, `if result.Conflict(name) != nil && w.props[name] != value {`},
	{"to keep a record decides nothing", "replica/edit.go",
		`if len(w.writes) == 0 && result.Existence == nil {`, `if len(w.writes) == 0 {`},
	{"votes of strangers count", "replica/votes.go",
		`if e.ID.Origin == rec.UUID {`, `if true {`},
	{"the answer with the fewest votes wins", "resolution/conflict.go",
		`c.votes > best.votes ||`, `c.votes < best.votes ||`},
	{"the other tie-break between answers", "resolution/conflict.go",
		`string(h[:]) < string(bestHash[:])`, `string(h[:]) > string(bestHash[:])`},
	{"votes that come after the edits are not counted", "replica/recount.go",
		`if tx.recount {`, `if false {`},
	{"a vote counts from the next transaction on", "replica/votes.go",
		`		if rec.Type == typ {`, `		if false {`},

	// The log.
	{"no nullification is logged", "replica/integrate.go",
		`if err := t.keepBooks(null, flagNullification); err != nil {`,
		`if err := t.keepBooks(nil, flagNullification); err != nil {`},
	{"no resolution is logged", "replica/integrate.go",
		`	return t.logResolution(merged)
}

// extend`,
		`	return nil
}

// extend`},
	{"what follows an open conflict counts as settled", "replica/integrate.go",
		`	case !s.settled:
		return false
`, ``},
	{"what is open counts as settled", "resolution/merge.go",
		`r.Heads[0] == id && !r.Open()`, `r.Heads[0] == id`},

	// What travels.
	{"known is what is below the greatest number of its origin", "replica/known.go",
		`		row, ok = of.rows[id.Seq]`,
		`		for number, at := range of.rows { if number >= id.Seq { row, ok = at, true } }`},
	{"a part of a batch counts as read when it is not", "sync/pull.go",
		`if len(left) > 0 {`, `if false {`},
	{"a log is never read again from its beginning", "sync/side.go",
		`		if ok, err := s.follows(tail); err != nil || ok {`,
		`		if true {`},
	{"a line of a source has seen nothing", "sync/importpast.go",
		`ch.Parents = append(ch.Parents, changeset.ID{Origin: p.origin, Seq: before.last})`,
		`ch.Parents = append(ch.Parents, changeset.ID{Origin: p.origin, Seq: before.last})[:0]`},

	// Representations and rules.
	{"another representation is forgotten", "replica/represent.go",
		`if t.reps == nil || mine.Lost || mine.Bookkeeping() {`, `if true {`},
	{"the list of a peer is not read", "sync/represent.go",
		`if err := p.prepareList(); err != nil || p.list == nil {`, `if err := p.prepareList(); err != nil || true {`},
	{"of two old values the first that came stands", "changeset/join.go",
		`old := max(a.Props[name].Old.Text, b.Props[name].Old.Text)`, `old := a.Props[name].Old.Text`},
	{"a create is forgotten for an update", "changeset/join.go",
		`if b.Kind == Create {`, `if false {`},
	{"of two sets of parents the first that came stands", "changeset/join.go",
		`joinParents(a.Parents, b.Parents)`, `joinParents(a.Parents, a.Parents)`},
	{"old values are not tied to parents", "changeset/join.go",
		`	named := [2]map[string]PropChange{a.Props, b.Props}
	switch {
	case a.Parents == nil && b.Parents != nil:
		a = b
	case b.Parents == nil && a.Parents != nil:
		b = a
	}
`, `	named := [2]map[string]PropChange{a.Props, b.Props}
	switch {
	case a.Parents == nil:
		a.Parents = b.Parents
	case b.Parents == nil:
		b.Parents = a.Parents
	}
`},
	{"a better representation leaves a row settled", "replica/recount.go",
		`other := s.settled && !result.SettledBy(s.head)`, `other := false`},
	{"the log of its maker tells no parents", "sync/parents.go",
		`ch.Parents = above.Parents()`, `_ = above.Parents`},
	{"no rule settles", "resolution/apply.go",
		`if c.Rule == RuleLatest {`, `if true {`},
	{"a rule that changes settles nothing anew", "replica/recount.go",
		`if len(tx.newRules) == 0 {`, `if true {`},
	{"a rule that becomes a sum passes over what agreed", "replica/undecided.go",
		`return slices.ContainsFunc(u.open, is) || slices.ContainsFunc(u.agreed, is)`, `return slices.ContainsFunc(u.open, is)`},
	{"rules come before votes", "resolution/conflict.go",
		`if answer != nil {`, `if answer != nil && c.Why != WhyRule {`},
	{"a sum passes over rivals that agree", "resolution/merge.go",
		`if agree(rivals) && !eachCounts(rivals) {`, `if agree(rivals) {`},
	{"a sum begins at what the first rival has seen", "resolution/apply.go",
		`steps = append(steps, step{rivals, p.narrow(at)})`, `steps = append(steps, step{rivals, p.narrow(at[:1])})`},
	{"a union has the order of arrival", "resolution/apply.go",
		`split, joint := separator(rivals)`,
		`rivals = slices.Clone(rivals)
	slices.SortFunc(rivals, func(a, b Rival) int { return strings.Compare(fmt.Sprintf("%p", a.Entry), fmt.Sprintf("%p", b.Entry)) })
	split, joint := separator(rivals)`},
	{"numbers are compared as texts", "resolution/apply.go",
		`c = n.Compare(best)`, `c = 0*n.Compare(best) + strings.Compare(r.Value, value)`},
	{"a record that comes back has what a deletion by T alone had left", "replica/edit.go",
		`if s.wasNever() || s.settled {
		return nil
	}
	if err := e.tx.main.loadEntries`,
		`if true {
		return nil
	}
	if err := e.tx.main.loadEntries`},

	// Identity.
	{"a replica that lost changesets of its own keeps its UUID", "sync/lost.go",
		`if it.id.Origin != s.to().UUID() || it.mine.Seq > 0 {`, `if true {`},
	{"what was made in a twin is not taken apart", "sync/plan.go",
		`	case made || s.all:`, `	case (made || s.all) && s.plan.fork != nil:`},
	{"two edits under one ID are one", "changeset/same.go",
		`a.Created == b.Created && a.Creator.Text == b.Creator.Text &&`, `len(a.Changes) == len(b.Changes) || a.Created == b.Created &&`},
	{"what a copy made tells parents by its place", "replica/representations.go",
		`	if id.Origin == l.uuid || id.Origin == l.renamed {
		return seq <= l.latest, nil`, `	if true {
		return true, nil`},

	{"a twin keeps its name", "sync/lost.go",
		`		if s.twin(it) {`, `		if false {`},
	{"the voter of a copy keeps its UUID", "sync/apart.go",
		`if !s.votes && main != p.to.UUID() && p.to.Resolutions().UUID() == p.voter {`, `if !s.votes && main != p.to.UUID() && false {`},
	{"votes that were moved are not cast again", "replica/move.go",
		`if !is || m.txLog != m.tx.res {`, `if is || !is {`},
	{"a move does not list the representations anew", "replica/move.go",
		`if err := m.relist(c); err != nil {`, `if err := error(nil); err != nil {`},
	{"a move keeps how far the peers were read", "replica/move.go",
		`		p.Forget()
`, ``},
	{"what came under both names is there twice", "replica/move.go",
		`	if row > seq {
		m.second[row] = true`, `	if row > 0 {
		_ = seq`},
	{"what came under both names stands below what names it", "replica/move.go",
		`	if row > seq {`, `	if false {`},
	{"a name is known by what came first under it", "sync/moved.go",
		`if it.mine.Seq == 0 && mayBeMoved(it.id.Origin) {`,
		`if it.mine.Seq == 0 && mayBeMoved(it.id.Origin) && known[it.id.Origin] == 0 {
			known[it.id.Origin] = it.id.Seq`},
	{"a mark is believed wherever the peer is found", "sync/pull.go",
		`if p.all || strings.TrimSuffix(peer.URL, "/") != strings.TrimSuffix(p.from.Where(), "/") {`,
		`if p.all || strings.TrimSuffix(peer.URL, "/") == "" {`},
	{"the tail of a mark is not compared", "sync/side.go",
		`if s.list || s.peer.Tail != "" && s.peer.Tail != replica.Tail(rows) {`, `if s.list {`},

	// Joins, votes and rules in detail.
	{"votes on several properties are not counted", "resolution/conflict.go",
		`if len(conflicts) <= maxJoint {`, `if false {`},
	{"an answer without a property says nothing of it", "resolution/conflict.go",
		`		c.Value, c.Why, c.Asks = answer[c.Prop], WhyVote, ""`,
		`		if v, says := answer[c.Prop]; says { c.Value, c.Why, c.Asks = v, WhyVote, "" }`},
	{"who votes twice counts twice", "replica/votes.go",
		`			answers = append(answers, answer)
`, `			for range entries { answers = append(answers, answer) }
`},
	{"a fingerprint has the greatest old value", "resolution/conflict.go",
		`slices.Min(olds)`, `slices.Max(olds)`},
	{"a union keeps what both have twice", "resolution/apply.go",
		`if !seen[e] {`, `if true {`},
	{"the rest of a union is not sorted", "resolution/apply.go",
		`	slices.Sort(more)
`, ``},
	{"a rule that asks shows nothing", "resolution/apply.go",
		`		return value, ""
	}
	for`, `		return "", ""
	}
	for`},
	{"no value is more than any number", "resolution/apply.go",
		`c = strings.Compare(r.Value, value)`, `c = -strings.Compare(r.Value, value)`},
	{"of equal numbers the earliest holds", "resolution/apply.go",
		`if c > 0 {`, `if c >= 0 {`},
	{"settings have rules too", "replica/rules.go",
		`	if k.typ == changeset.SettingsType {
		return resolution.RuleLatest, nil
	}
`, ``},

	// What people are told.
	{"the preferred side is what the rule says", "sync/decide.go",
		`value, prefers := had[prop], lived`, `value, prefers := c.Value, lived; _ = had`},
	{"the preferred source is what was here", "sync/decide.go",
		`writes[prop] = value`, `writes[prop] = had[prop]; _ = value`},
	{"what a pull opened is not listed", "sync/decide.go",
		`in.report.Opened = append(in.report.Opened, Opened{rec, prop, before})`, `_ = before`},
	{"a rule that comes with a rival makes it one in an old conflict", "replica/integrate.go",
		`t.notes.openSet[m.rec].conflicts(m.result))`, `t.notes.openSet[m.rec].conflicts(m.result)[:0])`},
	{"the digest of votes stays as it was", "replica/digest_file.go",
		`	d := t.digestShift.of(t.Log, rec.Type)
`, `	d := t.digestShift.of(t.Log, rec.Type)
	if t != t.tx.main { d = new(Digest) }
`},
	{"the digest of settings stays as it was", "replica/digest_file.go",
		`	d := t.digestShift.of(t.Log, rec.Type)
`, `	d := t.digestShift.of(t.Log, rec.Type)
	if rec.Type == changeset.SettingsType { d = new(Digest) }
`},
}
