package crowd

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

var crowdTime = flag.Duration("crowd", time.Second/2, "how long the crowd works")

// Eight write in all ways there are, and eight read, each with a replica of his own over the same files. Every reader sees what was committed: twins, which are only
// changed together, agree; nothing goes back; fsck finds nothing.
func TestManyWriteAndReadAtOnce(t *testing.T) {
	for name, fsys := range map[string]afero.Fs{"disk": afero.NewBasePathFs(afero.NewOsFs(), t.TempDir()), "memory": crashfs.New()} {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, fsys)
			c.work(*crowdTime)
			t.Log(c.counts())
			replicatest.Faultless(t, c.home, "in the end")
			replicatest.Faultless(t, c.mirror, "the mirror in the end")
		})
	}
}

// crowd is a replica at which many are at work, a mirror of it, and a neighbour with whom it exchanges changesets.
type crowd struct {
	t                       *testing.T
	home, mirror, neighbour afero.Fs
	twins                   [2]changeset.RecordID
	disputed                changeset.RecordID
	written, read           [8]atomic.Int64
}

func newCrowd(t *testing.T, fsys afero.Fs) *crowd {
	c := &crowd{t: t}
	for name, sub := range map[string]*afero.Fs{"home": &c.home, "mirror": &c.mirror, "neighbour": &c.neighbour} {
		check(t, fsys.MkdirAll(name, 0o777))
		*sub = afero.NewBasePathFs(fsys, name)
	}
	r := replicatest.Init(t, c.home, replica.Options{Where: "home"})
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		for i := range c.twins {
			if c.twins[i], err = e.Create("Twin", map[string]string{"n": "1"}); err != nil {
				return err
			}
		}
		c.disputed, err = e.Create("Disputed", map[string]string{"n": "1"})
		return err
	})
	_, _, err := psync.Clone(context.Background(), c.neighbour, r, replica.Options{Where: "neighbour"}, psync.Options{})
	check(t, err)
	_, err = psync.Publish(context.Background(), r, c.mirror, psync.PublishOptions{Flat: true})
	check(t, err)
	return c
}

func open(fsys afero.Fs, where string) (*replica.Replica, error) {
	return replica.Open(fsys, replica.Options{Where: where, Sleep: func(time.Duration) {}})
}

// work lets all work for some time, each at least once.
func (c *crowd) work(d time.Duration) {
	end := time.Now().Add(d)
	var group sync.WaitGroup
	for i, write := range []func(*replica.Replica, int) error{c.count, c.count, c.create, c.remove, c.pull, c.resolve, c.imports, c.publish} {
		group.Go(func() {
			for n := 1; n == 1 || time.Now().Before(end); n++ {
				if err := c.writes(write, n); err != nil {
					c.t.Errorf("writer %d: %v", i, err)
					return
				}
				c.written[i].Add(1)
			}
		})
	}
	for i := range c.read {
		group.Go(func() {
			var last seen
			for n := 1; n == 1 || time.Now().Before(end); n++ {
				if err := c.look(i, n, &last); err != nil {
					c.t.Errorf("reader %d: %v", i, err)
					return
				}
				c.read[i].Add(1)
			}
		})
	}
	group.Wait()
}

func (c *crowd) counts() string {
	var w, r int64
	for i := range c.written {
		w, r = w+c.written[i].Load(), r+c.read[i].Load()
	}
	return fmt.Sprintf("%d times something was written, %d times all was read", w, r)
}

func (c *crowd) writes(write func(*replica.Replica, int) error, n int) error {
	r, err := open(c.home, "home")
	if err != nil {
		return err
	}
	return write(r, n)
}

func edit(r *replica.Replica, f func(e *replica.Edit) error) error {
	_, err := r.Edit(context.Background(), f)
	return err
}

// count adds one to both twins.
func (c *crowd) count(r *replica.Replica, _ int) error {
	return edit(r, func(e *replica.Edit) error {
		for _, twin := range c.twins {
			props, _, err := e.Props(twin)
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(props["n"])
			if err != nil {
				return err
			}
			if err := e.Update(twin, map[string]string{"n": strconv.Itoa(n + 1)}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *crowd) create(r *replica.Replica, n int) error {
	return edit(r, func(e *replica.Edit) error {
		_, err := e.Create("Note", map[string]string{"text": strconv.Itoa(n)})
		return err
	})
}

// remove makes a record and claims it, and deletes it if that holds still.
func (c *crowd) remove(r *replica.Replica, _ int) error {
	var rec changeset.RecordID
	if err := edit(r, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Job", map[string]string{"status": "new"})
		return err
	}); err != nil {
		return err
	}
	return edit(r, func(e *replica.Edit) error {
		return errors.Join(e.Expect(rec, map[string]string{"status": "new"}), e.Delete(rec))
	})
}

// pull brings what the neighbour has written: rivals, now and then.
func (c *crowd) pull(r *replica.Replica, n int) error {
	from, err := open(c.neighbour, "neighbour")
	if err != nil {
		return err
	}
	if err := edit(from, func(e *replica.Edit) error {
		return e.Update(c.disputed, map[string]string{"n": "neighbour " + strconv.Itoa(n)})
	}); err != nil {
		return err
	}
	_, err = psync.Pull(context.Background(), r, from, psync.Options{})
	return err
}

// resolve writes what the neighbour writes too, and decides.
func (c *crowd) resolve(r *replica.Replica, n int) error {
	return edit(r, func(e *replica.Edit) error {
		return e.Update(c.disputed, map[string]string{"n": "home " + strconv.Itoa(n)})
	})
}

// imports brings a line more each time.
func (c *crowd) imports(r *replica.Replica, n int) error {
	var lines []byte
	for i := range min(n, 256) {
		lines = fmt.Appendf(lines, `{"created":"2026-01-01 10:00:00","creator":"x","changes":[{"op":"create","type":"Alarm","uuid":"3f1f7a52-5b5c-4f6e-9c1f-0a6f2d1c9b%02x","props":{"n":"%d"}}]}`+"\n", i, i)
	}
	src, err := psync.NewSource("alarms.jsonl", bytes.NewReader(lines), nil, "")
	if err != nil {
		return err
	}
	defer src.Close()
	_, err = psync.Import(context.Background(), r, "alarms", src, psync.ImportOptions{})
	return err
}

func (c *crowd) publish(r *replica.Replica, _ int) error {
	_, err := psync.Publish(context.Background(), r, c.mirror, psync.PublishOptions{Flat: true})
	return err
}

// seen is what a reader saw last.
type seen struct {
	rows, votes uint32
	twins, n    int
}

// look reads the replica, the mirror in a clone, or all of it.
func (c *crowd) look(reader, n int, last *seen) error {
	switch {
	case reader == 7:
		from, err := open(c.mirror, "mirror")
		if err != nil {
			return err
		}
		r, _, err := psync.Clone(context.Background(), crashfs.New(), from, replica.Options{}, quick)
		if err != nil {
			return err
		}
		return c.agree(r, &seen{})
	case reader == 6 || n%50 == reader:
		var found error
		err := replica.Check(context.Background(), c.home, replica.Options{}, func(p replica.Problem) {
			if !p.Harmless {
				found = errors.Join(found, fmt.Errorf("fsck: %s: %s", p.Path, p.Text))
			}
		}, nil)
		return errors.Join(err, found)
	}
	time.Sleep(time.Duration((reader+n)%3) * time.Millisecond) // so that writers get their turn
	r, err := open(c.home, "home")
	if err != nil {
		return err
	}
	if err := c.agree(r, last); err != nil {
		return err
	}
	if r.Latest() < last.rows || r.Resolutions().Latest() < last.votes {
		return fmt.Errorf("there are %d rows and %d votes; there were %d and %d", r.Latest(), r.Resolutions().Latest(), last.rows, last.votes)
	}
	last.rows, last.votes = r.Latest(), r.Resolutions().Latest()
	return nil
}

// agree makes sure that the twins are alike, and not less than they were.
func (c *crowd) agree(r *replica.Replica, last *seen) error {
	var n [2]string
	for i, twin := range c.twins {
		state, err := r.State(twin)
		if err != nil {
			return err
		}
		n[i] = state.Props["n"]
	}
	now, err := strconv.Atoi(n[0])
	if err != nil || n[0] != n[1] || now < last.twins {
		return fmt.Errorf("the twins are %q, and were %d: %v", n, last.twins, err)
	}
	last.twins = now
	notes := 0
	for _, err := range r.All("Note") {
		if err != nil {
			return err
		}
		notes++
	}
	if notes < last.n {
		return fmt.Errorf("there are %d notes, and were %d", notes, last.n)
	}
	last.n = notes
	return nil
}
