package replica_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/replicatest"
	"prophet/replica"
)

// A pull makes one transaction after another, each of which may take a second. Somebody with one edit to make comes in between.
func TestWhoHasManyLongTransactionsGivesWayToOthers(t *testing.T) {
	replicatest.WithLooseEdits(t) // a compressor that was made in a bubble would be used again outside of it
	synctest.Test(t, func(t *testing.T) {
		fsys := afero.NewMemMapFs()
		long := replicatest.Init(t, fsys, replica.Options{})
		short := replicatest.Open(t, fsys, replica.Options{})
		began := make(chan struct{})
		rounds, waited := 0, time.Duration(0)
		done := make(chan error)
		go func() {
			<-began
			start := time.Now()
			_, err := short.Edit(t.Context(), func(e *replica.Edit) error {
				waited = time.Since(start)
				_, err := e.Create("Note", nil)
				return err
			})
			done <- err
		}()
		for range 20 {
			err := long.Update(t.Context(), func(*replica.Tx) error {
				rounds++
				if rounds == 1 {
					close(began)
				}
				time.Sleep(time.Second)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if waited > 2*time.Second {
			t.Errorf("an edit beside %d transactions of a second each waited for %v", rounds, waited)
		}
	})
}

func TestAWriterWaitsAsLongAsItIsToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := afero.NewMemMapFs()
		holder := replicatest.Init(t, fsys, replica.Options{})
		said := 0
		hasty := replicatest.Open(t, fsys, replica.Options{Wait: 3 * time.Second, Waiting: func(string) { said++ }})
		err := holder.Update(t.Context(), func(*replica.Tx) error {
			start := time.Now()
			_, err := hasty.Edit(context.Background(), func(*replica.Edit) error { return errors.New("it was let in") })
			var busy *replica.BusyError
			if !errors.As(err, &busy) || time.Since(start) != 3*time.Second || said != 1 {
				t.Errorf("%v after %v, told %d times", err, time.Since(start), said)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
