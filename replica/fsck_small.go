package replica

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/parts"
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
				err = fmt.Errorf("%.60s, and that of the resolutions %q: it was damaged, unless a later version of prophet reads it", strings.TrimSuffix(err.Error(), `, want "1" or "2"`), formatBy(fsys))
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
	return err == nil && verr == nil && knownFormat(votes) && text != votes
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

// instead says what to do about a file of a line that is missing, or of which a repair cannot tell what it held.
func instead(fsys afero.Fs, prefix, name string) string {
	l := newLog(fsys, prefix, "", &limits{})
	id, err := l.readIdentity()
	switch said := id[prefix+name]; {
	case err != nil || said == "":
		return insteadByLog(fsys, prefix, name)
	case !othersIdentity(fsys, id):
		return fmt.Sprintf("; %s says that it held %s", IdentityFile, said)
	case id.isDoubted(fsys):
		return fmt.Sprintf("; %s, which says %s, may be that of another replica: write that if you know that it is this one's, else remove %s%s",
			IdentityFile, said, IdentityFile, insteadByLog(fsys, prefix, name))
	default:
		return fmt.Sprintf("; %s, which says %s, is that of another replica%s", IdentityFile, said, insteadByLog(fsys, prefix, name))
	}
}

// insteadByLog is instead where there is no identity that can be believed.
func insteadByLog(fsys afero.Fs, prefix, name string) string {
	l := newLog(fsys, prefix, "", &limits{})
	index := prefix + changeset.IndexFile
	held, err := rowsHeld(l.fs)
	if err != nil {
		return ""
	}
	switch name {
	case changeset.DatabaseUUIDFile:
		return "; every replica of the database has the same: copy it from one"
	case changeset.LatestFile:
		if n, err := l.countObjects(); held == 0 && (n > 0 || err != nil) {
			return fmt.Sprintf("; it says how many changesets there are, and %s is lost too", index)
		}
		return fmt.Sprintf("; it says how many changesets there are, and %s has %s", index, rowsWord(held))
	case changeset.ReplicaVersionFile:
		if ours, err := exists(fsys, oursDir); !ours && err == nil {
			return fmt.Sprintf("; it holds %s, and is written last: if an export was cut off here, make it again", formatBy(fsys))
		}
		return fmt.Sprintf("; it holds %s", formatBy(fsys))
	}
	return l.insteadOfUUID(held)
}

// insteadOfUUID says what the UUID of the log's replica was, as far as its last rows, of so many, tell.
func (l *Log) insteadOfUUID(held uint32) string {
	const most = 8192
	whole := l.withRows(held)
	told := held <= most // all rows will be looked at
	for seq := held; seq > 0 && held-seq < most; seq-- {
		row, err := whole.Row(seq)
		if err == nil && row.Seq == row.ID.Seq && !there(l, markFile(row.ID.Origin)) { // nor do the rows of whom this is a clone of say it
			return fmt.Sprintf("; row %d of %s seems to be the replica's own, then it was %s", row.Seq, l.prefix+l.index, row.ID.Origin)
		}
		told = told && err == nil
	}
	if number, err := readSmall(l.fs, changeset.LatestFile); !told || err != nil || number != formatNumber(held) {
		return "; nothing that is left tells what it held"
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
	if !knownFormat(text) {
		return fmt.Errorf("it holds %.20q, want %q or %q", text, FormatLoose, FormatParts)
	}
	return nil
}

// formatBy is the format that a replica must have, by what else is there than the file that says so: format 2 if the identity says so or there is a list of
// parts, or, where there is no identity, or another replica's, the resolutions are of that.
func formatBy(fsys afero.Fs) string {
	id, err := newLog(fsys, "", "", &limits{}).readIdentity()
	if err == nil && !othersIdentity(fsys, id) {
		return id.format()
	}
	for _, prefix := range logPrefixes {
		if there, _ := exists(fsys, prefix+parts.ListFile); there {
			return FormatParts
		}
	}
	for _, name := range []string{changeset.ReplicaVersionFile, votesVersionFile} {
		if text, _ := readSmall(fsys, name); text == FormatParts {
			return text
		}
	}
	return FormatLoose
}
