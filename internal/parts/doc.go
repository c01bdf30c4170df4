// Package parts is the packed tier of a log: immutable files that hold a run of its rows, with what these did to the records.
//
// A *part* is two files. The *pack* has the changesets of the rows first to last, in that order, in compressed frames of many; the *table* is its index,
// of which a few small pieces are read to find one thing among a million. Both are named by the SHA-256 of the pack:
//
//	prophet/parts/4f0c…e1.pack
//	prophet/parts/4f0c…e1.table
//
// The *list*, prophet/parts/list, says which parts count, and for which rows ([List]). It is replaced as a whole, and part of each commit that changes it.
//
// The pack begins with the 16 bytes "prophet pack 1\n\n", u32 its first row in the log, from 1, and u32 the CRC-32C of these 20 bytes. So it says which rows it has, and the table
// follows from it and from what was before it. Frames follow to its end; integers are big-endian:
//
//	u32  rows in the frame, 1 or more
//	u32  its length before compression
//	u32  its length as it is stored
//	u32  CRC-32C of these 12 bytes and of what is stored
//	     what is stored: one Zstandard frame
//
// Decompressed it holds, for each row, u32 the length of the changeset and its bytes, then u32 how many texts follow, and of each the first four bytes of
// its SHA-1, u32 its length and its bytes. A *text* is a version of a record that the row made, as format 1 keeps it under cas/records. Most versions have none: replaying the changes of the
// record from the last one that has gives them.
//
// The table is pages of 4096 bytes: 4092 of content, then u32 the CRC-32C of the number of the page, from 0, as u32, and the content. What follows is said
// of the content, as if it were one piece. The first page has the header, then zeros:
//
//	     "prophet table 1\n"
//	u32  first row; u32 rows; u32 frames; u32 types; u32 records; u32 touches; u32 bytes of names
//	u64  bytes of the pack; 32 bytes its SHA-256
//
// From the second page on there are, one behind the other, arrays:
//
//	frames   12 bytes: u32 the first row in it, u64 where it begins in the pack
//	keys     12 bytes: the first 8 of the SHA-1 of a changeset, u32 its row; sorted
//	types     8 bytes: u32 where its name ends in names, u32 its first record; sorted by name
//	records  20 bytes: UUID, u32 its first touch; sorted, within their type
//	touches  24 bytes: u32 the row, with the greatest bit set if the pack has the text; SHA-1 of the version, zero: deleted; in the order of the rows
//	names    the names of the types, each behind the other
//
// Rows count from 0 here. The touches of a record are what format 1 keeps in the record's index: the packed record index.
//
// What is read is checked: pages and frames by their CRC, and by who asks each object by its SHA-1. Every count and length is held against the length of
// the file before memory is set aside for it.
package parts

// DefaultFormat is the format of a new replica where nothing else is asked for: "1", loose files alone, or "2", with parts. The linker may set it:
// go test -ldflags '-X prophet/internal/parts.DefaultFormat=1' ./replica
var DefaultFormat = "2"

// PackAll, if it is "yes", has every transaction of a replica of format 2 write a part, however few its rows are. For tests; the linker may set it.
var PackAll = ""

// GCAlways, if it is "yes", has gc do all there is to do after every transaction of a replica of format 2. For tests; the linker may set it.
var GCAlways = ""

// Dir is where the parts of a log are, within its directory.
const Dir = "prophet/parts"
