package replica

import (
	"cmp"
	"io"
	"path"
	"slices"

	"github.com/minio/sha256-simd"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// mendParts makes the parts of both logs whole, before anything is read through them. A pack says which rows it has, so that the list follows from the packs; a table follows from its
// pack; and what a pack lost others have. What is not whole then is dissolved: what can be read of it is written as loose files, and the rest is looked for as anything that is loose.
func (p *repair) mendParts() error {
	format, err := readSmall(p.fs, changeset.ReplicaVersionFile)
	if err != nil || format != FormatParts {
		return err
	}
	for _, prefix := range votesFirst {
		x := &partsRepair{p: p, found: p.of[prefix], l: newLog(p.fs, prefix, p.opts.Where, &limits{}), prefix: prefix, dissolved: map[changeset.RecordID]bool{}, salvaged: map[string]string{}}
		x.l.format = format
		if x.l.uuid, err = x.l.readUUID(changeset.ReplicaUUIDFile); err != nil && !isDamage(err) {
			return err
		}
		x.found.onlyOurs = true
		if err := x.run(); err != nil {
			return err
		}
	}
	return nil
}

// partsRepair mends the parts of one log.
type partsRepair struct {
	p      *repair
	l      *Log // of which only the files of parts, and loose objects, are read
	prefix string
	found  *logRepair

	text   string     // of the list, as it is
	list   parts.List // which it names
	listed bool       // it can be read
	index  []byte     // of the log, as far as it can be read
	told   uint32     // the last row of which another file than the list tells that is part of a commit, or a loose index of a record
	sums   map[parts.Sum]string
	packs  []packFile
	beside *packsBeside // the packs that the list does not name
	taken  uint32       // the last row of those that follow the log and are taken up; zero if there are none

	dissolved map[changeset.RecordID]bool // what is known of these is loose now
	salvaged  map[string]string           // packs that were dissolved, and what is said when they are set aside
	lossy     bool                        // rows were lost, so that the parts behind them do not follow from what is there
}

// packFile is a pack that lies there.
type packFile struct {
	name        string // within the log
	first       uint32 // its first row; zero if it is damaged
	sum         parts.Sum
	lastCounted uint32 // the last of them that the log has too; zero if none
	needed      bool   // it has a row that is nowhere else
	another     bool   // it has another changeset in a row in which the log has one that is here: it is of another line
}

// within reports whether parts cover all rows of a pack that the log has.
func (f packFile) within(list parts.List) bool {
	for seq := f.first; seq <= f.lastCounted && seq > 0; seq++ {
		if _, covered := list.Covering(seq); !covered {
			return false
		}
	}
	return true
}

func (x *partsRepair) run() (err error) {
	text, list, err := x.l.readParts()
	x.p.unread(err)
	if err != nil && !isDamage(err) {
		return err
	}
	x.text, x.list, x.listed = text, list, err == nil
	x.found.partless = x.listed && len(list) == 0
	x.reaches(list)
	if err := x.doubtList(); err != nil {
		return err
	}
	if sound, err := x.isSound(); sound || err != nil {
		return err
	}
	if err := x.restoreNames(); err != nil {
		return err
	}
	if err := x.look(); err != nil {
		return err
	}
	if err := x.takeBeside(); err != nil {
		return err
	}
	return x.mend(x.choose())
}

// reaches notes up to which row a list of parts tells of rows.
func (x *partsRepair) reaches(list parts.List) {
	for _, ref := range list {
		x.found.listedTo = max(x.found.listedTo, ref.Last)
	}
}

// doubtList takes a list of which no file is here for another log's.
func (x *partsRepair) doubtList() error {
	for _, ref := range x.list {
		for _, f := range filesOfPart(ref) {
			if there, err := exists(x.l.fs, f.name); there || err != nil {
				x.found.surelyTo = x.found.listedTo
				return err
			}
		}
	}
	x.list, x.listed = nil, x.listed && len(x.list) == 0
	return nil
}

// isSound reports whether all files are what the list says, and it lacks none. It writes nothing: where a pack is damaged, the whole one may lie under another name.
func (x *partsRepair) isSound() (bool, error) {
	if !x.listed {
		return false, nil
	}
	for _, ref := range x.list {
		if whole, err := x.isWhole(filesOfPart(ref)...); !whole || err != nil {
			return false, err
		}
	}
	names, err := x.l.unlisted(x.list)
	if err != nil || len(names) == 0 {
		return err == nil, err
	}
	if err := x.look(); err != nil {
		return false, err
	}
	if slices.ContainsFunc(x.packs, func(f packFile) bool { return f.needed || f.first == 0 }) {
		return false, nil
	}
	end, err := x.goesOn()
	return end == x.beside.end, err
}

// isWhole reports whether files of parts are what their sums say.
func (x *partsRepair) isWhole(files ...partFile) (bool, error) {
	for _, f := range files {
		err := x.l.checkPartFile(x.p.ctx, f)
		x.p.unread(err)
		if isDamage(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// restoreNames puts a copy of each file of a part that is damaged or missing in its place, if there is one under another name: names may have been swapped.
func (x *partsRepair) restoreNames() error {
	files, err := x.wanted()
	if err != nil {
		return err
	}
	for _, f := range files {
		whole, err := x.isWhole(f)
		if err != nil {
			return err
		}
		if whole {
			continue
		}
		from, err := x.fileWith(f.sum)
		if err != nil {
			return err
		}
		if from == "" {
			continue
		}
		name := x.prefix + f.name
		if there, err := exists(x.p.fs, name); err != nil {
			return err
		} else if there {
			if err := x.p.setAside(name); err != nil {
				return err
			}
		}
		if err := durable.CopyFile(x.p.fs, from, name); err != nil {
			return err
		}
		x.sums = nil // what was swapped with it is somewhere else now
		x.p.tell(name, IsRebuilt, "%s held it", from)
	}
	return nil
}

// wanted are the files that the list names, and the packs that files beside are named after.
func (x *partsRepair) wanted() (files []partFile, err error) {
	names, err := x.l.unlisted(x.list)
	for _, ref := range x.list {
		files = append(files, filesOfPart(ref)...)
	}
	for _, name := range names {
		if sum, ok := sumOfPack(name); ok {
			files = append(files, partFile{name, sum})
		}
	}
	return files, err
}

// fileWith returns a file that has a SHA-256, among those of parts of both logs and what was set aside of them, "" if there is none.
func (x *partsRepair) fileWith(sum parts.Sum) (string, error) {
	if x.sums == nil {
		x.sums = map[parts.Sum]string{}
		for _, prefix := range logPrefixes {
			for _, dir := range []string{prefix + parts.Dir, path.Join(SetAsideDir, prefix, parts.Dir)} {
				if err := x.addSums(dir); err != nil {
					return "", err
				}
			}
		}
	}
	return x.sums[sum], nil
}

func (x *partsRepair) addSums(dir string) error {
	infos, err := afero.ReadDir(x.p.fs, dir)
	if err != nil && !isNotExist(err) {
		return err
	}
	for _, info := range infos {
		if !info.Mode().IsRegular() {
			continue
		}
		name := path.Join(dir, info.Name())
		sum, err := x.sumOf(name)
		if err != nil {
			return err
		}
		if x.sums[sum] == "" {
			x.sums[sum] = name
		}
	}
	return nil
}

// sumOf returns the SHA-256 of a file.
func (x *partsRepair) sumOf(name string) (sum parts.Sum, err error) {
	f, err := x.p.fs.Open(name)
	if err != nil {
		x.p.unread(err)
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	x.p.unread(err)
	return parts.Sum(h.Sum(nil)), err
}

// choose returns the parts that are to count: those that are whole before others, and of packs that no list names those that have what is nowhere else, the largest first. One of these that has all rows of what the
// list names there goes before that: such a list is an older one. Without a list all count that the log has rows of.
func (x *partsRepair) choose() (chosen parts.List) {
	take := func(ref parts.Ref) {
		for _, other := range chosen {
			if ref.First <= other.Last && other.First <= ref.Last {
				return
			}
		}
		chosen = append(chosen, ref)
	}
	whole := map[parts.Sum]packFile{}
	for _, f := range x.packs {
		if f.first > 0 {
			whole[f.sum] = f
		}
	}
	for _, ref := range x.list {
		merged := slices.ContainsFunc(x.packs, func(f packFile) bool {
			return f.first > 0 && f.needed && f.first <= ref.First && ref.Last <= f.lastCounted && f.sum != ref.Pack
		})
		if _, is := whole[ref.Pack]; is && !merged {
			take(ref)
		}
	}
	others := slices.DeleteFunc(slices.Clone(x.packs), func(f packFile) bool { return f.first == 0 || f.lastCounted == 0 || x.listed && !f.needed })
	slices.SortStableFunc(others, func(a, b packFile) int { return cmp.Compare(b.lastCounted-b.first, a.lastCounted-a.first) })
	for _, f := range others {
		take(parts.Ref{First: f.first, Last: f.lastCounted, Pack: f.sum})
	}
	for _, ref := range x.list {
		take(ref)
	}
	slices.SortFunc(chosen, func(a, b parts.Ref) int { return cmp.Compare(a.First, b.First) })
	return chosen
}

// mend makes each of the parts whole, and the list name them. What cannot be made whole is dissolved before the list leaves it out, and so is a pack that has what no part has that is to count; then what is damaged is
// set aside.
func (x *partsRepair) mend(chosen parts.List) error {
	var list parts.List
	for _, ref := range chosen {
		if err := x.p.disturbed(); err != nil {
			return err
		}
		whole, is, err := x.mendPart(ref, list)
		if err != nil {
			return err
		}
		if is {
			list = append(list, whole)
		}
	}
	for _, f := range x.packs {
		if (f.first == 0 || f.needed && !f.within(chosen)) && !slices.ContainsFunc(chosen, func(ref parts.Ref) bool { return ref.PackFile() == f.name }) {
			if err := x.salvage(f.name); err != nil {
				return err
			}
		}
	}
	if err := x.unwind(); err != nil {
		return err
	}
	return x.finish(list)
}

// writeList writes the list, if it is to be another.
func (x *partsRepair) writeList(list parts.List) error {
	text := list.Encode()
	if x.listed && text == x.text {
		return nil
	}
	if _, err := x.p.replace(x.prefix+parts.ListFile, []byte(text)); err != nil {
		return err
	}
	x.p.tell(x.prefix+parts.ListFile, IsRebuilt, "it names the parts that are there: %d", len(list))
	return nil
}

// finish writes the list, and sets aside what it does not name and is not what it is named after. An empty one in place of one that is lost, or of which no file is here, is written once the index is whole:
// until then there is none, so that the next repair, too, knows that parts may be lost.
func (x *partsRepair) finish(list parts.List) error {
	if err := x.p.disturbed(); err != nil {
		return err
	}
	x.found.lostParts = !x.listed || x.lossy
	x.reaches(list)
	if n := len(list); !x.listed && n > 0 {
		x.found.surelyTo = list[n-1].Last // all packs count that lie there
	}
	if x.taken > 0 && x.found.listedTo >= x.taken {
		x.found.surelyTo = max(x.found.surelyTo, x.taken)
	}
	switch {
	case x.listed || len(list) > 0:
		if err := x.writeList(list); err != nil {
			return err
		}
	default:
		if err := x.p.takeAway(x.prefix + parts.ListFile); err != nil {
			return err
		}
		x.p.lists = append(x.p.lists, func() error { return x.writeList(list) })
	}
	x.found.besideAhead = x.beside.isAhead(x.told)
	names, err := x.l.unlisted(list)
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.ContainsFunc(x.packs, func(f packFile) bool { return f.first > 0 && partOf(f.name) == partOf(name) }) {
			continue
		}
		if pack := partOf(name) + parts.PackExt; x.isLeft(pack) {
			if name == pack {
				x.found.broken = append(x.found.broken, pack)
			}
			continue
		}
		x.p.tell(x.prefix+name, IsSetAside, "%s", cmp.Or(x.salvaged[name], "no part has it any more"))
		if err := x.p.takeAway(x.prefix + name); err != nil {
			return err
		}
	}
	return nil
}
