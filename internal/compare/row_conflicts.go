package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/workload"
	"prophet/replica"
)

const (
	someConflicts = 500
	manyConflicts = 5000
)

// conflictsRow pulls changes of a property that was changed here too, each in a changeset of its own. Git merges what it has fetched already.
func conflictsRow(ctx context.Context, s *scene) (o outcome, err error) {
	d := &dispute{scene: s}
	some := min(someConflicts, s.source.Records())
	few, err := d.settle(ctx, some)
	if err != nil {
		return o, err
	}
	o.measured = few
	o.verdicts = []verdict{times(fmt.Sprintf("%d conflicts", some), few[0], few[1], 1.0/3)}
	if s.source.Records() < manyConflicts {
		return o, nil
	}
	many, err := d.settle(ctx, manyConflicts)
	if err != nil {
		return o, err
	}
	o.measured = append(o.measured, many...)
	base := few[0]
	base.name = fmt.Sprintf("%d of them", some)
	o.verdicts = append(o.verdicts, times(fmt.Sprintf("%d conflicts", manyConflicts), many[0], base, 10), aside(fmt.Sprintf("%d conflicts", manyConflicts), many[0], many[1]))
	return o, nil
}

// dispute is between two clones, mine and theirs, and two branches of these names.
type dispute struct {
	*scene
	edited int // records, so far
}

// settle makes both sides change the same records, so many, and has one take over what the other did.
func (d *dispute) settle(ctx context.Context, conflicts int) ([]measured, error) {
	var mine, theirs, bare string
	return d.contest(ctx, d.opts.runs,
		side{fmt.Sprintf("prophet pull, %d conflicts", conflicts), d.programs.prophet, func(ctx context.Context) (err error) {
			mine, theirs, err = d.replicas(ctx, conflicts)
			return err
		}, func(ctx context.Context) (sample, error) {
			here := d.fresh("mine")
			if err := copyTree(here, mine); err != nil {
				return sample{}, err
			}
			d.calm()
			return d.total(ctx, d.prophet("pull", theirs, "--conflicts-ok", "-q", "-r", here))
		}},
		side{fmt.Sprintf("git merge, %d conflicts", conflicts), d.programs.git, func(ctx context.Context) (err error) {
			bare, err = d.branches(ctx, conflicts)
			return err
		}, func(ctx context.Context) (sample, error) {
			here := d.fresh("mine") + ".git"
			if err := d.do(ctx, d.git("clone", "-q", "-b", "mine", bare, here)); err != nil {
				return sample{}, err
			}
			d.calm()
			return d.total(ctx, in(here, d.git("merge", "-q", "-X", "theirs", "-m", "Merge", "origin/theirs")))
		}},
	)
}

// replicas returns two clones in which the first so many records differ.
func (d *dispute) replicas(ctx context.Context, records int) (mine, theirs string, err error) {
	from, err := d.history().replica(ctx)
	if err != nil {
		return "", "", err
	}
	clones := [2]string{"mine", "theirs"}
	for i, name := range clones {
		if clones[i], err = d.have(name, func(path string) error { return d.do(ctx, d.prophet("clone", from, path)) }); err != nil {
			return "", "", err
		}
		if err = d.edit(ctx, clones[i], name, d.edited, records); err != nil {
			return "", "", err
		}
	}
	d.edited = records
	return clones[0], clones[1], nil
}

// edit gives some records a status, each in a changeset of its own.
func (d *dispute) edit(ctx context.Context, path, name string, from, to int) error {
	r, err := openReplica(path)
	if err != nil {
		return err
	}
	return r.Update(ctx, func(tx *replica.Tx) error {
		for i := from; i < to; i++ {
			rec := changeset.RecordID{Type: workload.Type, UUID: d.source.Record(i)}
			_, err := tx.Edit(func(e *replica.Edit) error {
				return e.Update(rec, map[string]string{workload.Names[status]: opinion(name, rec.UUID)})
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// opinion is the status that a side gives a record.
func opinion(name string, record uuid.UUID) string {
	return fmt.Sprintf("of %s for %s", name, record)
}

// branches returns a bare repository with the branches mine and theirs, in which the first so many files differ in one line.
func (d *dispute) branches(ctx context.Context, files int) (string, error) {
	stream, err := d.history().stream()
	if err != nil {
		return "", err
	}
	edits := filepath.Join(d.dir, fmt.Sprintf("edits-%d.stream", files))
	if err := writeFile(edits, func(w io.Writer) error { return d.writeEdits(w, files) }); err != nil {
		return "", err
	}
	bare := filepath.Join(d.dir, fmt.Sprintf("branches-%d.git", files))
	return bare, d.do(ctx, d.git("init", "-q", "--bare", bare),
		reading(stream, in(bare, d.git("fast-import", "--quiet"))), reading(edits, in(bare, d.git("fast-import", "--quiet"))))
}

func (d *dispute) writeEdits(w io.Writer, files int) error {
	last := d.source.Last(files)
	for _, branch := range []string{"mine", "theirs"} {
		from := "refs/heads/main^0"
		for _, c := range last {
			c.Values[status] = opinion(branch, c.Record)
			if err := c.WriteCommit(w, branch, from); err != nil {
				return err
			}
			from = ""
		}
	}
	return nil
}
