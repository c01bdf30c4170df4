package replica

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// IdentityFile repeats, with a checksum, what of a replica stands nowhere twice, a line a file: the UUIDs, and the CRC-32C of small files of ours that hardly
// ever change; of the notes on peers, that of their names, each ended by a newline, sorted. What there is not has no line. An example, with the last line that of the lines above it:
//
//	database-uuid 2fa3b5c8-3c3f-4b0a-9a52-4f6d0c1f7a11
//	replica-uuid 10b1e589-83c2-4e27-917c-42dae1b8cf11
//	resolutions/database-uuid 6b0e4c8e-3f0a-4a35-9b4b-0c1f7a112fa3
//	resolutions/replica-uuid 7d5e0a52-6d4e-4b86-8f0c-1f7a112fa3b5
//	prophet/former-uuids 5f60b7a1
//	crc32c 20846e7e
//
// One of format 2 has a line with that after those of the UUIDs.
// A mirror of ours has the lines of the UUIDs.
const IdentityFile = "prophet/identity"

// identity is what [IdentityFile] says of each file: the UUID that it holds, in lower case, or its CRC-32C in eight hex digits.
type identity map[string]string

// identityFiles are the files that an identity may name, in the order of its lines.
var identityFiles = []string{
	changeset.DatabaseUUIDFile, changeset.ReplicaUUIDFile, votesDatabaseFile, votesReplicaFile,
	changeset.ReplicaVersionFile,
	formerFile, changeset.ResolutionsDir + "/" + formerFile, oldIDsFile, peersDir, changeset.ResolutionsDir + "/" + peersDir,
}

const (
	votesDatabaseFile = changeset.ResolutionsDir + "/" + changeset.DatabaseUUIDFile
	votesReplicaFile  = changeset.ResolutionsDir + "/" + changeset.ReplicaUUIDFile

	uuidFiles = 4 // so many of the files hold a UUID, and are always named
	sumLine   = "crc32c "
)

// checksum is the CRC-32C of b, in eight hex digits.
func checksum(b []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(b, castagnoli)) }

// encode returns the text of the file.
func (id identity) encode() []byte {
	var b []byte
	for _, name := range identityFiles {
		if text := id[name]; text != "" {
			b = fmt.Appendf(b, "%s %s\n", name, text)
		}
	}
	return fmt.Appendf(b, "%s%s\n", sumLine, checksum(b))
}

// parseIdentity reads what encode writes, and nothing else.
func parseIdentity(b []byte) (identity, error) {
	id := identity{}
	for line := range strings.Lines(string(b)) {
		name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if slices.Contains(identityFiles, name) {
			id[name] = text
		}
	}
	if string(id.encode()) != string(b) {
		return nil, errors.New("it does not have the checksum that it bears, or is not of the form that this program writes")
	}
	for _, name := range identityFiles[:uuidFiles] {
		if err := isUUID(id[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return id, nil
}

// errNoIdentity says that a replica has no [IdentityFile]: only the original, or an earlier version, wrote to it so far.
var errNoIdentity = fmt.Errorf("%s: %w", IdentityFile, errMissing)

// readIdentity reads the file, as far as limits let it. The error is errNoIdentity where there is none, and a DamageError where it cannot be believed.
func (l *Log) readIdentity() (identity, error) {
	const most = 4096
	b, err := l.limits.readReplaced(l.root, "", IdentityFile, most)
	if isNotExist(err) {
		return nil, errNoIdentity
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", join(l.where, IdentityFile), err)
	}
	id, err := parseIdentity(b)
	if err != nil {
		return nil, &DamageError{Where: l.where, Path: IdentityFile, Err: err}
	}
	return id, nil
}

// uuidsOf returns the identity of the logs with their present UUIDs, and of what else it names nothing.
func uuidsOf(main, votes *Log) identity {
	return identity{
		changeset.DatabaseUUIDFile: main.database.String(), changeset.ReplicaUUIDFile: main.uuid.String(),
		votesDatabaseFile: votes.database.String(), votesReplicaFile: votes.uuid.String(),
	}
}

// IdentityOfMirror is the text of the [IdentityFile] of a mirror of the replica: the UUIDs alone.
func (r *Replica) IdentityOfMirror() string { return string(uuidsOf(r.log, r.votes).encode()) }

// differing returns the files whose UUIDs, or whose format, are others than the identity says, each with what is wrong.
func (id identity) differing(main, votes *Log) (files []DamageError) {
	now := uuidsOf(main, votes)
	for _, name := range identityFiles[:uuidFiles] {
		if now[name] != id[name] {
			files = append(files, DamageError{main.where, name,
				fmt.Errorf("it holds %s, %s says %s: it was changed by damage or by hand", now[name], IdentityFile, id[name])})
		}
	}
	if want := id.format(); main.format != want {
		files = append(files, DamageError{main.where, changeset.ReplicaVersionFile,
			fmt.Errorf("it holds %s, %s says %s: it was changed by damage or by hand", main.format, IdentityFile, want)})
	}
	return files
}

// refuseOther returns an error if a UUID of the logs is another than the identity says: edits would be made in another's name.
func (id identity) refuseOther(main, votes *Log) error {
	for _, d := range id.differing(main, votes) {
		return &DamageError{d.Where, d.Path, fmt.Errorf(`%w; nothing was written: "prophet fsck --repair" puts it right`, d.Err)}
	}
	return nil
}

// refuseAnothers returns an error if the log's UUID is that of another replica: edits would be made in its name.
func (l *Log) refuseAnothers() error {
	if !l.marksAnother(l.uuid) {
		return nil
	}
	d := l.anothersName(l.uuid)
	return &DamageError{l.where, l.prefix + changeset.ReplicaUUIDFile, fmt.Errorf(`%w; nothing was written: "prophet fsck --repair" looks for the right one`, reason(d))}
}

// checkSum compares a file, if there is one, with what is noted of it, in a replica that is edited. An older version, or nobody, noted nothing.
func (l *Log) checkSum(name string, b []byte, exists bool) error {
	if l.limits.mirror {
		return nil
	}
	id, err := l.readIdentity()
	if err != nil { // who gives numbers has looked at that
		return nil
	}
	return l.damagedBySum(id, name, b, exists)
}

// damagedBySum is the error of a file of the log that is not what the identity says, nil if it is.
func (l *Log) damagedBySum(id identity, name string, b []byte, exists bool) error {
	noted := id[l.prefix+name]
	switch {
	case noted == "":
		return nil
	case !exists:
		return l.damaged(name, fmt.Errorf(`%w, though %s names it; "prophet fsck --repair" looks for it`, errMissing, IdentityFile))
	case checksum(b) != noted:
		return l.damaged(name, fmt.Errorf(`it does not have the checksum that %s has of it; "prophet fsck --repair" looks for what it was`, IdentityFile))
	}
	return nil
}

// checkIdentity makes sure, before numbers are given, that the UUIDs are those that the replica had. An identity that is missing or damaged itself is written anew
// by the next transaction.
func (r *Replica) checkIdentity() error {
	id, err := r.log.readIdentity()
	if isDamage(err) {
		r.warn(fmt.Sprintf("%v; it is written anew", err))
	}
	if r.identity = id; isDamage(err) || errors.Is(err, errNoIdentity) {
		err = nil
	} else if err == nil {
		err = id.refuseOther(r.log, r.votes)
	}
	return cmp.Or(err, r.log.refuseAnothers(), r.votes.refuseAnothers())
}

// sumOfFile is the checksum of a small file of ours, "" if there is none.
func (l *Log) sumOfFile(name string) (string, error) {
	b, err := l.limits.readReplaced(l.fs, l.prefix, name, maxFormer)
	if isNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", join(l.where, l.prefix+name), err)
	}
	return checksum(b), nil
}

// newIdentity is the identity as of now, made from the files.
func newIdentity(main, votes *Log) (id identity, err error) {
	id = uuidsOf(main, votes)
	id.setFormat(main.format)
	for _, f := range []struct {
		l    *Log
		name string
	}{{main, formerFile}, {votes, formerFile}, {main, oldIDsFile}} {
		sum, err := f.l.sumOfFile(f.name)
		if err != nil {
			return nil, err
		}
		id.set(f.l.prefix+f.name, sum)
	}
	return id, nil
}

// sumOfPeers is the checksum of the names of the notes on peers, those of others included; "" if there are none.
func (l *Log) sumOfPeers(others map[uuid.UUID]Peer) (string, error) {
	names, err := l.list(peersDir)
	if err != nil {
		return "", err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !isPeerName(name) })
	for u := range others {
		names = append(names, u.String())
	}
	if slices.Sort(names); len(names) == 0 {
		return "", nil
	}
	return checksum([]byte(strings.Join(slices.Compact(names), "\n") + "\n")), nil
}

// isPeerName reports whether the notes on a peer can have that name.
func isPeerName(name string) bool {
	u, err := changeset.ParseUUID(name)
	return err == nil && u.String() == name
}

// writeIdentity writes the identity with a transaction that adds to the replica, if there is none yet, and with one that changes what it says.
func (tx *Tx) writeIdentity() (err error) {
	was := tx.r.identity
	id := maps.Clone(was)
	if id == nil {
		if !tx.notesIdentity() {
			return nil
		}
		if id, err = newIdentity(tx.main.Log, tx.res.Log); err != nil {
			return err
		}
	}
	for _, t := range []*txLog{tx.main, tx.res} {
		if err := t.identify(id, was == nil); err != nil {
			return err
		}
	}
	if maps.Equal(id, was) {
		return nil
	}
	tx.d.Replace(IdentityFile, id.encode())
	tx.newIdentity = id
	return nil
}

// notesIdentity reports whether the transaction writes the first identity: one that adds nothing does not.
func (tx *Tx) notesIdentity() bool {
	renamed := tx.main.self != tx.main.uuid || tx.res.self != tx.res.uuid
	return tx.r.identity == nil && (tx.addsRows() || renamed || len(tx.main.met)+len(tx.res.met) > 0)
}

// format is the format that the identity notes.
func (id identity) format() string { return cmp.Or(id[changeset.ReplicaVersionFile], FormatLoose) }

// setFormat notes the format of a replica, unless that is the original's.
func (id identity) setFormat(format string) {
	if format == FormatParts {
		id[changeset.ReplicaVersionFile] = format
	}
}

// set notes the text of a file; "": there is none.
func (id identity) set(name, text string) {
	if text == "" {
		delete(id, name)
		return
	}
	id[name] = text
}

// identify notes what the transaction changes, or with all, what else is there.
func (t *txLog) identify(id identity, all bool) error {
	id[t.name(changeset.ReplicaUUIDFile)] = t.self.String()
	if t.formerLines != nil {
		id[t.name(formerFile)] = checksum(t.formerLines)
	}
	if !all && len(t.met) == 0 {
		return nil
	}
	sum, err := t.sumOfPeers(t.met)
	id.set(t.name(peersDir), sum)
	return err
}

// sumNotes gives the notes that older versions wrote their checksums, once, before the transaction writes any of them.
func (tx *Tx) sumNotes() error {
	if !tx.notesIdentity() {
		return nil
	}
	for _, t := range []*txLog{tx.main, tx.res} {
		if err := t.checkNotes(t.tx.r.fs); err != nil {
			return err
		}
		peers, err := t.peers()
		if err != nil {
			return err
		}
		for _, p := range peers {
			if _, met := t.met[p.UUID]; !met && p.bare && p.damaged == nil {
				t.tx.d.Replace(t.name(peerFile(p.UUID)), p.encode())
			}
		}
	}
	url, bare, err := tx.r.readLastPeer()
	if err == nil && bare {
		tx.d.Replace(lastPeerFile, appendLastPeer(nil, url))
	}
	if isDamage(err) { // it is written anew with the next peer
		return nil
	}
	return err
}

// checkNotes gives the notes on rows that an older version wrote their checks, before there is an identity, which says that they have them. It changes nothing of
// what they say; root is the directory of the replica.
func (l *Log) checkNotes(root afero.Fs) error {
	if l.limits.wantsChecks() {
		return nil
	}
	b, err := readWhole(root, l.prefix+rowsFile)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", join(l.where, l.prefix+rowsFile), err)
	}
	was := bytes.Clone(b)
	for row := uint32(1); row <= l.latest && int64(len(b)) >= int64(row)*notedSize; row++ {
		at := int64(row-1) * notedSize
		if n, ok := parseNoted(row, b[at:]); ok {
			appendNoted(b[at:at], row, n)
		}
	}
	if bytes.Equal(b, was) {
		return nil
	}
	return durable.WriteFile(root, l.prefix+rowsFile, b)
}

// noteOldIDs keeps the original's local ids, which are copied once, before the first notes on rows are made, and lets the identity name the copy.
func (r *Replica) noteOldIDs(main *derived) error {
	if main == nil || len(main.oldIDs) == 0 {
		return nil
	}
	if err := durable.WriteFile(r.fs, oldIDsFile, main.oldIDs); err != nil {
		return err
	}
	if r.identity == nil || r.identity[oldIDsFile] == checksum(main.oldIDs) {
		return nil
	}
	id := maps.Clone(r.identity)
	id[oldIDsFile] = checksum(main.oldIDs)
	r.identity = id
	return durable.WriteFile(r.fs, IdentityFile, id.encode())
}
