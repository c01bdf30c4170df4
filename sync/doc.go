// Package sync moves changesets between replicas: pull, push, clone, publish, export, and import from foreign sources.
//
// There is one way to move them, [Pull]: from a source, which is any replica that can be read, into one that can be written. A push
// is a pull by the other side, a clone is a pull into a new replica. Where the source lies is the matter of its file system: a directory, a static
// web server. What is pulled from a log is what stands in its rows beyond the last one that was read; of those, what is not
// known by its ID and is not the source's own bookkeeping is integrated, in batches, each a transaction that also notes how far the log was read.
//
// The name shadows the standard package; importers call ours psync.
package sync
