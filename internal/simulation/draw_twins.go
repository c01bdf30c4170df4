package simulation

import (
	"fmt"
	"math/rand/v2"
	"time"

	"prophet/changeset"
)

// roles say who is who in a scene, by number. The twin and the third are copies of ann that are still to be made; the last one is -1 where nobody uses the original.
type roles struct{ ann, bob, carol, dave, twin, third, old int }

// drawTwins makes a history in which replicas have one identity, in one of the ways that chance hardly ever brings about, with some steps at random after that.
func drawTwins(seed uint64, old bool) *History {
	d := &drawing{Rand: rand.New(rand.NewPCG(seed, 17)), h: &History{Seed: seed}, crew: 6, records: 1, whom: pairs, mixture: twins, doubled: true}
	d.h.Mixture = d.name
	d.drawMembers()
	who := append(d.Perm(4), 4, 5)
	for i := range d.crew {
		d.h.Members[i].Late, d.there[i] = i > 3, i < 4
	}
	c := roles{who[0], who[1], who[2], who[3], who[4], who[5], -1}
	scenes := []func(*drawing, roles){(*drawing).onTop, (*drawing).votesOfBoth, (*drawing).backToFront, (*drawing).backToFront, (*drawing).sameTail, (*drawing).sameEnds}
	if old {
		c.old = d.crew
		d.h.Members = append(d.h.Members, Member{Name: names[c.old], Old: true})
		scenes = append(scenes, (*drawing).onTopOfForwarded, (*drawing).onTopOfForwarded, (*drawing).inItsRow)
	}
	d.add(Step{Do: Create, Who: c.ann, Record: 1, Writes: d.writes(2)})
	for _, who := range []int{c.bob, c.carol, c.dave} {
		d.pull(who, c.ann)
	}
	if c.old >= 0 {
		d.pull(c.old, c.ann)
	}
	pick(d, scenes...)(d, c)
	for range d.IntN(6) {
		d.drawStep()
	}
	return d.h
}

func (d *drawing) pull(who, whom int) { d.add(Step{Do: Pull, Who: who, Whom: whom}) }

// edit draws an edit of ticket 1 by each of these.
func (d *drawing) edit(who ...int) {
	for _, w := range who {
		d.add(Step{Do: Update, Who: w, Record: 1, Writes: []Write{{pick(d, "a", "a", "a", "b"), fmt.Sprint(d.IntN(90))}}})
	}
}

func (d *drawing) copyOf(who, whom int) {
	d.add(Step{Do: Copy, Who: who, Whom: whom})
	d.there[who] = true
}

// onTop draws an edit on top of one that is then named anew by somebody who knows its maker, but not the one on top.
func (d *drawing) onTop(c roles) {
	d.copyOf(c.twin, c.ann)
	d.edit(c.ann)
	d.pull(c.bob, c.ann)
	d.pull(c.ann, c.bob)
	d.edit(c.twin)
	d.pull(c.ann, c.twin)
	d.edit(c.bob)
	d.pull(c.ann, c.bob)
}

// onTopOfForwarded is onTop where the edit on top comes from a user of the original first.
func (d *drawing) onTopOfForwarded(c roles) {
	d.copyOf(c.twin, c.ann)
	d.edit(c.ann)
	d.pull(c.bob, c.ann)
	d.edit(c.bob)
	d.pull(c.old, c.bob)
	d.pull(c.ann, c.old)
	d.pull(c.ann, c.bob)
	d.edit(c.twin)
	d.pull(c.ann, c.twin)
}

// inItsRow draws a deletion by a copy that comes to the one who was copied by a user of the original, and there, by what else comes, into the row of its number.
func (d *drawing) inItsRow(c roles) {
	d.copyOf(c.twin, c.ann)
	d.add(Step{Do: Update, Who: c.old, Record: 1, Writes: d.h.Steps[0].Writes}) // as it is: the twin's edit names that as the old value
	d.edit(c.twin)
	d.pull(c.old, c.twin)
	d.pull(c.twin, c.old) // which logs a nullification and a resolution too
	d.add(Step{Do: Delete, Who: c.twin, Record: 1})
	d.edit(c.old, c.old)
	d.pull(c.old, c.twin)
	d.pull(c.ann, c.old)
}

// votesOfBoth draws decisions of twins, each of which is a vote.
func (d *drawing) votesOfBoth(c roles) {
	d.edit(c.bob)
	d.copyOf(c.twin, c.ann)
	for _, who := range []int{c.ann, c.twin} {
		d.edit(who)
		d.pull(who, c.bob)
		d.add(Step{Do: Decide, Who: who, Pick: d.IntN(1000)})
	}
	d.pull(c.ann, c.twin)
}

// backToFront draws a third copy whose edit has a number, but is without one before it, and stands above the first that is named anew. Somebody has a part of that.
func (d *drawing) backToFront(c roles) {
	erin := c.bob
	d.copyOf(c.twin, c.ann)
	d.copyOf(c.third, c.twin)
	d.edit(c.carol)
	d.pull(c.third, c.carol)
	d.edit(c.third, c.ann, c.twin)
	d.pull(c.carol, c.ann)
	d.pull(c.carol, c.third)
	d.pull(c.dave, c.third)
	d.pull(c.dave, c.carol)
	d.pull(c.ann, c.twin)
	d.pull(c.dave, c.ann)
	if d.IntN(3) > 0 {
		d.edit([]int{c.carol}[:d.IntN(2)]...)
		d.add(Step{Do: PullPart, Who: erin, Whom: c.dave, Cut: 1 + d.IntN(2)})
		d.pull(c.carol, erin)
	}
}

// sameTail draws one who puts back a backup and goes on with another row in the place of one, and the same after it.
func (d *drawing) sameTail(c roles) {
	d.h.Lines = d.sourceOf(1)
	d.news2(c)
	d.add(Step{Do: Backup, Who: c.ann})
	d.pull(c.ann, c.bob)
	d.add(Step{Do: Import, Who: c.ann, Pick: 1})
	d.pull(c.dave, c.ann)
	d.add(Step{Do: PutBack, Who: c.ann})
	d.pull(c.ann, c.carol)
	d.add(Step{Do: Import, Who: c.ann, Pick: 1})
	d.pull(c.dave, c.ann)
}

// sameEnds draws two copies whose logs differ in one row, with more after that than a mark remembers.
func (d *drawing) sameEnds(c roles) {
	const rows = 66
	d.h.Lines = d.sourceOf(rows)
	d.news2(c)
	d.copyOf(c.twin, c.ann)
	d.pull(c.ann, c.bob)
	d.pull(c.twin, c.carol)
	for _, who := range []int{c.ann, c.twin} {
		d.add(Step{Do: Import, Who: who, Pick: rows})
		d.pull(c.dave, who)
	}
}

// news2 lets bob and carol have something new each, that clashes with nothing.
func (d *drawing) news2(c roles) {
	for i, who := range []int{c.bob, c.carol} {
		d.add(Step{Do: Create, Who: who, Record: 8 + i, Writes: d.writes(1)})
	}
}

// sourceOf is a foreign source of so many lines about a ticket of which nobody else knows.
func (d *drawing) sourceOf(n int) (lines []string) {
	op := "create"
	for i := range n {
		created := beginning.Add(time.Duration(i) * time.Second).Format(changeset.TimeFormat)
		lines = append(lines, fmt.Sprintf(`{"created":"%s","creator":"tracker","changes":[{"op":"%s","type":"%s","uuid":"%s","props":{"a":"%d"}}]}`+"\n",
			created, op, record(7).Type, record(7).UUID, i))
		op = "update"
	}
	return lines
}

// twins is what may follow a scene.
var twins = mixture{"twins", []weight{{Update, 20}, {Delete, 3}, {Restore, 3}, {Decide, 6}, {Pull, 20}, {Push, 8}, {PullPart, 2}, {Reidentify, 1}, {Publish, 2}, {PullMirror, 3}}, 0}
