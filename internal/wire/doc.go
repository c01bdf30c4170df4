// Package wire is what a mirror holds beside the v1 tree so that a clone takes few requests: packs of many changesets, and one head.
//
// A *pack* holds the changesets of a run of consecutive rows of a log, in compressed frames; it never changes. The *head* is one small file that is replaced as a
// whole: it lists the packs, and has in it the small files of the mirror and the newest changesets. docs/format.md describes both byte for byte, docs/adr/0019-wire.md
// says why they are so.
//
//	<mirror>/<database>/prophet/head
//	<mirror>/<database>/prophet/packs/<sha-256 of its directory>.pack
//
// [Open] shows them as the files of the replica that they were made from, so that whatever reads a replica reads a mirror of packs:
//
//	source, err := wire.Open(web)                       // one request
//	afero.ReadFile(source, "latest-sequence-no")        // none: it is in the head
//	f, err := source.Open("changesets.idx")             // made from the frames, which are fetched as it is read
//	source.Open("cas/changesets/7/7/77cf…")             // from the same frames
//
// Nothing of it is trusted: the name of a pack proves its directory, that proves each frame, and every size is held against a bound before memory is set aside for it.
// Only the head can lie, and no more than a v1 tree can.
package wire
