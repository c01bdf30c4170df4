package changeset

import "encoding/hex"

// Names of the files and directories at the root of a replica in format 1.
const (
	DatabaseUUIDFile   = "database-uuid"
	ReplicaUUIDFile    = "replica-uuid"
	ReplicaVersionFile = "replica-version"
	LatestFile         = "latest-sequence-no"
	IndexFile          = "changesets.idx" // rows of [RowSize] bytes
	RecordsDir         = "records"        // see [RecordPath]
	ResolutionsDir     = "resolutions"    // a replica of its own
)

// Kinds of objects, for [ObjectPath].
const (
	ChangesetObjects = "changesets"
	RecordObjects    = "records"
)

// RecordPath returns where a replica keeps the index of a record, a file of rows of [VersionSize] bytes:
//
//	records/Ticket/a/2/a2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10
//
// It is relative to the root of the replica and separated by slashes. The type must satisfy [CheckType].
func RecordPath(rec RecordID) string {
	id := rec.UUID.String()
	return RecordsDir + "/" + rec.Type + "/" + id[:1] + "/" + id[1:2] + "/" + id
}

// ObjectPath returns where a replica keeps the object of that kind and key, the SHA-1 of its bytes:
//
//	cas/changesets/7/7/77cf0a1ee1d57fc0a3b1cd4e1a0b0f7e14e4b0a2
//
// It is relative to the root of the replica and separated by slashes.
func ObjectPath(kind string, key [20]byte) string {
	id := hex.EncodeToString(key[:])
	return "cas/" + kind + "/" + id[:1] + "/" + id[1:2] + "/" + id
}
