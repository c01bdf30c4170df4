package sync

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"prophet/changeset"
)

const fetchers = 16 // requests at once

// What one transaction of a pull has at most, unless [Options.Batch] says less. Tests make it small.
var (
	batchRows  = 1024     // rows of the source
	batchBytes = 16 << 20 // fetched, and in the transaction, after which it is closed
)

// fetched is a changeset of the source.
type fetched struct {
	item
	c *changeset.Changeset
}

// batch is what a transaction integrates: the changesets of a run of the source's rows that are not known here,
// or about which the source may know more. Or err, and nothing after it.
type batch struct {
	changesets  []fetched
	rows        int           // of the source that the batch covers
	bookkeeping int           // of them
	lost        []fetched     // that the source has lost, and are not here
	last        changeset.Row // of them
	err         error
}

// fetch yields the rows in batches of so many at most. The next one is fetched while the caller works on one.
func fetch(ctx context.Context, list *items, rows int) iter.Seq[batch] {
	return func(yield func(batch) bool) {
		ctx, cancel := context.WithCancel(ctx)
		batches := make(chan batch)
		var producer sync.WaitGroup
		defer producer.Wait()
		defer cancel()
		producer.Go(func() {
			defer close(batches)
			for at, largest := 0, 0; at < list.len(); {
				b := fetchBatch(ctx, list.span(at, rows), &largest)
				at += b.rows
				select {
				case batches <- b:
				case <-ctx.Done():
					return
				}
				if b.err != nil {
					return
				}
			}
		})
		for b := range batches {
			if !yield(b) {
				return
			}
		}
	}
}

// fetchBatch fetches the first items, as many as one transaction should have.
func fetchBatch(ctx context.Context, items []item, largest *int) batch {
	got, err := fetchAll(ctx, items, largest)
	if err != nil {
		return batch{err: err}
	}
	b := batch{rows: len(got), last: got[len(got)-1].row}
	for _, f := range got {
		switch {
		case f.c == nil || f.mine.Key == f.row.Key && !bare(f.c): // nothing about it is new
		case f.c.Lost && f.mine.Seq > 0:
		case f.c.Lost && f.c.Bookkeeping():
			b.bookkeeping++
		case f.c.Lost:
			b.lost = append(b.lost, f)
		case f.c.Bookkeeping():
			b.bookkeeping++
		default:
			b.changesets = append(b.changesets, f)
		}
	}
	return b
}

// largeChangeset is how much memory a changeset takes, in bytes, that may be fetched in vain.
const largeChangeset = 1 << 20

// fetchAll fetches the changesets of the items in parallel, under the names that they have here, but not those of which nothing is new. It begins no more
// when it has batchBytes, drops the large ones that come after that, and returns what it has of the first items, one at least. So many are under way as would be
// no more than batchBytes if all were like the largest of the last ones, which it notes: one is dropped only where the sizes change.
func fetchAll(ctx context.Context, items []item, largest *int) ([]fetched, error) {
	got := make([]fetched, len(items))
	var size, most atomic.Int64
	var dropped atomic.Int64
	dropped.Store(int64(len(items)))
	group, ctx := errgroup.WithContext(ctx)
	var mu sync.Mutex
	begun := 0
	next := func() (i int, ok bool) { // the next item that is to be fetched
		mu.Lock()
		defer mu.Unlock()
		for begun < len(items) && size.Load() < int64(batchBytes) {
			i := begun
			begun++
			if got[i].item = items[i]; items[i].from != nil {
				return i, true
			}
		}
		return 0, false
	}
	for range min(len(items), max(1, min(fetchers, batchBytes/max(1, *largest)))) {
		group.Go(func() error { // one after the other: the stack of a goroutine grows but once
			for i, ok := next(); ok; i, ok = next() {
				if err := ctx.Err(); err != nil {
					return err
				}
				f := &got[i]
				c, err := f.taken(), error(nil)
				if c == nil {
					c, err = f.from.Changeset(f.there())
				}
				if err != nil {
					return err
				}
				n := int64(sizeOf(c))
				change(&most, func(was int64) int64 { return max(was, n) })
				if size.Add(n) > int64(batchBytes) && n > largeChangeset && i > 0 {
					change(&dropped, func(was int64) int64 { return min(was, int64(i)) })
					continue
				}
				f.apply(c)
				f.c = c
			}
			return nil
		})
	}
	err := group.Wait()
	*largest = int(most.Load())
	return got[:min(int64(begun), dropped.Load())], err
}

// change lets a number be what f makes of it.
func change(n *atomic.Int64, f func(was int64) int64) {
	for was := n.Load(); !n.CompareAndSwap(was, f(was)); was = n.Load() {
	}
}

// eachFetched fetches the changesets of the items, so many at a time as memory should hold, and calls do with each, in the order of the items.
func eachFetched(ctx context.Context, items iter.Seq[item], do func(fetched) error) error {
	next, stop := iter.Pull(items)
	defer stop()
	var list []item
	for largest := 0; ; {
		for len(list) < batchRows {
			it, ok := next()
			if !ok {
				break
			}
			list = append(list, it)
		}
		if len(list) == 0 {
			return nil
		}
		got, err := fetchAll(ctx, list, &largest)
		if err != nil {
			return err
		}
		for _, f := range got {
			if err := do(f); err != nil {
				return err
			}
		}
		list = slices.Delete(list, 0, len(got))
	}
}

// bare reports whether a changeset does not say of some record what its maker had seen.
func bare(c *changeset.Changeset) bool {
	return slices.ContainsFunc(c.Changes, func(ch changeset.Change) bool { return ch.Parents == nil })
}

// sizeOf estimates what a changeset takes in memory, in bytes.
func sizeOf(c *changeset.Changeset) (n int) {
	for _, ch := range c.Changes {
		n += 200
		for name, pc := range ch.Props {
			n += 100 + len(name) + len(pc.Old.Text) + len(pc.New.Text)
		}
	}
	return n
}
