package replica

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// Where a file belongs there may lie what is none, as after a copy that went wrong: a directory, a named pipe, a symbolic link that leads nowhere. Nobody reads that, nor writes through it. A check names it, and looks at the rest as if
// the file were missing; a repair moves it aside as it is, and then the file is missing. The lock is left: who has none may move nothing.

// misplaced is what lies in the place of a file and is none.
type misplaced struct {
	name string // within the replica
	kind string // what it is, in words
}

func (m misplaced) String() string { return "it must be a regular file, and is " + m.kind }

// layout is a walk through the directories of a replica, in which what is no file, in the place of one, is looked for.
type layout struct {
	root      afero.Fs
	also      func(name string) bool // where else a file belongs, in the directory of a log; may be nil
	misplaced []misplaced
}

// lookAround walks through the directories of a replica. It goes through no link.
func lookAround(fsys afero.Fs, also func(name string) bool) *layout {
	a := &layout{root: fsys, also: also}
	for _, prefix := range logPrefixes {
		a.below(prefix, ".")
	}
	return a
}

// lookedInto are the directories in that of a log in which a replica has files. Others may have files and directories of their own beside them.
var lookedInto = []string{"cas", changeset.RecordsDir, oursDir, marksDir, path.Dir(cacheFile)}

// below looks below a directory. What cannot be listed is told by who has to read there.
func (a *layout) below(prefix, dir string) {
	entries, err := afero.ReadDir(a.root, path.Join(prefix, dir))
	if err != nil || dir == SetAsideDir {
		return
	}
	for _, e := range entries {
		name, mode := path.Join(dir, e.Name()), e.Mode()
		switch {
		case mode.IsRegular():
		case isPlaceOfFile(name) || a.also != nil && a.also(name):
			a.meet(prefix+name, mode)
		case mode.IsDir() && (dir != "." || slices.Contains(lookedInto, name)):
			a.below(prefix, name)
		}
	}
}

// meet notes what is no regular file, in the place of one, unless it is a link to one.
func (a *layout) meet(name string, mode fs.FileMode) {
	kind := durable.Kind(mode)
	if mode&fs.ModeSymlink != 0 {
		switch info, err := a.root.Stat(name); {
		case err != nil:
			kind = "a symbolic link that leads nowhere"
		case info.Mode().IsRegular():
			return
		default:
			kind = "a symbolic link to " + durable.Kind(info.Mode())
		}
	}
	a.misplaced = append(a.misplaced, misplaced{name, kind})
}

// lstat is Stat without following a link, where the file system can tell.
func lstat(fsys afero.Fs, name string) (os.FileInfo, error) {
	if l, ok := fsys.(afero.Lstater); ok {
		info, _, err := l.LstatIfPossible(name)
		return info, err
	}
	return fsys.Stat(name)
}

// ourFiles are those below the directory of a log that have one name each, but for the lock.
var ourFiles = []string{cacheFile, rowsFile, idsFile, oldIDsFile, conflictsFile, DigestsFile, lastPeerFile, formerFile, IdentityFile, LostFile, MirrorMark, RepresentationsFile, LatestRepresentationFile, durable.Journal, parts.ListFile}

// isPlaceOfFile reports whether a file belongs where the name says, in the directory of a log.
func isPlaceOfFile(name string) bool {
	dir, base := path.Split(name)
	switch dir = path.Clean(dir); {
	case dir == ".":
		return slices.Contains(rootFiles, base)
	case slices.Contains(ourFiles, name):
		return true
	case dir == marksDir:
		_, is := markedBy(base)
		return is
	case dir == peersDir:
		_, err := changeset.ParseUUID(base)
		return err == nil
	case dir == parts.Dir:
		return strings.HasSuffix(base, parts.PackExt) || strings.HasSuffix(base, parts.TableExt)
	}
	if below, in := strings.CutPrefix(name, changeset.RecordsDir+"/"); in {
		typ, _, _ := strings.Cut(below, "/")
		_, is := indexed(typ, name)
		return is
	}
	key, err := cas.ParseKey(base)
	if err != nil {
		return false
	}
	for _, store := range []string{"cas/" + changeset.ChangesetObjects, "cas/" + changeset.RecordObjects, LeftDir} {
		if cas.New(nil, store).Path(key) == name {
			return true
		}
	}
	return false
}

// WithoutMisplaced returns the tree of a replica or a mirror for who checks it: what lies in the place of a file and is none is not there. also tells, within the directory of a log, where else a file belongs than in a replica. What is found is to be told to
// told, which passes it to report, and end to be called at last, which reports what was not met.
func WithoutMisplaced(fsys afero.Fs, also func(name string) bool, report func(Problem)) (rest afero.Fs, told func(Problem), end func()) {
	found := lookAround(fsys, also).misplaced
	if len(found) == 0 {
		return fsys, report, func() {}
	}
	h := hide(fsys, found, report)
	return h, h.tell, func() { h.tellRest(found) }
}

// hiding is a file system in which what is misplaced is not there, for a check.
type hiding struct {
	afero.Fs
	names  map[string]misplaced
	told   map[string]bool
	report func(Problem)
}

func hide(fsys afero.Fs, found []misplaced, report func(Problem)) *hiding {
	h := &hiding{Fs: fsys, names: map[string]misplaced{}, told: map[string]bool{}, report: report}
	for _, m := range found {
		h.names[m.name] = m
	}
	return h
}

// tell reports a problem. One of what is misplaced says that, whatever the check took it for, and each is told once; of what is below it nothing is told.
func (h *hiding) tell(p Problem) {
	for dir := path.Dir(p.Path); dir != "."; dir = path.Dir(dir) {
		if _, is := h.names[dir]; is {
			return
		}
	}
	m, is := h.names[p.Path]
	if !is {
		h.report(p)
		return
	}
	if h.told[p.Path] {
		return
	}
	h.told[p.Path] = true
	p.Text, p.Alike, p.Harmless = m.String()+": a repair moves it aside", "", false
	if there, err := exists(h.Fs, MirrorMark); there || err != nil {
		p.Text, p.ByHand = m.String()+": move it to somewhere else", true
	}
	h.report(p)
}

// tellRest reports what is misplaced and was not met.
func (h *hiding) tellRest(found []misplaced) {
	for _, m := range found {
		h.tell(Problem{Path: m.name})
	}
}

func (h *hiding) hides(op, name string) error {
	if _, is := h.names[path.Clean(filepath.ToSlash(name))]; is {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return nil
}

func (h *hiding) Open(name string) (afero.File, error) {
	if err := h.hides("open", name); err != nil {
		return nil, err
	}
	return h.Fs.Open(name)
}

func (h *hiding) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if err := h.hides("open", name); err != nil {
		return nil, err
	}
	return h.Fs.OpenFile(name, flag, perm)
}

func (h *hiding) Stat(name string) (os.FileInfo, error) {
	if err := h.hides("stat", name); err != nil {
		return nil, err
	}
	return h.Fs.Stat(name)
}

// LstatIfPossible implements afero.Lstater.
func (h *hiding) LstatIfPossible(name string) (os.FileInfo, bool, error) {
	if err := h.hides("lstat", name); err != nil {
		return nil, false, err
	}
	info, err := lstat(h.Fs, name)
	return info, true, err
}

// takeMisplaced moves aside what lies in the place of a file and is none, before anything is read.
func (p *repair) takeMisplaced() error {
	for _, m := range lookAround(p.fs, nil).misplaced {
		if err := p.moveAside(m.name); err != nil {
			return &DamageError{Path: m.name, Err: fmt.Errorf("%v, and cannot be moved aside: move it to somewhere else, and run this again: %w", m, err)}
		}
		p.tell(m.name, IsSetAside, "%v", m)
	}
	return nil
}
