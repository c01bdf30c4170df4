package replica

import "prophet/internal/durable"

// How much a repair writes between two flushes.
const (
	repairBytes = 8 << 20
	repairFiles = 4096
)

// repairBatch is what a repair writes together. It is in memory until it is flushed.
type repairBatch struct {
	p     *repair
	tx    *durable.Tx
	files int
}

func newRepairBatch(p *repair) *repairBatch { return &repairBatch{p: p, tx: durable.Begin(p.fs)} }

// put adds an object, which nothing but itself may be in the place of.
func (b *repairBatch) put(file string, data []byte) {
	b.tx.Put(file, data)
	b.files++
}

func (b *repairBatch) replace(file string, data []byte) {
	b.tx.Replace(file, data)
	b.files++
}

func (b *repairBatch) full() bool { return b.tx.Size() >= repairBytes || b.files >= repairFiles }

// flush writes what was added, and begins anew. A repair that was disturbed writes nothing more.
func (b *repairBatch) flush() error {
	if err := b.p.disturbed(); err != nil {
		return err
	}
	tx := b.tx
	b.tx, b.files = durable.Begin(b.p.fs), 0
	return tx.Commit()
}

// flushFull flushes it if it is full.
func (b *repairBatch) flushFull() error {
	if !b.full() {
		return nil
	}
	return b.flush()
}
