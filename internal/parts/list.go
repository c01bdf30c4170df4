package parts

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sort"
	"strings"
)

// ListFile is the list of the parts of a log, within its directory. A line each names, in the order of the rows and without overlaps, the first and the last row
// that count of a part, and the SHA-256 of its pack and of its table. An example, with one part, of which the last line is the CRC-32C of what is above it:
//
//	prophet parts 1
//	1 1024 9d5b…01 4410…c7
//	crc32c 20846e7e
//
// It is there from the replica's beginning, without parts at first, and has no newline at its end.
const ListFile = Dir + "/list"

// MaxList is how many bytes a list has at most, and MaxParts how many parts: so many have room in it, whatever their rows. Who has as many adds none.
const (
	MaxList  = 64 << 10
	MaxParts = 400
)

// How the names of packs and tables end.
const (
	PackExt  = ".pack"
	TableExt = ".table"
)

const (
	listHead = "prophet parts 1\n"
	sumWord  = "crc32c "
)

// Sum is the SHA-256 of a file.
type Sum [32]byte

// String returns the sum in lower-case hex, 64 digits.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// ParseSum reads what [Sum.String] writes, and nothing else.
func ParseSum(text string) (s Sum, ok bool) {
	if len(text) != hex.EncodedLen(len(s)) {
		return s, false
	}
	_, err := hex.Decode(s[:], []byte(text))
	return s, err == nil && s.String() == text
}

// Ref names a part, and says which rows count of it: from the first that it has to Last, which may not be all.
type Ref struct {
	First, Last uint32
	Pack, Table Sum
}

// PackFile is where the pack is, within the directory of the log.
func (r Ref) PackFile() string { return Dir + "/" + r.Pack.String() + PackExt }

// TableFile is where the table is, within the directory of the log.
func (r Ref) TableFile() string { return Dir + "/" + r.Pack.String() + TableExt }

// List names the parts of a log, in the order of their rows.
type List []Ref

// Encode returns the text of [ListFile].
func (l List) Encode() string {
	b := []byte(listHead)
	for _, r := range l {
		b = fmt.Appendf(b, "%d %d %s %s\n", r.First, r.Last, r.Pack, r.Table)
	}
	return string(b) + sumWord + fmt.Sprintf("%08x", crc32.Checksum(b, castagnoli))
}

// ParseList reads what Encode writes, and nothing else.
func ParseList(text string) (List, error) {
	if len(text) > MaxList {
		return nil, fmt.Errorf("it is longer than %d bytes", MaxList)
	}
	rest, ok := strings.CutPrefix(text, listHead)
	if !ok {
		return nil, fmt.Errorf("it does not begin with %q", listHead)
	}
	var l List
	for line := range strings.Lines(rest) {
		if strings.HasPrefix(line, sumWord) {
			break
		}
		var r Ref
		var pack, table string
		if _, err := fmt.Sscanf(line, "%d %d %64s %64s\n", &r.First, &r.Last, &pack, &table); err != nil {
			break
		}
		if n, err := hex.Decode(r.Pack[:], []byte(pack)); n != len(r.Pack) || err != nil {
			break
		}
		if n, err := hex.Decode(r.Table[:], []byte(table)); n != len(r.Table) || err != nil {
			break
		}
		l = append(l, r)
	}
	if l.Encode() != text {
		return nil, errors.New("it does not have the checksum that it bears, or is not of the form that this program writes")
	}
	for i, r := range l {
		if r.First == 0 || r.Last < r.First || i > 0 && r.First <= l[i-1].Last {
			return nil, fmt.Errorf("rows %d to %d do not come after those above", r.First, r.Last)
		}
	}
	return l, nil
}

// Covering returns which part has a row; ok is false if none does, and i is then the first part after it.
func (l List) Covering(row uint32) (i int, ok bool) {
	i = sort.Search(len(l), func(i int) bool { return l[i].Last >= row })
	return i, i < len(l) && l[i].First <= row
}

// Cut returns the list without what it has of rows after the last.
func (l List) Cut(last uint32) List {
	i, ok := l.Covering(last)
	cut := append(List(nil), l[:i]...)
	if ok {
		r := l[i]
		r.Last = last
		cut = append(cut, r)
	}
	return cut
}

// Replace returns the list with a part that has the rows of some, which stand one behind the other in it, or rows that none has. ok is false if the list does not have
// those as they are, or there is no room for the part.
func (l List) Replace(instead List, by Ref) (list List, ok bool) {
	i, _ := l.Covering(by.First)
	end := i + len(instead)
	if end > len(l) || !slices.Equal(l[i:end], instead) || end < len(l) && l[end].First <= by.Last || len(l)-len(instead) >= MaxParts {
		return nil, false
	}
	return slices.Concat(l[:i], List{by}, l[end:]), true
}
