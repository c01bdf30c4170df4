// Package replica is one copy of a database on disk: its log of changesets, the index of its records,
// the replica of its resolutions, and what we note about them. Formats: docs/format.md.
//
// A [Replica] is read without a lock and shows the committed state of the moment at which it was opened. It is changed in
// transactions, one at a time among all processes:
//
//	edited, err := r.Edit(ctx, func(e *replica.Edit) error {
//		rec, err := e.Create("Ticket", map[string]string{"summary": "printer on fire"})
//		...
//	})
//
// makes one changeset of our own; [Replica.Update] also integrates changesets of others, which package sync does.
//
// # Invariants
//
// After each transaction, for every record: replaying the log, bookkeeping included, gives the record's last version; and
// that is the merged state ([resolution.Merge]) of the ordinary changesets in the log and the votes in the resolutions replica.
// Where an incoming changeset breaks that, a nullification before it and a resolution after it mend it.
//
// # Two kinds of history
//
// Most records have a history without forks, and most changes have seen everything before them. The log marks such rows as
// settled; then the record's heads are known from its last row, and neither an edit nor a pull has to look further back. Only a
// record with rival changes is merged from all of its changes.
package replica
