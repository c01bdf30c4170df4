// Package accidents holds tests and no code: whatever writes is cut off, or refused by the disk, at each of its file operations in turn.
//
// One table has the operations of prophet (an edit, an import, a pull, a publication and so on) as its rows, and the faults as its columns: a power cut, a
// kill, and the errors ENOSPC, EIO and EACCES, each once and from some operation on. After each, the replica is in the state before or after, or after some
// whole batch; what was reported done is there; fsck finds nothing; and the next operation succeeds without help. The table is printed with how often each
// was tried, and an empty cell fails the test:
//
//	go test ./internal/accidents -run Table -v
//	go test ./internal/accidents -run Table -v -seeds 30 -all
//
// With -seeds N unflushed data survives a power cut in N ways at each operation, with -all each error comes at every operation and not at about 30.
//
// Golden files hold the order in which an edit and a pull write, flush and rename; -update writes them anew. With -lose each flush is left out in turn, and
// must be missed by a golden file and the table; that builds the program again for each:
//
//	go test ./internal/accidents -run LostFlush -lose -v -timeout 2h
package accidents
