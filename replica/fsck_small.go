package replica

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/afero"

	"prophet/changeset"
)

// smallFile is a file of a line.
type smallFile struct {
	name  string
	check func(text string) error
}

// smallFiles are those that both replicas have.
var smallFiles = []smallFile{
	{changeset.DatabaseUUIDFile, isUUID},
	{changeset.ReplicaUUIDFile, isUUID},
	{changeset.LatestFile, isNumber},
	{changeset.ReplicaVersionFile, isFormat},
}

// checkSmallFiles checks the files of a line, and reports whether the replica can be opened with them. It leaves it to Open to say that there is none.
func checkSmallFiles(fsys afero.Fs, report func(Problem)) (sound bool, err error) {
	gone := false
	if _, err := fsys.Stat(changeset.ReplicaVersionFile); err != nil {
		if gone, err = Remains(fsys); !gone || err != nil {
			return true, err
		}
	}
	sound = true
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		for _, f := range smallFiles {
			if prefix+f.name == changeset.ReplicaVersionFile && !gone && !otherFormat(fsys) {
				continue // Open names another format
			}
			err := f.fault(fsys, prefix)
			if prefix+f.name == changeset.ReplicaVersionFile && err != nil && !gone {
				err = fmt.Errorf("%.60s, and that of the resolutions %q: it was damaged, unless a later version of prophet reads it", strings.TrimSuffix(err.Error(), `, want "1"`), formatVersion)
			}
			if err != nil {
				report(Problem{Path: prefix + f.name, Text: err.Error()})
				sound = sound && prefix+f.name == votesVersionFile // nobody reads that but to make sure
			}
		}
	}
	return checkListNumber(fsys, report) && sound, nil
}

// otherFormat reports whether the replica is of another format than its resolutions, which are of the one that this program reads: then its version is damaged.
func otherFormat(fsys afero.Fs) bool {
	text, err := readSmall(fsys, changeset.ReplicaVersionFile)
	votes, verr := readSmall(fsys, votesVersionFile)
	return err == nil && verr == nil && votes == formatVersion && text != formatVersion
}

const votesVersionFile = changeset.ResolutionsDir + "/" + changeset.ReplicaVersionFile

// fault returns what is wrong with the file, if anything is.
func (f smallFile) fault(fsys afero.Fs, prefix string) error {
	text, err := readSmall(fsys, prefix+f.name)
	switch {
	case isNotExist(err):
		return fmt.Errorf("%w%s", errMissing, instead(fsys, prefix, f.name))
	case err != nil:
		return reason(err)
	}
	err = reason(f.check(text))
	if err != nil && f.name == changeset.LatestFile {
		l := newLog(fsys, prefix, "", &limits{})
		l.rawLatest = text
		return reason(l.wrongNumber(err))
	}
	return err
}

// instead says what to do about a missing file of a line.
func instead(fsys afero.Fs, prefix, name string) string {
	l := newLog(fsys, prefix, "", &limits{})
	if id, err := l.readIdentity(); err == nil && id[prefix+name] != "" {
		return fmt.Sprintf("; %s says that it held %s", IdentityFile, id[prefix+name])
	}
	index := prefix + changeset.IndexFile
	b, err := afero.ReadFile(fsys, index)
	if err != nil && !isNotExist(err) {
		return ""
	}
	switch name {
	case changeset.DatabaseUUIDFile:
		return "; every replica of the database has the same: copy it from one"
	case changeset.LatestFile:
		return fmt.Sprintf("; it says how many changesets there are, and %s has %d rows", index, len(b)/changeset.RowSize)
	case changeset.ReplicaVersionFile:
		return fmt.Sprintf("; it holds %s", formatVersion)
	}
	for ; len(b) >= changeset.RowSize; b = b[:len(b)-changeset.RowSize] {
		row, err := changeset.ParseRow(b[len(b)-len(b)%changeset.RowSize-changeset.RowSize:][:changeset.RowSize])
		if err == nil && row.Seq == row.ID.Seq {
			return fmt.Sprintf("; row %d of %s seems to be the replica's own, then it was %s", row.Seq, index, row.ID.Origin)
		}
	}
	return "; nothing was made here, so that any new UUID serves"
}

var errMissing = errors.New("the file is missing")

func isUUID(text string) error {
	_, err := changeset.ParseUUID(text)
	return err
}

func isNumber(text string) error {
	_, err := parseNumber("", text)
	return err
}

func isFormat(text string) error {
	if text != formatVersion {
		return fmt.Errorf("it holds %.20q, want %q", text, formatVersion)
	}
	return nil
}
