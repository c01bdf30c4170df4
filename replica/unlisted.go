package replica

import (
	"context"
	"fmt"
	"path"
	"strings"

	"prophet/cas"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// A part that no list names counts for nothing: mostly it is left of a writer that was cut off, or was merged into another one. But a list may be damaged, or an older one
// that was put back, and then such a part has what is nowhere else. So before one is removed it is held against the log.

// unlisted are the files in the directory of parts that a list does not name, but for locks and what no writer finished, sorted.
func (l *Log) unlisted(list parts.List) (names []string, err error) {
	named := map[string]bool{parts.ListFile: true, gcLock: true}
	for _, ref := range list {
		for _, f := range filesOfPart(ref) {
			named[f.name] = true
		}
	}
	entries, err := l.list(parts.Dir)
	for _, name := range entries {
		if name := path.Join(parts.Dir, name); !named[name] && !durable.IsTemp(name) {
			names = append(names, name)
		}
	}
	return names, err
}

// partOf names the part of which a file is the pack or the table.
func partOf(file string) string {
	return strings.TrimSuffix(strings.TrimSuffix(file, parts.PackExt), parts.TableExt)
}

// sumOfPack is what a pack is named after.
func sumOfPack(name string) (sum parts.Sum, ok bool) {
	base, is := strings.CutSuffix(path.Base(name), parts.PackExt)
	sum, ok = parts.ParseSum(base)
	return sum, is && ok
}

// withoutObject returns the rows that no part of the list covers and whose changesets cannot be read, by their names, and the first of them that is not listed as
// lost, 0 if there is none.
func (l *Log) withoutObject(ctx context.Context, list parts.List) (lacking map[cas.Key]uint32, first uint32, err error) {
	lost, err := l.lostRows()
	if err != nil {
		return nil, 0, err
	}
	lacking = map[cas.Key]uint32{}
	for from := uint32(1); from <= l.latest && from > 0; {
		to := l.latest
		i, covered := list.Covering(from)
		switch {
		case covered:
			from = list[i].Last + 1
			continue
		case i < len(list):
			to = min(to, list[i].First-1)
		}
		for row, err := range l.Rows(from, to) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, 0, err
			}
			err = l.objects.Use(row.Key, func([]byte) error { return nil })
			if err != nil && !isMissingObject(err) {
				return nil, 0, err
			}
			if err == nil {
				continue
			}
			lacking[row.Key] = row.Seq
			if _, is := lost[row.Seq]; !is && first == 0 {
				first = row.Seq
			}
		}
		from = to + 1
	}
	return lacking, first, nil
}

// checkUnlisted returns a [DamageError] if files that no list names have changesets of rows which cannot be read elsewhere, or may have some. Where such rows are not listed as
// lost, and nothing has them, it names the first. If it returns nil, the files may go. They are read only where rows lack something.
func (l *Log) checkUnlisted(ctx context.Context, list parts.List, names []string) error {
	lacking, first, err := l.withoutObject(ctx, list)
	if err != nil || len(lacking) == 0 {
		return err
	}
	for _, name := range names {
		if err := l.holdsLacking(ctx, name, lacking); err != nil {
			return err
		}
	}
	if first > 0 {
		row, err := l.Row(first)
		if err != nil {
			return err
		}
		if err := l.objects.Use(row.Key, func([]byte) error { return nil }); err != nil { // else a repair brought it meanwhile
			return fmt.Errorf("row %d: %w", first, err)
		}
	}
	return nil
}

// holdsLacking returns a [DamageError] if a file has changesets that are lacking, or bears the name of a pack and cannot be read to its end.
func (l *Log) holdsLacking(ctx context.Context, name string, lacking map[cas.Key]uint32) error {
	if strings.HasSuffix(name, parts.TableExt) {
		return nil // it follows from its pack
	}
	f, err := l.fs.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var least, greatest uint32
	n := 0
	for row, err := range parts.ReadPack(f) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && n == 0 && strings.HasSuffix(name, parts.PackExt) {
			return l.damaged(name, fmt.Errorf("no list names it, and it may have what is nowhere else: %w", err))
		}
		if err != nil {
			break
		}
		if seq := lacking[cas.Sum(row.Changeset)]; seq > 0 {
			if n++; n == 1 {
				least = seq
			}
			least, greatest = min(least, seq), max(greatest, seq)
		}
	}
	if n == 0 {
		return nil
	}
	return l.damaged(parts.ListFile, fmt.Errorf("it does not name %s, which has %s of the log, and which nothing else has", l.prefix+name, inRows(n, least, greatest)))
}

// inRows says how many rows they are, and where.
func inRows(n int, least, greatest uint32) string {
	switch {
	case n == 1:
		return fmt.Sprintf("row %d", least)
	case uint64(n) == uint64(greatest)-uint64(least)+1:
		return fmt.Sprintf("rows %d to %d", least, greatest)
	}
	return fmt.Sprintf("%d rows from %d to %d", n, least, greatest)
}
