package simulation

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"prophet/changeset"
	psync "prophet/sync"
)

// names are those of the members.
var names = []string{"ann", "bob", "carol", "dave", "erin", "finn", "gus"}

// drawing is a history that is being drawn.
type drawing struct {
	*rand.Rand
	h       *History
	at      int // seconds
	records int
	crew    int    // members that are not copies
	mixture        // of actions
	there   []bool // members that have come
	doubled bool   // two replicas may get one identity
	whom    func(d *drawing, who int) int
}

type weight struct {
	do    Action
	times int
}

// mixture is what a history is mixed of.
type mixture struct {
	name     string
	weights  []weight
	settings int // of twelve rounds so many are quarrels about a setting
}

// Draw makes a history. It depends on the seed alone.
func Draw(seed uint64) *History { return draw(seed, false) }

// DrawWithOld makes a history in which one or two members use the original.
func DrawWithOld(seed uint64) *History { return draw(seed, true) }

func draw(seed uint64, old bool) *History {
	if seed%8 == 5 || seed%32 == 12 {
		return drawTwins(seed, old)
	}
	d := &drawing{Rand: rand.New(rand.NewPCG(seed, 11)), h: &History{Seed: seed}}
	d.crew = pick(d, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7)
	d.records = pick(d, 1, 1, 2, 3)
	d.drawMembers()
	if old {
		d.drawOld()
	}
	d.mixture = pick(d, mixed, mixed, quarrels, lives, ballotsAndSettings, journeys)
	if d.doubled = d.IntN(4) == 0; d.doubled {
		d.mixture = doubles
	}
	d.h.Mixture = d.name
	if old && d.doubled {
		d.drawCopies()
	}
	topology := pick(d, line, star, ring, pairs, pairs, pairs, partition)
	d.whom = topology
	d.h.Lines = d.lines()
	if d.IntN(2) == 0 {
		d.add(Step{Do: Set, Record: 1 + d.IntN(2), Writes: []Write{{"content", pick(d, `["max"]`, `["min"]`, `["union"]`, `["sum"]`, `["ask"]`)}}})
	}
	d.start()
	for range 3 + d.IntN(2*d.crew+1) {
		switch chance := d.IntN(12); {
		case chance < 2:
			d.clash()
			continue
		case chance < 2+d.settings:
			d.quarrel()
			continue
		case chance < 5 && d.doubled, chance < 8 && d.doubled && old:
			d.double()
			continue
		}
		for range 3 {
			d.drawStep()
		}
	}
	return d.h
}

func pick[T any](d *drawing, from ...T) T { return from[d.IntN(len(from))] }

// drawMembers lets some of them come late, and have clocks that are wrong.
func (d *drawing) drawMembers() {
	for i := range d.crew {
		m := Member{Name: names[i], Ahead: pick(d, 0, 0, 0, 2*time.Second, time.Minute, 3*time.Hour, -5*time.Hour)}
		m.Late = i > 1 && d.IntN(3) == 0
		d.h.Members = append(d.h.Members, m)
		d.there = append(d.there, !m.Late)
	}
}

// drawOld lets the last one or two use the original, and perhaps only one of them meet the others.
func (d *drawing) drawOld() {
	last := &d.h.Members[d.crew-1]
	last.Old, last.Late = true, false
	d.there[d.crew-1] = true
	if d.crew > 3 && d.IntN(2) == 0 {
		other := &d.h.Members[d.crew-2]
		other.Old, other.Late = true, false
		d.there[d.crew-2] = true
		last.Aside = d.IntN(2) == 0
	}
}

// drawCopies adds members that come late, so that there are several copies of one replica beside those who use the original.
func (d *drawing) drawCopies() {
	for range min(1+d.IntN(3), len(names)-d.crew) {
		d.h.Members = append(d.h.Members, Member{Name: names[d.crew], Ahead: pick(d, 0, 0, time.Minute, -5*time.Hour), Late: true})
		d.there = append(d.there, false)
		d.crew++
	}
}

// The mixtures of actions. Each brings out other clashes.
var (
	mixed = mixture{"mixed", []weight{{Create, 8}, {Update, 22}, {UpdateTwo, 6}, {Delete, 6}, {Restore, 5}, {Decide, 8}, {Set, 4}, {Vote, 3}, {Pull, 20}, {Push, 10},
		{PullPart, 3}, {PullCrash, 2}, {PullVotes, 2}, {Publish, 2}, {PullMirror, 3}, {Import, 4}}, 1}
	quarrels           = mixture{"quarrels", []weight{{Create, 5}, {Update, 40}, {UpdateTwo, 6}, {Decide, 14}, {Pull, 20}, {Push, 10}, {PullPart, 3}}, 0}
	lives              = mixture{"lives", []weight{{Create, 12}, {Update, 14}, {Delete, 16}, {Restore, 12}, {Decide, 6}, {Pull, 22}, {Push, 10}, {Import, 3}}, 0}
	ballotsAndSettings = mixture{"ballots and settings", []weight{{Create, 5}, {Update, 22}, {Set, 14}, {Decide, 16}, {Vote, 12}, {PullVotes, 8}, {Pull, 18},
		{Push, 8}, {PullPart, 4}}, 4}
	journeys = mixture{"journeys", []weight{{Create, 6}, {Update, 22}, {Delete, 4}, {Restore, 3}, {Decide, 6}, {Pull, 18}, {Push, 8}, {PullPart, 4}, {PullCrash, 5},
		{Publish, 3}, {PullMirror, 9}, {Import, 4}}, 0}
	doubles = mixture{"doubles", []weight{{Create, 8}, {Update, 26}, {UpdateTwo, 3}, {Delete, 5}, {Restore, 4}, {Decide, 6}, {Pull, 20}, {Push, 8}, {PullPart, 2},
		{Backup, 7}, {PutBack, 5}, {Copy, 3}, {Reidentify, 2}, {Publish, 2}, {PullMirror, 3}}, 0}
)

// Who pulls from whom.
func line(d *drawing, who int) int {
	switch who {
	case 0:
		return 1
	case d.crew - 1:
		return who - 1
	}
	return who + pick(d, -1, 1)
}

func star(d *drawing, who int) int {
	if who > 0 {
		return 0
	}
	return pairs(d, who)
}

func ring(d *drawing, who int) int { return (who + 1) % d.crew }

func pairs(d *drawing, who int) int { return (who + 1 + d.IntN(d.crew-1)) % d.crew }

// partition keeps the even and the odd apart for a time.
func partition(d *drawing, who int) int {
	whom := pairs(d, who)
	if len(d.h.Steps) < 30 && (whom-who)%2 != 0 {
		return who
	}
	return whom
}

// start lets somebody make the records, and most get them. Some make one of the same UUID themselves.
func (d *drawing) start() {
	for n := range d.records {
		d.add(Step{Do: Create, Who: d.IntN(2), Record: n + 1, Writes: d.writes(2)})
	}
	for i := range d.crew {
		switch d.IntN(6) {
		case 0:
		case 1:
			d.add(Step{Do: Create, Who: i, Record: 1 + d.IntN(d.records), Writes: d.writes(1)})
		default:
			d.add(Step{Do: Pull, Who: i, Whom: d.IntN(2)})
		}
	}
}

// clash draws what leads to a conflict in a property, or in the existence of a record, and to what people do about it.
func (d *drawing) clash() {
	one := d.IntN(d.crew)
	two := (one + 1 + d.IntN(d.crew-1)) % d.crew
	n, ws := 1+d.IntN(d.records), d.writes(1)
	other := []Write{{ws[0].Prop, ws[0].Value + pick(d, "5", " z", "", ".0")}}
	d.add(Step{Do: Pull, Who: one, Whom: two})
	d.add(Step{Do: Pull, Who: two, Whom: one})
	d.add(Step{Do: pick(d, Update, Update, Update, UpdateTwo), Who: one, Record: n, Also: n%d.records + 1, Writes: ws})
	d.add(Step{Do: pick(d, Update, Update, Update, Delete), Who: two, Record: n, Writes: other})
	d.add(Step{Do: pick(d, Pull, Pull, PullPart, PullVotes), Who: one, Whom: two, Cut: 1})
	d.add(Step{Do: pick(d, Pull, Pull, PullPart, PullVotes), Who: two, Whom: one, Cut: 1})
	for _, who := range []int{one, two}[:d.IntN(3)] {
		s := Step{Do: pick(d, Decide, Decide, Decide, Vote, Vote, Update, Delete, Restore), Who: who, Record: n, Writes: d.writes(1 + d.IntN(2)), Pick: d.IntN(1000)}
		s.Cut = 1 + d.IntN(2)
		s.Also = pick(d, s.Cut, s.Cut, s.Cut, 3-s.Cut)
		d.add(s)
	}
	if d.IntN(6) == 0 {
		d.ballot(one, false)
	}
	d.add(Step{Do: pick(d, PullVotes, PullPart, Pull), Who: d.IntN(d.crew), Whom: one, Cut: 1})
}

// double draws what leads to two replicas with one identity: a copy, or a backup that is put back. Both are edited, and a third meets both.
func (d *drawing) double() {
	who := d.IntN(d.crew)
	third := (who + 1 + d.IntN(d.crew-1)) % d.crew
	twin := who
	edit := func(who int) {
		d.add(Step{Do: pick(d, Update, Update, Create, Delete, Restore), Who: who, Record: 1 + d.IntN(d.records), Writes: d.writes(1)})
	}
	for i, there := range d.there {
		if !there && i != who && i != third {
			twin = i
		}
	}
	if twin == who {
		d.add(Step{Do: Backup, Who: who})
	} else {
		d.add(Step{Do: Copy, Who: twin, Whom: who})
		d.there[twin] = true
	}
	edit(who)
	d.add(Step{Do: pick(d, Pull, Publish), Who: pick(d, third, who), Whom: who})
	if twin == who {
		d.add(Step{Do: PutBack, Who: who})
	}
	edit(twin)
	d.add(Step{Do: pick(d, Pull, Pull, Delete), Who: third, Whom: twin, Record: 1})
	if d.IntN(2) == 0 {
		d.add(Step{Do: Pull, Who: twin, Whom: third})
		edit(twin)
	}
}

func (d *drawing) add(s Step) {
	d.at += pick(d, 0, 0, 0, 1, 1, 5, 60)
	if s.Do == PutBack { // takes a moment; two edits of one person in one second, which both write nothing but null, are one to the account
		d.at++
	}
	s.N, s.At = len(d.h.Steps)+1, d.at
	d.h.Steps = append(d.h.Steps, s)
}

func (d *drawing) drawStep() {
	who := d.IntN(d.crew)
	if !d.there[who] {
		d.come(who)
		return
	}
	s := Step{Do: d.action(), Who: who, Record: 1 + d.IntN(d.records), Writes: d.writes(1 + d.IntN(2)), Pick: d.IntN(1000)}
	if s.meets() {
		s.Whom = d.whom(d, who)
	}
	switch s.Do {
	case UpdateTwo:
		s.Also = s.Record%d.records + 1
	case Set:
		s.Record, s.Writes = 1+d.IntN(len(labels)), []Write{d.rule()}
	case Vote:
		s.Cut = 1 + d.IntN(2)
		s.Also = pick(d, s.Cut, s.Cut, s.Cut, 3-s.Cut)
	case Pull, Push:
		s.Prefer = pick(d, psync.PreferNone, psync.PreferNone, psync.PreferNone, psync.PreferNone, psync.PreferFrom, psync.PreferTo)
	case PullPart:
		s.Cut = 1 + d.IntN(3)
	case PullCrash:
		s.Cut = d.IntN(10_000)
		d.news(s.Whom)
	case PullMirror:
		if d.IntN(4) > 0 {
			d.news(s.Whom)
			d.add(Step{Do: Publish, Who: s.Whom})
		}
	case Import:
		s.Pick, s.Prefer = 1+d.IntN(len(d.h.Lines)), pick(d, psync.PreferNone, psync.PreferNone, psync.PreferFrom, psync.PreferTo)
	}
	d.add(s)
}

// rule draws what a setting may say.
func (d *drawing) rule() Write {
	return Write{"content", pick(d, `["max"]`, `["min"]`, `["union"]`, `["sum"]`, `["sum"]`, `["ask"]`, `["latest"]`, "other")}
}

// news lets somebody have something new.
func (d *drawing) news(who int) {
	d.add(Step{Do: Update, Who: who, Record: 1 + d.IntN(d.records), Writes: d.writes(1)})
}

// come lets a member that is late come, in one of the ways in which that can be, from somebody who is there and uses no original.
func (d *drawing) come(who int) {
	whom := d.IntN(d.crew)
	if !d.there[whom] || d.h.Members[whom].Old {
		whom = 0
	}
	s := Step{Do: Clone, Who: who, Whom: whom}
	switch chance := d.IntN(3); {
	case chance < 2 && d.doubled:
		s.Do = Copy
	case chance == 0:
		d.add(Step{Do: Publish, Who: whom})
		s.Do = CloneMirror
	}
	d.add(s)
	d.there[who] = true
}

// quarrel draws two who set the same differently, apart, and what they or others do about it.
func (d *drawing) quarrel() {
	one := d.IntN(d.crew)
	two := (one + 1 + d.IntN(d.crew-1)) % d.crew
	n := 1 + d.IntN(len(labels))
	d.add(Step{Do: Pull, Who: one, Whom: two})
	d.add(Step{Do: Pull, Who: two, Whom: one})
	for _, who := range []int{one, two} {
		d.add(Step{Do: Set, Who: who, Record: n, Writes: []Write{d.rule()}})
	}
	d.add(Step{Do: pick(d, Pull, Pull, Push, PullVotes), Who: one, Whom: two, Cut: 1})
	for range d.IntN(4) {
		s := Step{Do: pick(d, Decide, Vote, Vote), Who: pick(d, one, one, two), Settings: true, Pick: d.IntN(1000), Cut: 1 + d.IntN(3)}
		s.Also = s.Cut
		d.add(s)
	}
	if d.IntN(3) == 0 {
		d.ballot(one, true)
	}
	d.add(Step{Do: pick(d, PullVotes, Pull), Who: d.IntN(d.crew), Whom: one, Cut: 1})
}

// ballot draws two outsiders who vote for different rivals, one of them twice.
func (d *drawing) ballot(who int, settings bool) {
	n := d.IntN(1000)
	for i, outsider := range []int{1, 1, 2} {
		d.add(Step{Do: Vote, Who: who, Settings: settings, Pick: n + i/2, Cut: outsider, Also: outsider})
	}
}

func (d *drawing) action() Action {
	total := 0
	for _, w := range d.weights {
		total += w.times
	}
	n := d.IntN(total)
	for _, w := range d.weights {
		if n -= w.times; n < 0 {
			return w.do
		}
	}
	return Pull
}

// writes draws writes to different properties, of few values: numbers mostly to one, lists to the other.
func (d *drawing) writes(n int) (ws []Write) {
	values := [][]string{{"1", "10", "3.50", "-4", "", "1.0", "few"}, {"x", "y", "x y", "y, z", "", "1"}}
	for _, p := range d.Perm(2)[:n] {
		ws = append(ws, Write{[]string{"a", "b"}[p], pick(d, values[p]...)})
	}
	return ws
}

// lines draws a foreign source that has a life of its own for some records.
func (d *drawing) lines() (lines []string) {
	lives := map[int]bool{}
	for i := range 4 {
		n := 1 + d.IntN(d.records)
		op, props := "update", fmt.Sprintf(`,"props":{"a":"%d"}`, i)
		switch {
		case !lives[n]:
			op, props = "create", fmt.Sprintf(`,"props":{"a":"%d","b":""}`, i) // the original loses what is empty when it passes it on
		case d.IntN(4) == 0:
			op, props = "delete", ""
		}
		lives[n] = op != "delete"
		created := beginning.Add(time.Duration(d.IntN(200)) * time.Second).Format(changeset.TimeFormat)
		lines = append(lines, fmt.Sprintf(`{"created":"%s","creator":"tracker","changes":[{"op":"%s","type":"%s","uuid":"%s"%s}]}`+"\n",
			created, op, record(n).Type, record(n).UUID, strings.TrimSpace(props)))
	}
	return lines
}
