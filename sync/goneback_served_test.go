package sync_test

import (
	"errors"
	"maps"
	"path"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/replica"
)

// TestAReplicaServedAsItIsWithAsManyOtherRowsIsNoticed has a replica that is edited where a web server shows it, without a mark, put back from a backup, and go on up to the same number of rows: what came to it is pulled, and what was made
// there is a fork. With nothing new, its last rows are looked at, with a request more for each log that has some.
func TestAReplicaServedAsItIsWithAsManyOtherRowsIsNoticed(t *testing.T) {
	for _, c := range []struct {
		name     string
		on       func(testing.TB)
		requests int64
	}{{"format 1", replicatest.OnFormat1, 11}, {"format 2", replicatest.OnFormat2, 13}} {
		for server, modifiers := range servers {
			t.Run(c.name+" "+server, func(t *testing.T) {
				c.on(t)
				y := newYesterday(t, func(ann *replica.Replica, to afero.Fs) error {
					files := filesOf(t, ann.FS())
					for name, text := range files {
						if err := errors.Join(to.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(to, name, []byte(text), 0o666)); err != nil {
							return err
						}
					}
					return nil
				})
				srv := webtest.Static(t, y.mirror, modifiers...)
				pull(t, y.carol, openLocation(t, srv.URL))
				newTicket(t, y.dave)
				srv.Reset()
				if came, _, err := news(t, srv.URL, y.carol); came > 0 || err != nil || srv.Requests() != c.requests {
					t.Errorf("%d came, %v, with %d requests: %v", came, err, srv.Requests(), srv.Log())
				}
				now, back := filesOf(t, y.mirror), crashfs.New()
				for name, text := range y.before {
					y.must(errors.Join(back.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(back, name, []byte(text), 0o666)))
				}
				forked := back.Survivor(crashfs.Kill, 0)
				met := reopen(t, back, "back")
				pull(t, met, y.dave)
				if met.Latest() != y.ann.Latest() {
					t.Fatalf("%d rows, not %d", met.Latest(), y.ann.Latest())
				}
				y.put(filesOf(t, back))
				if came, _, err := news(t, srv.URL, y.carol); came != 1 || err != nil {
					t.Errorf("what came to it: %d came, %v", came, err)
				}
				y.put(now)
				pull(t, y.carol, openLocation(t, srv.URL))
				y.edit(reopen(t, forked, "forked"), "other")
				y.put(filesOf(t, forked))
				was, fork := filesOf(t, y.carol.FS()), new(replica.ForkError)
				for range 2 {
					if _, _, err := news(t, srv.URL, y.carol); !errors.As(err, &fork) {
						t.Errorf("what was made there: %v, want a fork", err)
					}
				}
				if !maps.Equal(filesOf(t, y.carol.FS()), was) {
					t.Error("the pull that failed left something behind")
				}
			})
		}
	}
}
