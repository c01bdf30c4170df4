// Package resolution is the merge: what a record's state is, given the changes that were made to it.
//
// It does no I/O and knows no clock: [Merge] is a pure function of the set of changes and of the
// answers that people have given. It does not matter in which order the changes are passed. A [History] is those changes linked,
// for who asks more than one question about them.
//
// # Terms
//
// The changes to one record form a directed acyclic graph, as commits do in git. The edges lead from a
// change to its parents: the heads that its maker had, where that is known; otherwise the same origin's previous change to the record
// (its own chain). A change has seen its ancestors.
//
// The writes of a change are its property changes, even those that do not alter the value. A deletion writes
// nothing, so a record that survives a deletion has all its properties. A create whose parents are all deletions
// starts afresh: it writes null to all that its ancestors wrote and it does not name.
//
// The rivals for a property are its writes that no other write to it has seen. One distinct value among
// them holds; more are an open conflict, which one of them wins provisionally. Under a rule that sums them up
// equal ones are a conflict too, because each counts.
//
// Changes that are copies of one change, and that one, are one edit, for which one of them counts. The others write nothing, and are no heads; who has seen
// them has seen that one, and what they had seen. docs/adr/0020-lost.md has more.
//
// # Example
//
//	1  ann   create             status=new
//	2  ann   update  parents 1  status=open
//	3  bob   update  parents 1  status=stalled
//	4  bob   update  parents 3  owner=bob
//
// The heads are 2 and 4. The rivals for status are 2 and 3, of which neither has seen the other: an open conflict, which the
// later one wins until somebody decides. The only rival for owner is 4. A fifth change with the parents 2 and 4 that
// writes status decides; one that writes only owner leaves the conflict open.
//
// # Rules
//
// A conflict is settled for now by an answer of the resolutions replica, else by the [Rule] of the property, else the latest write holds. Some rules go back
// to what all rivals have seen, and from there, if that was in conflict, to what its rivals had seen.
//
// # Changes without parents
//
// Replicas of the original do not tell what a change had seen. For those (bare changes) the merge leans on an order T of all
// changes to the record, by the greatest time of creation among a change and its ancestors, then depth, origin and sequence number.
// A bare deletion has seen all that is earlier in T. A bare write beats any write earlier in T of the value that it
// names as the old one. T never decides what is written as the parents of a new change: see [Result.Heads].
//
// # Cost
//
// The merge goes along T and back, with a bit for each property. Its cost is that of the changes and their parents, whatever
// the shape of the history: 100,000 changes in a row, 20,000 of which none has seen another, or one edit beside a long history. A rule that goes back costs
// about as much again; only where old edits come late into each of many conflicts on top of each other, as a hostile peer may make them, it
// costs the square of that: a second for some thousands.
package resolution
