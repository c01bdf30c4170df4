package replica

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// frozen is the files of a replica as they were at one moment, however others go on to write there. In memory is all that grows or is replaced, but the
// indexes of the records, and the lists of parts: of these no row is shown that the log did not have at that moment. Objects go where the list says: it is read as it is by now, because
// whoever folds loose files into parts, merges parts or unpacks them removes what these replace.
type frozen struct {
	afero.Fs                   // the files as they are
	files    afero.Fs          // in memory
	where    string            // for messages
	latest   map[string]uint32 // rows of each log, by the prefix of its files
	ahead    bool              // a log counts more rows than it has, as while a program of the original is at work
}

// indexDepth is how many directories the index of a record lies below that of its log.
const indexDepth = 4

var logPrefixes = []string{"", changeset.ResolutionsDir + "/"}

// votesFirst are they in the order in which files of both are written and mended: what the main log says is looked at once that of the votes holds.
var votesFirst = []string{changeset.ResolutionsDir + "/", ""}

// stamp is how a file is told from what it becomes: each commit makes some file longer.
type stamp struct {
	size int64
	at   time.Time
}

// freeze reads the files of this moment. It returns nil if a commit is under way, or came in between.
func (r *Replica) freeze() (*frozen, error) {
	before, err := r.stamps()
	if err != nil {
		return nil, err
	}
	if v, err := durable.Uncommitted(r.fs); err != nil || len(v.Lengths)+len(v.Points)+len(v.Replaced) > 0 {
		return nil, err
	}
	f := &frozen{Fs: r.fs, where: r.opts.Where, files: afero.NewMemMapFs(), latest: map[string]uint32{}}
	for name := range before {
		if strings.HasSuffix(name, parts.ListFile) {
			continue
		}
		b, err := afero.ReadFile(r.fs, name)
		if isNotExist(err) {
			return nil, nil // it was there a moment ago
		}
		if err == nil {
			err = afero.WriteFile(f.files, name, b, 0o666)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	after, err := r.stamps()
	if err != nil || !maps.Equal(before, after) {
		return nil, err
	}
	return f, f.count()
}

// count finds out how many rows the logs have.
func (f *frozen) count() error {
	for _, prefix := range logPrefixes {
		text, err := readSmall(f.files, prefix+changeset.LatestFile)
		if err != nil {
			return missing(prefix+changeset.LatestFile, err)
		}
		l := newLog(f.files, prefix, f.where, &limits{})
		l.rawLatest = text
		if l.latest, err = parseNumber(changeset.LatestFile, text); err != nil {
			return l.wrongNumber(reason(err))
		}
		f.latest[prefix], f.ahead = l.latest, f.ahead || l.ahead()
	}
	return nil
}

// stamps looks at the files that grow or are replaced, but the indexes of records.
func (r *Replica) stamps() (map[string]stamp, error) {
	found := map[string]stamp{}
	for _, prefix := range logPrefixes {
		for _, name := range []string{changeset.DatabaseUUIDFile, changeset.ReplicaUUIDFile, changeset.ReplicaVersionFile, changeset.LatestFile,
			changeset.IndexFile, cacheFile, marksDir, oursDir} {
			err := afero.Walk(r.fs, prefix+name, func(name string, info os.FileInfo, err error) error {
				name = filepath.ToSlash(name)
				switch {
				case isNotExist(err):
					return nil
				case err == nil && info.Mode().IsRegular() && name != lockFile && !durable.IsTemp(name) && !isPart(name):
					found[name] = stamp{info.Size(), info.ModTime()}
				}
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("look at %s: %w", prefix+name, err)
			}
		}
	}
	return found, nil
}

// Open opens an object, a directory, or the index of a record with the rows that count.
func (f *frozen) Open(name string) (afero.File, error) {
	prefix, file := f.within(name)
	switch {
	case file == "":
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	case strings.HasPrefix(file, changeset.RecordsDir+"/") && strings.Count(file, "/") == indexDepth:
		return f.openIndex(name, f.latest[prefix])
	case file == parts.ListFile:
		return f.openList(name, f.latest[prefix])
	}
	return f.Fs.Open(name)
}

// isPart reports whether a file is a pack or a table: these never change.
func isPart(name string) bool {
	return strings.HasSuffix(name, parts.PackExt) || strings.HasSuffix(name, parts.TableExt)
}

// OpenFile is Open: nothing is written here.
func (f *frozen) OpenFile(name string, _ int, _ os.FileMode) (afero.File, error) { return f.Open(name) }

// Stat looks at what Open opens.
func (f *frozen) Stat(name string) (os.FileInfo, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.Stat()
}

// within returns the file in its log, "" for one that is in memory if it was there at all.
func (f *frozen) within(name string) (prefix, file string) {
	file = path.Clean(filepath.ToSlash(name))
	if rest, votes := strings.CutPrefix(file, changeset.ResolutionsDir+"/"); votes {
		prefix, file = changeset.ResolutionsDir+"/", rest
	}
	if isPart(file) || file == parts.ListFile {
		return prefix, file
	}
	switch first, _, _ := strings.Cut(file, "/"); first {
	case ".", changeset.ResolutionsDir, changeset.RecordsDir, "cas":
		return prefix, file
	}
	return prefix, ""
}

// openIndex opens the index of a record, in memory, without the rows at its end that came later. There is none if all did.
func (f *frozen) openIndex(name string, latest uint32) (afero.File, error) {
	index, err := afero.ReadFile(f.Fs, name)
	if err != nil {
		return nil, err
	}
	end := len(index) - len(index)%changeset.VersionSize
	for ; end > 0; end -= changeset.VersionSize {
		if v, err := changeset.ParseVersion(index[end-changeset.VersionSize : end]); err != nil || v.Seq <= latest {
			break
		}
	}
	if end == 0 {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	return inMemory(name, index[:end])
}

// openList opens the list of parts, in memory, without the rows that came later. A damaged one is as it is. Where the replica was of format 2 and is of format 1 by now, it is empty.
func (f *frozen) openList(name string, latest uint32) (afero.File, error) {
	text, err := afero.ReadFile(f.Fs, name)
	if was, _ := readSmall(f.files, changeset.ReplicaVersionFile); isNotExist(err) && was == FormatParts {
		if is, versionErr := readSmall(f.Fs, changeset.ReplicaVersionFile); versionErr == nil && is == FormatLoose {
			text, err = []byte(parts.List{}.Encode()), nil
		}
	}
	if err != nil {
		return nil, err
	}
	if list, err := parts.ParseList(string(text)); err == nil {
		text = []byte(list.Cut(latest).Encode())
	}
	return inMemory(name, text)
}

func inMemory(name string, content []byte) (afero.File, error) {
	mem := afero.NewMemMapFs()
	if err := afero.WriteFile(mem, name, content, 0o666); err != nil {
		return nil, err
	}
	return mem.Open(name)
}
