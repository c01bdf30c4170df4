package durable

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spf13/afero"
)

// ErrCommitted is in the chain of an error of [Tx.Commit] that came after the commit: the new state is on the disk, but a small file is still the old one, or
// the journal is not emptied. The next [Recover] finishes it.
var ErrCommitted = errors.New("committed, but not finished")

// ErrUncertain is in the chain of an error of [Tx.Commit] after which nobody can tell what a power cut would leave, the old state or the new: the last rename
// was made, and could be flushed neither then nor when it was made again; or what is there could not be read. The next [Recover] settles it.
var ErrUncertain = errors.New("perhaps it is done, and perhaps a power cut would undo it")

var errUsed = errors.New("this transaction was committed before")

// Point is a small file whose new text is part of the commit; the last one is the commit itself.
// Old is its text now, without white space around it, "" if there is no such file. New is not empty,
// has no white space around it and at most 64 KiB.
type Point struct{ Name, Old, New string }

// Tx collects in memory what one commit will write; nothing is written before [Tx.Commit].
// A mistake in what is collected (a name outside the root, two contents for an object) is told by
// Commit. A Tx is for one goroutine and one commit.
type Tx struct {
	writer
	objects   []Content
	brought   []string // objects that go again where the commit is taken back
	growths   []*growth
	replaced  []Content
	rewritten *Content // the commit, if there is one
	uses      map[string]use
	fresh     []string // objects that Commit found absent
	size      int
	err       error
}

// use is what a file is to a transaction, with its place in the list of those.
type use struct {
	kind string
	i    int
}

// growth is what is appended to one file.
type growth struct {
	name   string
	at     int64 // the file's committed length
	data   []byte
	absent bool // there is no such file yet
	cut    bool // there are leftovers beyond at
}

// Begin returns an empty transaction over the replica that fs has at its root.
func Begin(fs afero.Fs) *Tx { return &Tx{writer: writer{fs: fs}, uses: map[string]use{}} }

// Size returns the number of bytes collected so far.
func (t *Tx) Size() int { return t.size }

// Put adds an object: a file that never changes. If it exists with the same bytes it is left
// alone; with other bytes it is damaged, and replaced. The Tx keeps data until Commit returns.
func (t *Tx) Put(name string, data []byte) {
	i, again := t.use("an object", name, len(t.objects))
	if again && !bytes.Equal(t.objects[i].Data, data) {
		t.fail(fmt.Errorf("put %s: two contents for one object", name))
	}
	if !again {
		t.objects = append(t.objects, Content{name, data})
		t.size += len(data)
	}
}

// Bring is [Tx.Put] of an object that goes again where the commit is taken back, by whoever does that, unless it was there before: others take what has such a name for committed. The journal tells of it, so
// Commit refuses one without a point that changes or a file to rewrite.
func (t *Tx) Bring(name string, data []byte) {
	t.Put(name, data)
	t.brought = append(t.brought, name)
}

// Append adds data to a growing file whose committed length is at bytes. What the file has beyond that is a leftover and
// goes. A second Append to the file continues the first: its at is where that one ends. Commit refuses a gap. The Tx copies data.
func (t *Tx) Append(name string, at int64, data []byte) {
	i, again := t.use("a growing file", name, len(t.growths))
	if !again {
		t.growths = append(t.growths, &growth{name: name, at: at})
	}
	if t.err != nil {
		return
	}
	g := t.growths[i]
	if end := g.at + int64(len(g.data)); at < 0 || at != end {
		t.fail(fmt.Errorf("append to %s at byte %d: its end is at byte %d", name, at, max(end, 0)))
	}
	g.data = append(g.data, data...)
	t.size += len(data)
}

// Replace gives a small file a new content, as soon as the commit is made. Of several, the last counts. The Tx keeps data until Commit returns.
func (t *Tx) Replace(name string, data []byte) {
	i, again := t.use("a replaced file", name, len(t.replaced))
	if !again {
		t.replaced = append(t.replaced, Content{Name: name})
	}
	if t.err != nil {
		return
	}
	t.size += len(data) - len(t.replaced[i].Data)
	t.replaced[i].Data = data
}

// Rewrite gives a large file a new content as a whole, and makes that the commit: it comes after the points, and readers see the old file or the new. The file
// must exist, and data must be another content. A transaction can rewrite one file. The Tx keeps data until Commit returns.
func (t *Tx) Rewrite(name string, data []byte) {
	if t.rewritten != nil {
		t.fail(fmt.Errorf("rewrite %s and %s in one transaction", t.rewritten.Name, name))
	}
	if _, again := t.use("a rewritten file", name, 0); again {
		t.fail(fmt.Errorf("rewrite %s twice", name))
	}
	t.rewritten = &Content{name, data}
	t.size += len(data)
}

// use notes what the file is to t and returns its place in the list of such files, and whether it was there already.
func (t *Tx) use(kind, name string, next int) (i int, again bool) {
	if err := checkName(name); err != nil {
		t.fail(err)
	}
	u, again := t.uses[name]
	if again && u.kind != kind {
		t.fail(fmt.Errorf("%s is %s and %s in one transaction", name, u.kind, kind))
	}
	if !again {
		u = use{kind, next}
		t.uses[name] = u
	}
	return u.i, again
}

// fail keeps the first mistake for Commit to tell.
func (t *Tx) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}
