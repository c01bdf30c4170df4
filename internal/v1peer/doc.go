// Package v1peer is a simulated replica of the original, for tests.
//
// A [Peer] keeps format 1's files in an afero.Fs and nothing else, so that replica.Open reads what it writes and it reads what
// we write. It follows the original's rules only, which are not ours, and shares no code with the packages resolution and replica:
//
//   - A changeset is known if this replica made it, or if its number is not above the mark of its maker. A log is read from the mark of its replica on.
//     There is one mark a UUID, local_metadata/last-changeset-from-<uuid>, for both. It rises to the highest number seen.
//   - Bookkeeping of others is never integrated, but raises the marks.
//   - What comes is applied as an edit of its own: old values are those that this replica has now, unknown keys are gone,
//     a create of a record that exists is an update, a create loses what it sets to null or "".
//   - Where an old value that comes is not the present value, there is a conflict: a nullification is logged before the changeset, and after it a
//     resolution, if it sets anything. The answer is nothing where both sides set the same, else the votes', else that of the [Resolver].
//     An answer that sets anything is voted for in the resolutions replica, once a conflict.
//   - A change or deletion of a record that does not exist is a conflict too: the nullification creates the record, empty. [To] leaves what
//     comes of that; [From] does not know what to do: the pull dies, and what it had integrated stays.
//
// What the original leaves to chance, because Perl's hashes have no order, is taken from [Options.Rand].
//
//	alice, err := v1peer.Init(afero.NewMemMapFs(), v1peer.Options{Creator: "alice@example.com"})
//	rec, err := alice.Create("Ticket", map[string]string{"status": "new"})
//	bob, err := v1peer.Clone(afero.NewMemMapFs(), alice.FS(), v1peer.Options{Creator: "bob@example.com"})
//	err = bob.Update(rec, map[string]string{"status": "open"})
//	report, err := alice.Pull(bob.FS(), v1peer.To)
//
// It is tested against replicas that the original wrote: it gives the same bytes.
package v1peer
