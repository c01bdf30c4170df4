package damage

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
	"prophet/internal/wire"
	"prophet/replica"
	psync "prophet/sync"
)

// Kind is a kind of file.
type Kind struct {
	Name   string
	Mirror bool              // in the mirror; else in the replica
	Files  []string          // of this kind in the scene, sorted; a test damages some of them
	Row    int               // bytes of a row, if it has rows
	Cannot map[Damage]string // why it cannot be damaged so, in words
}

// namedKind is a kind whose files are known by their names, "PEER" and the like standing for what differs.
type namedKind struct {
	name, pattern string
	row           int
	cannot        map[Damage]string
}

var atRest = map[Damage]string{
	Emptied: "it is empty", Truncated: "it is empty", BitFlipped: "it has no bits", Zeros: "it is empty", Swapped: "every lock is empty",
}

// oneVersion is why some files cannot be swapped: all of their kind hold the same.
var oneVersion = map[Damage]string{Swapped: "all files of its kind hold the same"}

// named are the kinds of which the name of the file tells the kind, in either log. A pattern ends in / if it stands for the files of a directory.
var named = []namedKind{
	{"replica-version", changeset.ReplicaVersionFile, 0, oneVersion},
	{"database-uuid", changeset.DatabaseUUIDFile, 0, nil},
	{"replica-uuid", changeset.ReplicaUUIDFile, 0, nil},
	{"latest-sequence-no", changeset.LatestFile, 0, nil},
	{"changesets.idx", changeset.IndexFile, changeset.RowSize, nil},
	{"prophet/rows", "prophet/rows", 8, nil},
	{"prophet/ids", "prophet/ids", 20, nil},
	{"prophet/conflicts", "prophet/conflicts", 0, nil},
	{"prophet/digests", replica.DigestsFile, 72, nil},
	{"prophet/peers/*", "prophet/peers/", 0, nil},
	{"prophet/last-peer", "prophet/last-peer", 0, nil},
	{"prophet/former-uuids", "prophet/former-uuids", 0, nil},
	{"prophet/representations", replica.RepresentationsFile, changeset.RowSize, nil},
	{"prophet/latest-representation", replica.LatestRepresentationFile, 0, nil},
	{"prophet/local-ids-v1", "prophet/local-ids-v1", 0, nil},
	{"prophet/identity", replica.IdentityFile, 0, nil},
	{"prophet/journal", "prophet/journal", 0, map[Damage]string{Swapped: "every journal at rest holds the same"}},
	{"prophet/lock", "prophet/lock", 0, atRest},
	{"prophet/mirror", replica.MirrorMark, 0, nil},
	{"prophet/head", wire.HeadFile, 0, nil},
	{"a pack", "prophet/packs/", 0, nil},
	{"local_metadata/*", "local_metadata/", 0, nil},
	{"userdata/local-id-cache", "userdata/local-id-cache", 0, nil},
	{"config", "config", 0, nil},
	{"prophet.json", psync.MirrorFile, 0, nil},
	{"a list of parts", parts.ListFile, 0, nil},
	{"a pack of a part", parts.Dir + "/*" + parts.PackExt, 0, nil},
	{"a table of a part", parts.Dir + "/*" + parts.TableExt, 0, nil},
}

// votesPrefix is that of the resolutions.
const votesPrefix = changeset.ResolutionsDir + "/"

// PartKinds lists the kinds of files that hold the parts of a scene of [NewPacked], in the main log and in that of the resolutions.
func (s *Scene) PartKinds() (kinds []*Kind, err error) {
	names, err := Files(s.Replica)
	byName := map[string]*Kind{}
	for _, name := range names {
		if dir := path.Dir(name); dir != parts.Dir && dir != votesPrefix+parts.Dir {
			continue
		}
		k := kindByName(name)
		if byName[k.Name] == nil {
			byName[k.Name], kinds = k, append(kinds, k)
		}
		byName[k.Name].Files = append(byName[k.Name].Files, name)
	}
	return kinds, err
}

// Kinds lists the kinds of files in the scene, each in the main log, in that of the resolutions, and in those of the mirror where it exists there.
func (s *Scene) Kinds() ([]*Kind, error) {
	replicas, err := kindsIn(s.Replica, "")
	if err != nil {
		return nil, err
	}
	mirrors, err := kindsIn(s.Mirror, s.Database.String()+"/")
	if err != nil {
		return nil, err
	}
	for _, k := range mirrors {
		k.Mirror, k.Name = true, "mirror: "+k.Name
	}
	return append(replicas, mirrors...), nil
}

// kindsIn sorts the files of a tree into kinds, in the order in which a table shows them. Files of no kind are one of their own, with an empty name.
func kindsIn(fsys afero.Fs, root string) (kinds []*Kind, err error) {
	names, err := Files(fsys)
	if err != nil {
		return nil, err
	}
	contents, err := contentKinds(fsys, root, names)
	if err != nil {
		return nil, err
	}
	byName := map[string]*Kind{}
	for _, name := range names {
		k := contents[name]
		if k == nil {
			k = kindByName(strings.TrimPrefix(name, root))
		}
		if known := byName[k.Name]; known != nil {
			k = known
		} else {
			byName[k.Name], kinds = k, append(kinds, k)
		}
		k.Files = append(k.Files, name)
	}
	return kinds, nil
}

// Files lists the files of a tree, sorted, with slashes.
func Files(fsys afero.Fs) (names []string, err error) {
	err = afero.Walk(fsys, ".", func(name string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// kindByName is the kind of a file that its name tells.
func kindByName(name string) *Kind {
	file, prefix := name, ""
	if rest, votes := strings.CutPrefix(name, votesPrefix); votes {
		file, prefix = rest, votesPrefix
	}
	for _, n := range named {
		like, _ := path.Match(n.pattern, file) // the patterns are constants
		if like || strings.HasSuffix(n.pattern, "/") && strings.HasPrefix(file, n.pattern) {
			return &Kind{Name: prefix + n.name, Row: n.row, Cannot: n.cannot}
		}
	}
	return &Kind{}
}

// contentKinds sorts objects and the indexes of records by what they are in their log.
func contentKinds(fsys afero.Fs, root string, names []string) (map[string]*Kind, error) {
	kinds := map[string]*Kind{}
	for _, prefix := range []string{"", votesPrefix} {
		c := classifier{fsys, root + prefix, prefix, names, kinds, map[string]*Kind{}}
		if err := c.classify(); err != nil {
			return nil, err
		}
	}
	return kinds, nil
}

// classifier sorts the objects and the record indexes of one log.
type classifier struct {
	fsys   afero.Fs
	root   string // of the log's files
	prefix string
	names  []string
	kinds  map[string]*Kind // by file
	made   map[string]*Kind
}

func (c *classifier) set(file, kind string, row int) {
	k := c.made[kind]
	if k == nil {
		k = &Kind{Name: c.prefix + kind, Row: row}
		c.made[kind] = k
	}
	c.kinds[file] = k
}

func (c *classifier) classify() error {
	for _, name := range c.names {
		rest, ok := strings.CutPrefix(name, c.root)
		if !ok {
			continue
		}
		switch {
		case strings.HasPrefix(rest, "cas/"+changeset.ChangesetObjects+"/"):
			c.set(name, "another representation", 0) // those in the log are told below
		case strings.HasPrefix(rest, "cas/"+changeset.RecordObjects+"/"):
			c.set(name, "a superseded record version", 0)
		case strings.HasPrefix(rest, changeset.RecordsDir+"/"):
			c.set(name, "a record index", changeset.VersionSize)
		}
	}
	for _, name := range c.names { // a superseded version of one record may be the present one of another
		if rest, ok := strings.CutPrefix(name, c.root); ok && strings.HasPrefix(rest, changeset.RecordsDir+"/") {
			if err := c.present(name); err != nil {
				return err
			}
		}
	}
	return c.changesets()
}

// present tells the version that the index of a record names last.
func (c *classifier) present(index string) error {
	b, err := afero.ReadFile(c.fsys, index)
	if err != nil || len(b) < changeset.VersionSize {
		return err
	}
	v, err := changeset.ParseVersion(b[len(b)-changeset.VersionSize:])
	if err == nil && !v.Deleted() {
		c.set(c.root+changeset.ObjectPath(changeset.RecordObjects, v.Key), "a present record version", 0)
	}
	return err
}

// changesets tells those of the log: the first, the last, bookkeeping, and others.
func (c *classifier) changesets() error {
	b, err := afero.ReadFile(c.fsys, c.root+changeset.IndexFile)
	if err != nil {
		return err
	}
	rows, err := changeset.ParseRows(b, 1)
	if err != nil {
		return err
	}
	for i, row := range rows {
		file := c.root + changeset.ObjectPath(changeset.ChangesetObjects, row.Key)
		text, err := cas.New(c.fsys, c.root+"cas/"+changeset.ChangesetObjects).Get(row.Key)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a part has it
		}
		if err != nil {
			return err
		}
		cs, err := changeset.Decode(text)
		if err != nil {
			return err
		}
		switch {
		case i == 0:
			c.set(file, "the first changeset", 0)
		case i == len(rows)-1:
			c.set(file, "the last changeset", 0)
		case cs.Bookkeeping():
			c.set(file, "bookkeeping", 0)
		default:
			c.set(file, "a changeset", 0)
		}
	}
	return nil
}
