package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// Identity is what a new replica is given.
type Identity struct {
	Database uuid.UUID // zero: a new database
	Votes    uuid.UUID // database UUID of the resolutions; zero: new
	Format   string    // FormatLoose or FormatParts; "": the usual one
}

// Init makes a replica at the root of the file system, which may hold other files but no replica, and opens it.
// It is durable when Init returns. An Init that fails takes away what it made; one that was cut off can be run again.
func Init(ctx context.Context, fsys afero.Fs, id Identity, opts Options) (*Replica, error) {
	if id.Format != "" && !knownFormat(id.Format) {
		return nil, &VersionError{opts.Where, id.Format}
	}
	r, err := initReplica(ctx, fsys, id.filled(opts), opts)
	if err != nil {
		return nil, fmt.Errorf("make a replica in %s: %w", opts.Where, err)
	}
	return r, nil
}

func initReplica(ctx context.Context, fsys afero.Fs, is identity, opts Options) (r *Replica, err error) {
	if err := refuseReplica(fsys); err != nil { // before there is so much as a lock
		return nil, err
	}
	made, err := absent(fsys, oursDir, lockFile)
	if err != nil {
		return nil, err
	}
	unlock, err := durable.Lock(ctx, fsys, lockFile, opts.patience())
	if err != nil {
		if !errors.Is(err, errors.ErrUnsupported) { // somebody may have the lock
			made = slices.DeleteFunc(made, func(name string) bool { return name == lockFile })
		}
		return nil, errors.Join(err, durable.TakeBack(fsys, made))
	}
	defer unlock()
	defer func() {
		if err != nil {
			err = errors.Join(err, durable.TakeBack(fsys, made))
		}
	}()
	if err := refuseReplica(fsys); err != nil {
		if errors.Is(err, ErrExists) || isDamage(err) {
			made = nil // somebody else made one meanwhile
		}
		return nil, err
	}
	files := filesOf(is)
	mine, err := absent(fsys, withDirs(files)...)
	if err != nil {
		return nil, err
	}
	made = append(made, mine...)
	for _, f := range files {
		if err := durable.WriteFile(fsys, f.Name, f.Data); err != nil {
			return nil, err
		}
	}
	return Open(fsys, opts)
}

// refuseReplica returns an error where there is a replica, or something is left of one.
func refuseReplica(fsys afero.Fs) error {
	if _, err := fsys.Stat(changeset.ReplicaVersionFile); err == nil {
		return ErrExists
	}
	return refuseRemains(fsys)
}

// filled is the identity of a new replica: what is not given is made up.
func (id Identity) filled(opts Options) identity {
	newUUID := opts.NewUUID
	if newUUID == nil {
		newUUID = uuid.New
	}
	for _, u := range []*uuid.UUID{&id.Database, &id.Votes} {
		if *u == uuid.Nil {
			*u = newUUID()
		}
	}
	is := identity{votesDatabaseFile: id.Votes.String(), votesReplicaFile: newUUID().String(),
		changeset.DatabaseUUIDFile: id.Database.String(), changeset.ReplicaUUIDFile: newUUID().String()}
	is.setFormat(cmp.Or(id.Format, parts.DefaultFormat))
	return is
}

// filesOf are the files of a new replica, in the order in which they are written. One of format 2 has its lists of parts from the start: a list that is missing is damage.
func filesOf(is identity) (files []durable.Content) {
	format := is.format()
	if format == FormatParts {
		for _, prefix := range votesFirst {
			files = append(files, durable.Content{Name: prefix + parts.ListFile, Data: []byte(parts.List{}.Encode())})
		}
	}
	for _, f := range []struct{ name, text string }{
		{votesDatabaseFile, is[votesDatabaseFile]},
		{votesReplicaFile, is[votesReplicaFile]},
		{votesNumber, "0"},
		{changeset.ResolutionsDir + "/" + changeset.ReplicaVersionFile, format},
		{changeset.DatabaseUUIDFile, is[changeset.DatabaseUUIDFile]},
		{changeset.ReplicaUUIDFile, is[changeset.ReplicaUUIDFile]},
		{changeset.LatestFile, "0"},
		{IdentityFile, string(is.encode())},
		{changeset.ReplicaVersionFile, format}, // last: without it, there is no replica
	} {
		files = append(files, durable.Content{Name: f.name, Data: []byte(f.text)})
	}
	return files
}

// withDirs are the names of the files, each after the directories that it is in.
func withDirs(files []durable.Content) (names []string) {
	for _, f := range files {
		for i, c := range f.Name + "/" {
			if name := f.Name[:i]; c == '/' && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// absent returns those of the files and directories that are not there.
func absent(fsys afero.Fs, names ...string) (list []string, err error) {
	for _, name := range names {
		there, err := exists(fsys, name)
		if err != nil {
			return nil, err
		}
		if !there {
			list = append(list, name)
		}
	}
	return list, nil
}

// LeftOfInit reports whether [Init] makes such a file or directory before there is a replica.
func LeftOfInit(fsys afero.Fs, name string, info os.FileInfo) bool {
	name = strings.ReplaceAll(name, `\`, "/")
	if info.IsDir() && name == "." || !info.IsDir() && (durable.IsTemp(name) || name == lockFile) {
		return true
	}
	is := identity{}
	is.setFormat(FormatParts) // which has all that the other has
	files := filesOf(is)
	for _, f := range files[:len(files)-1] { // with the last there is a replica
		switch {
		case info.IsDir():
			if strings.HasPrefix(f.Name, name+"/") {
				return true
			}
		case f.Name != name:
		case path.Base(name) == changeset.LatestFile || strings.HasSuffix(name, parts.ListFile): // any other number or list tells of a replica
			is, err := holds(fsys, name, f.Data)
			return err == nil && is
		default:
			return true
		}
	}
	return false
}
