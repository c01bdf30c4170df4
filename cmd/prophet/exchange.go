package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
	psync "prophet/sync"
)

// What pull, push, clone and import have in common.

// intakeFlags are the flags of the commands that bring changesets of others.
func intakeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "only say what would come; opens nothing, so the exit code is 0"},
		&cli.BoolFlag{Name: "conflicts-ok", Usage: "end with exit code 0 even if conflicts were opened"},
	}
}

// exchangeFlags are the flags of pull and push.
func exchangeFlags() []cli.Flag {
	return append(intakeFlags(),
		&cli.BoolFlag{Name: "all", Usage: "every replica in the config, and every one that was exchanged with"},
		&cli.StringFlag{Name: "prefer", Usage: "decide at once, for `SIDE`, from or to, the conflicts that come up or get a new rival"},
		&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "even if the other replica is of another database"},
	)
}

// exchangeOptions are the options of pull and push.
type exchangeOptions struct {
	globals
	url    string // "" if none was named
	all    bool
	dryRun bool
	prefer psync.Prefer
	force  bool
	ok     bool // conflicts are
}

func newExchangeOptions(c *cli.Context) (exchangeOptions, error) {
	arg, err := argument(c, "URL")
	if err != nil {
		return exchangeOptions{}, err
	}
	o := exchangeOptions{
		globals: globalsOf(c),
		url:     arg,
		all:     c.Bool("all"),
		dryRun:  c.Bool("dry-run"),
		prefer:  psync.Prefer(c.String("prefer")),
		force:   c.Bool("force"),
		ok:      c.Bool("conflicts-ok"),
	}
	if c.IsSet("prefer") && o.prefer != psync.PreferFrom && o.prefer != psync.PreferTo {
		return o, withHint(usagef("--prefer %.100q: want from or to", o.prefer), "%q is where the changesets come from, %q where they go", psync.PreferFrom, psync.PreferTo)
	}
	return o, nil
}

// pullOptions returns the options for the library, and the progress, which is to be ended.
func (o *exchangeOptions) pullOptions(p *printer, what string) (psync.Options, func()) {
	progress := p.progress(what, false)
	return psync.Options{
		DryRun:   o.dryRun,
		Force:    o.force,
		Prefer:   o.prefer,
		Progress: func(done, total int) { progress.Set(int64(done), int64(total)) },
		Warn:     func(s string) { p.warnf("%s", s) },
	}, progress.Done
}

// warnOfForce says what --force does where two replicas are of different databases.
func (x *exchange) warnOfForce(to, from *replica.Replica) {
	if !x.force || to.Database() == from.Database() {
		return
	}
	are := "are"
	if x.dryRun {
		are = "would be"
	}
	x.p.warnf("%s is of another database, %s: all its records, edits, votes and rules %s mixed into %s, which stays database %s, and nothing takes them out again",
		from.Where(), from.Database(), are, to.Where(), to.Database())
}

// reportDoc is the JSON of what came in a pull, push, clone or import.
type reportDoc struct {
	Adopted     int           `json:"adopted"`     // records
	Bookkeeping int           `json:"bookkeeping"` // changesets
	Conflicts   []conflictDoc `json:"conflicts"`   // that were opened, or got a new rival; in a clone, that are open
	Decided     []decisionDoc `json:"decided"`     // by --prefer
	DryRun      bool          `json:"dry_run,omitempty"`
	From        string        `json:"from"`
	Integrated  int           `json:"integrated"` // changesets
	Known       int           `json:"known"`      // changesets
	Latest      uint32        `json:"latest"`     // rows in the log of the target
	Moved       []movedDoc    `json:"moved,omitempty"`
	Represented int           `json:"represented,omitempty"` // changesets known already of which the source knew more
	Resolutions int           `json:"resolutions"`           // changesets
	To          string        `json:"to"`
	Withheld    int           `json:"withheld,omitempty"` // changesets that the source has lost, and those that build on them, which no later edit stands for

	cloned   bool // the conflicts were open at the source
	restored int  // changesets that the target had lost, and got back
}

// newReportDoc returns the JSON of what came to the replica whose conflicts are listed.
func newReportDoc(l *conflictLister, from string, dryRun bool, rep *psync.Report) (*reportDoc, error) {
	decided, err := decisionDocs(l.r, rep.Decided)
	if err != nil {
		return nil, err
	}
	sortByID(decided, func(d decisionDoc) uint32 { return idOf(d.ID) })
	conflicts, err := openedDocs(l, rep, dryRun)
	if err != nil {
		return nil, err
	}
	return &reportDoc{
		Adopted:     rep.Adopted,
		Bookkeeping: rep.Bookkeeping,
		Conflicts:   conflicts,
		Decided:     decided,
		DryRun:      dryRun,
		From:        from,
		Integrated:  rep.Integrated,
		Known:       rep.Known,
		Latest:      rep.Latest,
		Moved:       movedDocs(rep.Moved),
		Represented: rep.Represented,
		Resolutions: rep.Votes,
		To:          l.r.Where(),
		Withheld:    rep.Missed,
		restored:    rep.Restored,
	}, nil
}

// openedDocs returns the conflicts that were opened or got a new rival, in the order of the local ids. Of those that only would be, the rivals are not here.
func openedDocs(l *conflictLister, rep *psync.Report, dryRun bool) ([]conflictDoc, error) {
	docs := []conflictDoc{}
	opened := l.openedDoc
	if dryRun {
		opened = func(o psync.Opened) (conflictDoc, error) { return l.triedDoc(o, rep.Rules) }
	}
	for _, o := range rep.Opened {
		d, err := opened(o)
		if err != nil {
			return nil, err
		}
		d.NewRival = o.Before
		docs = append(docs, d)
	}
	sortByID(docs, func(d conflictDoc) uint32 { return idOf(d.ID) })
	return docs, nil
}

// triedDoc returns a conflict that only would be opened. The rules that would be against each other are those of the report.
func (l *conflictLister) triedDoc(o psync.Opened, rules map[changeset.RecordID]replica.RuleSetting) (conflictDoc, error) {
	id, err := l.r.LocalID(o.Record)
	if err != nil {
		return conflictDoc{}, err
	}
	d := conflictDoc{ID: idOrNull(id), Prop: o.Prop, Rivals: []rivalDoc{}, Type: o.Record.Type, UUID: o.Record.UUID, name: recordName(id, o.Record)}
	if rule, ok := rules[o.Record]; ok {
		d.name, d.sets = nameOfRule(rule.Type, rule.Prop), &rule
	}
	return d, nil
}

func (l *conflictLister) openedDoc(o psync.Opened) (conflictDoc, error) {
	result, err := l.r.Merged(o.Record)
	if err != nil {
		return conflictDoc{}, err
	}
	all, err := conflictDocs(l.at, l.r, o.Record, result)
	if err != nil {
		return conflictDoc{}, err
	}
	i := slices.IndexFunc(all, func(d conflictDoc) bool { return d.Prop == o.Prop })
	if i < 0 {
		return conflictDoc{}, fmt.Errorf("%s: %q was in conflict and is not any more", o.Record, o.Prop)
	}
	return all[i], nil
}

// showReport prints what came to a replica, in words that begin with what was done, such as "Pulled from /srv/bugs".
// It returns errConflicts if conflicts were opened that no rule settled, unless that is ok. A dry run opens none, whatever it shows.
func showReport(l *conflictLister, d *reportDoc, did string, ok bool) error {
	var err error
	if l.p.json {
		err = l.p.writeJSON(d)
	} else {
		err = printReport(l, d, did)
	}
	if err == nil && slices.ContainsFunc(d.Conflicts, conflictDoc.unruled) && !d.DryRun && !ok {
		return errConflicts
	}
	return err
}

// unruled reports whether no rule settled the conflict, so that somebody has to look at it.
func (d conflictDoc) unruled() bool { return d.Why != resolution.WhyRule }

func printReport(l *conflictLister, d *reportDoc, did string) error {
	line := l.p.donef
	if d.DryRun {
		line = l.p.linef
	}
	if err := line("%s: %s", did, d.summary()); err != nil {
		return err
	}
	if err := printDecisions(l.p, d.Decided, d.DryRun); err != nil || len(d.Conflicts) == 0 {
		return err
	}
	elsewhere := l.r.UUID() != l.at.here.UUID()
	if err := l.p.linef("%s:", d.openedText(elsewhere)); err != nil {
		return err
	}
	for _, c := range d.Conflicts {
		if err := l.print(c); err != nil {
			return err
		}
	}
	switch {
	case d.DryRun:
	case elsewhere:
		l.p.notef(`pull, then "prophet resolve" decides here; or decide there, with "prophet resolve -r %s". Until then what is marked with * holds there`, shellWord(d.To))
	default:
		l.p.notef("%s", howToGoOn)
	}
	return nil
}

// openedText says how many conflicts were opened, how many have a new rival, how many of either a rule settled, and where, if not in the replica that the user works on.
func (d *reportDoc) openedText(elsewhere bool) string {
	open, again, settled := 0, 0, 0
	for _, c := range d.Conflicts {
		switch {
		case !c.unruled():
			settled++
		case c.NewRival:
			again++
		default:
			open++
		}
	}
	opened, got := " opened", " got a new rival"
	if d.cloned {
		opened = " " + areOpen(open) + " open"
	}
	if d.DryRun {
		opened, got = " would be opened", " would get a new rival"
	}
	var parts []string
	if open > 0 {
		parts = append(parts, counted(open, "conflict")+opened)
	}
	if again > 0 {
		parts = append(parts, counted(again, "open conflict")+got)
	}
	if settled == 1 {
		parts = append(parts, "1 conflict settled by a rule")
	} else if settled > 0 {
		parts = append(parts, counted(settled, "conflict")+" settled by rules")
	}
	text := strings.Join(parts, ", ")
	if elsewhere {
		text += " in " + d.To
	}
	return text
}

// summary says in a line how much came.
func (d *reportDoc) summary() string {
	var parts []string
	if d.Integrated > 0 {
		parts = append(parts, counted(d.Integrated, "changeset"))
	}
	if d.Resolutions > 0 {
		parts = append(parts, counted(d.Resolutions, "vote"))
	}
	if d.restored > 0 {
		parts = append(parts, counted(d.restored, "changeset")+" that "+wereHere(d.restored)+" lost here")
	}
	if d.Represented > 0 {
		parts = append(parts, "more about "+counted(d.Represented, "changeset")+" that "+wereHere(d.Represented)+" here")
	}
	if d.DryRun {
		parts = append(parts, movedTexts(d.Moved)...)
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing new")
	}
	if d.Adopted > 0 {
		parts = append(parts, "what it shows of "+counted(d.Adopted, "record")+" was adopted")
	}
	text := strings.Join(parts, ", ")
	switch {
	case d.Withheld == 1:
		text += "; a changeset does not come"
	case d.Withheld > 1:
		text += fmt.Sprintf("; %d changesets do not come", d.Withheld)
	}
	return text
}

// wereHere is the verb for so many.
func wereHere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// areOpen is wereHere of now.
func areOpen(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// counted returns a number with its noun: "1 changeset", "2 changesets".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
