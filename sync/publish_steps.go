package sync

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	gosync "sync"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/wire"
	"prophet/replica"
)

// step reports whether a file of a mirror, by its name below the directory of the replica, belongs to a step in which the files that a publication wrote
// are sent elsewhere. gone: it was removed. A file belongs to the first step that has it.
type step func(name string, gone bool) bool

// steps are those in which a publication is sent, the last of which has what no other has. Within a step the order does not matter:
//
//  1. objects and packs, which nothing refers to yet;
//  2. indexes and lists, of which so far as many rows count as before;
//  3. numbers, UUIDs, the mark and the head, from which readers know the new state;
//  4. replica-version, without which a new mirror is none;
//  5. the MirrorFile, and the removal of packs, which no head names any longer.
//
// After a move, when the logs are others, the indexes of the resolutions come in a step before the others, and what names states in one of its own, after the numbers.
func (p *publisher) steps() []step {
	moved := p.main.anew || p.votes.anew
	return []step{
		func(name string, gone bool) bool { return !gone && isObject(name) },
		func(name string, _ bool) bool { return moved && isIndex(name) && inLog(name) != name },
		func(name string, _ bool) bool { return isIndex(name) },
		func(name string, _ bool) bool { return isNumber(name) || !moved && namesStates(name) },
		func(name string, _ bool) bool { return namesStates(name) },
		func(name string, _ bool) bool { return isVersion(name) },
		func(string, bool) bool { return true },
	}
}

// inLog is the name of a file in the directory of its log.
func inLog(name string) string { return strings.TrimPrefix(name, changeset.ResolutionsDir+"/") }

// isObject reports whether a file never changes.
func isObject(name string) bool {
	name = inLog(name)
	return slices.ContainsFunc([]string{"cas/", path.Dir(wire.PackFile("x")) + "/", replica.LeftDir + "/"}, func(dir string) bool { return strings.HasPrefix(name, dir) })
}

func isNumber(name string) bool {
	name = inLog(name)
	return name == changeset.LatestFile || name == changeset.ReplicaUUIDFile || name == changeset.DatabaseUUIDFile || name == replica.LatestRepresentationFile
}

func namesStates(name string) bool {
	return name == replica.MirrorMark || name == replica.IdentityFile || name == wire.HeadFile
}

// isIndex reports whether a file is one that grows with the log, or with what is in it.
func isIndex(name string) bool {
	return !isObject(name) && !isNumber(name) && !namesStates(name) && !isVersion(name) && name != MirrorFile
}

func isVersion(name string) bool { return inLog(name) == changeset.ReplicaVersionFile }

// noted is a file system that notes which files were written, replaced or removed, but for locks and what is not finished.
type noted struct {
	afero.Fs
	mu    gosync.Mutex
	names map[string]bool
}

func (n *noted) note(name string) {
	name = filepath.ToSlash(filepath.Clean(name))
	if name == mirrorLock || strings.HasSuffix(name, "/"+mirrorLock) || durable.IsTemp(name) {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = true
}

func (n *noted) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if flag != os.O_RDONLY {
		n.note(name)
	}
	return n.Fs.OpenFile(name, flag, perm)
}

func (n *noted) Create(name string) (afero.File, error) {
	n.note(name)
	return n.Fs.Create(name)
}

func (n *noted) Rename(from, to string) error {
	n.note(from)
	n.note(to)
	return n.Fs.Rename(from, to)
}

func (n *noted) Remove(name string) error {
	err := n.Fs.Remove(name)
	if err == nil {
		n.note(name)
	}
	return err
}
