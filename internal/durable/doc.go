// Package durable is the one place that creates, renames, appends, flushes and locks files.
//
// [WriteFile] replaces one small file so that a power cut leaves the old bytes or the new. A [Tx]
// does the same for many files at once: objects that are written once and never change, files that
// only grow, small files that are replaced, and the one or two small files whose new text is the
// commit. It writes in this order:
//
//  1. Growing files that have leftovers beyond their committed end are cut, and that is flushed. New objects, under temporary names.
//  2. The journal, [Journal]: the length that each growing file has now, or that it is absent, and what
//     is appended to it; the old and new text of the commit points; the small files that step 6 will replace; the objects that go
//     if the commit is taken back, see [Tx.Bring]; and the SHA-256 of all that, so that a torn journal is no journal. The flush of it and of the objects; these get their names.
//  3. The rows: what is appended to growing files. The new texts of the commit points, under temporary names.
//  4. The flush of every file of step 3, and of the directories of step 3 and of the objects.
//  5. The commit points get their texts by renames, in the order given, each with a flush of its directory. The last of them is the commit.
//     Where a file is rewritten as a whole, its rename comes after the points and is the commit; the new content
//     lies beside it, flushed, before the points are renamed.
//  6. The small files: temporary name, flush, rename, flush of the directories. Then the journal is emptied, and flushed.
//
// What a step flushes has no order, and on a disk it is flushed at the same time: a disk takes about as long for all of it as for one file. So an edit waits for
// four flushes: those of steps 2, 4, 5 and 6.
//
// A reader takes no lock. It reads the last commit point first and ignores what lies beyond it, so
// it sees the state before the commit or the state after it. How far each file goes, while a commit is
// under way or was cut short, it learns from [Uncommitted].
//
// A writer takes the lock ([Lock]), then calls [Recover]. If an earlier writer died between steps
// 2 and 6, Recover finds the journal. With the new text in the last commit point, or the new content of the
// rewritten file, the commit was made: step 6 is done again. With the old text it was not: the other points get their old
// text back, every file is cut to its old length, and what the commit was to bring goes.
//
// A program that takes no lock may have written to the same files in between, and even the very text that the commit was to write. So the new
// text counts only if every file ends in what was to be appended to it. What Recover and Uncommitted cannot tell they return as a [ForeignError]:
// who knows what the files hold decides, and calls [Unfinished.Mend].
//
// Two rules keep the cost down and hold after any number of crashes. A directory is made, and
// flushed in its parent, before anything is put into it; so only an empty directory may be unknown
// to its parent on the disk. And the file system handed in has a root that exists and is
// itself on the disk.
//
// Names are slash-separated and relative to that root. Temporary names are ".<name>.tmp<n>" beside
// the file, see [IsTemp]; a crash may leave one behind, which harms nobody.
package durable
