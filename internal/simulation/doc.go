// Package simulation tries to break the promise that replicas that have seen the same changesets show the same.
//
// A [History] is plain data: who takes part, and a list of steps. [Draw] makes one from a seed; [History.Play] plays it
// over real replicas through the package sync, lets everybody pull from everybody until nothing comes any more, and holds
// what came of it against the oracles. [Shrink] leaves steps out of a history that failed, as long as it fails.
//
// # Steps
//
// A step carries all that it needs: who acts, on what, with which values, at what time. It draws nothing from a common stream, and it does nothing
// where what it needs is not there: an update of a record that is deleted, a decision without a conflict. So any part of a history is a history, and
// means the same. A story in words:
//
//	seed 7: ann, bob (3h ahead)
//	 1. 00:00:05 ann creates ticket 1 with a=1
//	 2. 00:00:05 bob pulls from ann
//	 4. 00:01:05 bob deletes ticket 1
//	 9. 00:01:06 ann sets a=2 of ticket 1
//
// # Oracles
//
//	error     nothing that was asked failed
//	kept      no replica loses a changeset that it had, a pull brings all that the source has, and in the end everybody has all of them
//	quiet     there is nothing more to pull
//	same      all replicas show the same records
//	conflicts all replicas list the same open conflicts, with the same rivals, winners and reasons
//	digest    all replicas have the same digests of their state, votes and settings
//	orders    a set of changesets and votes comes to the same in all orders, see [Parcels]
//	plain     what comes of such a set is what the rules say, when they are followed in the plainest way
//	log       replaying a replica's log gives its state, and fsck has nothing to say
//	account   the conflicts are those that follow from who had seen what, and every write holds, is listed as a rival, or was
//	          replaced, or its record deleted, by somebody who had seen it
//	rules     what the settings say about a property settles it where there are no votes
//	votes     the votes that there are settle what they are about, and no others do; those that are named anew count as before
//	parents   of what a replica read in the log of its maker, it knows what the maker had seen
//	identity  no two replicas that have met have one UUID, of the one log or the other
//	opened    a pull lists the conflicts that it opened or put a new rival to, and no others; what it preferred it decided
//
// What a maker had seen is the set of changesets in its replica when it made the edit. The parents that a change names are not looked at.
package simulation
