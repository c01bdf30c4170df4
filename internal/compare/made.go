package main

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/afero"

	"prophet/internal/workload"
	"prophet/replica"
)

// A history is kept in every form: as lines and a stream, as a replica, as a bare git repository, as a checkout of that, as a Fossil repository.
type history struct {
	*scene
	name   string
	source workload.Source
}

// history is that of the scene.
func (s *scene) history() history { return history{s, "main", s.source} }

func (h history) lines() (string, error) {
	return h.have(h.name+".jsonl", func(path string) error { return writeFile(path, h.source.WriteLines) })
}

func (h history) stream() (string, error) {
	return h.have(h.name+".stream", func(path string) error {
		return writeFile(path, func(w io.Writer) error { return h.source.WriteStream(w, "") })
	})
}

func (h history) replica(ctx context.Context) (string, error) {
	lines, err := h.lines()
	if err != nil {
		return "", err
	}
	return h.have(h.name+".replica", func(path string) error {
		return h.do(ctx, h.prophet("init", "-r", path), h.prophet("import", lines, "-r", path))
	})
}

// mirror is one of the replica, in a directory of its own below the one that is returned.
func (h history) mirror(ctx context.Context) (string, error) {
	from, err := h.replica(ctx)
	if err != nil {
		return "", err
	}
	return h.have(h.name+".mirror", func(path string) error { return h.publish(ctx, from, path) })
}

func (h history) publish(ctx context.Context, from, to string) error {
	return h.do(ctx, h.prophet("publish", to, "-r", from))
}

// bare is a repository that a static web server can serve.
func (h history) bare(ctx context.Context) (string, error) {
	stream, err := h.stream()
	if err != nil {
		return "", err
	}
	return h.have(h.name+".git", func(path string) error {
		return h.do(ctx, h.git("init", "-q", "--bare", path), reading(stream, in(path, h.git("fast-import", "--quiet"))), in(path, h.git("update-server-info")))
	})
}

// checkout is a clone of bare with all files.
func (h history) checkout(ctx context.Context) (string, error) {
	bare, err := h.bare(ctx)
	if err != nil {
		return "", err
	}
	return h.have(h.name+".checkout", func(path string) error { return h.do(ctx, h.git("clone", "-q", bare, path)) })
}

// tickets is a Fossil repository, from changes of tickets as files.
func (h history) tickets(ctx context.Context) (string, error) {
	return h.have(h.name+".fossil", func(path string) error {
		dir := path + ".artifacts"
		if err := writeArtifacts(dir, h.source); err != nil {
			return err
		}
		return h.do(ctx, h.fossil("reconstruct", path, dir), h.fossil("user", "capabilities", "nobody", "gjorz", "-R", path))
	})
}

func writeArtifacts(dir string, source workload.Source) error {
	for c := range source.All() {
		name := filepath.Join(dir, c.Record.String()[:2], c.Record.String()+c.Created().Format("20060102150405"))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(c.Artifact()), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// openReplica opens a replica for work that is not measured.
func openReplica(dir string) (*replica.Replica, error) {
	return replica.Open(afero.NewBasePathFs(afero.NewOsFs(), dir), replica.Options{Creator: workload.Email})
}

// jsonSize is how many bytes all changesets of a replica have as canonical JSON.
func jsonSize(dir string) (size int64, err error) {
	r, err := openReplica(dir)
	if err != nil {
		return 0, err
	}
	for row, err := range r.Log().Rows(1, r.Latest()) {
		if err != nil {
			return 0, err
		}
		c, err := r.Log().Changeset(row)
		if err != nil {
			return 0, err
		}
		size += int64(len(c.Encode()))
	}
	return size, nil
}
