package accidents

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// views returns what the replicas of these people show, and who says that he made what: all that a program can tell of them.
func views(who ...string) func(fs afero.Fs) (string, error) {
	return func(fs afero.Fs) (string, error) {
		var b strings.Builder
		for _, name := range who {
			if err := view(&b, dir(fs, name)); err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
		}
		return b.String(), nil
	}
}

func view(b *strings.Builder, fs afero.Fs) error {
	r, err := replica.Open(fs, options("reader", time.Time{}, ""))
	if err != nil {
		return err
	}
	for _, l := range []*replica.Log{r.Resolutions(), r.Log()} {
		if err := viewLog(b, l); err != nil {
			return err
		}
	}
	return show(b, r)
}

// viewLog tells who a log says that it is, and its rows.
func viewLog(b *strings.Builder, l *replica.Log) error {
	former, err := l.Former()
	if err != nil {
		return err
	}
	fmt.Fprintln(b, l.UUID(), former)
	for row, err := range l.Rows(1, l.Latest()) {
		if err != nil {
			return err
		}
		c, err := l.Changeset(row)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "%d %s", row.Seq, row.ID)
		for _, ch := range c.Changes {
			fmt.Fprint(b, " ", ch.Record.Type, ch.Parents)
		}
		fmt.Fprintln(b)
	}
	return nil
}

// show tells what people see.
func show(b *strings.Builder, r *replica.Replica) error {
	shown, err := replicatest.Look(r, changeset.RecordID.String)
	b.WriteString(shown.String())
	return err
}

// shows is what people see of a replica, which does not hang on how often somebody voted, or on the names of replicas.
func shows(who string) func(fs afero.Fs) (string, error) {
	return func(fs afero.Fs) (string, error) {
		r, err := replica.Open(dir(fs, who), options("reader", time.Time{}, ""))
		if err != nil {
			return "", err
		}
		shown, err := replicatest.Look(r, changeset.RecordID.String)
		return shown.Records + shown.Conflicts, err
	}
}

// maybe is views of a replica that may not be there yet.
func maybe(who string) func(fs afero.Fs) (string, error) {
	return func(fs afero.Fs) (string, error) {
		text, err := views(who)(fs)
		if isAbsent(err) {
			return "there is no replica", nil
		}
		return text, err
	}
}

// isAbsent reports whether an error says that no replica is there, or that it is still being made.
func isAbsent(err error) bool {
	var damage *replica.DamageError
	return errors.Is(err, replica.ErrNotReplica) || errors.As(err, &damage) && damage.Path == changeset.ReplicaVersionFile
}

// sound returns a function that lists what is wrong with the replicas. What is harmless may be there, as long as nothing was written after the accident;
// after that, files that no name leads to alone: they take space, and nothing else.
func sound(who ...string) func(fs afero.Fs, worked bool) []string {
	return func(fs afero.Fs, worked bool) (faults []string) {
		for _, name := range who {
			if absent(dir(fs, name)) {
				continue
			}
			err := replica.Check(context.Background(), dir(fs, name), replica.Options{}, func(p replica.Problem) {
				if !p.Harmless || worked && !inert(p) {
					faults = append(faults, fmt.Sprintf("%s/%s: %s", name, p.Path, p.Text))
				}
			}, nil)
			if err != nil {
				faults = append(faults, fmt.Sprintf("%s: %v", name, err))
			}
		}
		return faults
	}
}

func absent(fs afero.Fs) bool {
	_, err := replica.Open(fs, replica.Options{})
	return isAbsent(err)
}

// inert reports whether a problem is a temporary file, or an object that nothing names.
func inert(p replica.Problem) bool {
	return durable.IsTemp(p.Path) || strings.Contains(p.Path, "cas/")
}
