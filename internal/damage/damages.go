package damage

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/spf13/afero"
)

// Damage is a way in which a file can be damaged.
type Damage string

const (
	Deleted    Damage = "deleted"
	Emptied    Damage = "emptied"
	Truncated  Damage = "truncated"
	BitFlipped Damage = "one bit flipped"
	Swapped    Damage = "swapped with another"
	Junk       Damage = "junk appended"
	Zeros      Damage = "a block of zeros"
	Directory  Damage = "a directory in its place"
)

// Damages lists all, in the order of a table's columns.
var Damages = []Damage{Deleted, Emptied, Truncated, BitFlipped, Swapped, Junk, Zeros, Directory}

// Case is one damage to one file.
type Case struct {
	Kind   *Kind
	Damage Damage
	File   string
	Detail string // which bit, to how many bytes, with which file; may be empty
	Gone   bool   // there is no file then
	Dir    bool   // but a directory
	Other  string // the file of the same tree that gets what this one held; "" if there is none
	Held   []byte // what the file held before

	text []byte // what the file holds then, unless one bit is flipped
	flip int    // that bit, from 1 on: to hold a copy of a file for each of its bits would take the square of its size
}

// Text is what the file holds then.
func (c *Case) Text() []byte {
	if c.flip == 0 {
		return c.text
	}
	b, bit := bytes.Clone(c.Held), c.flip-1
	b[bit/8] ^= 1 << (bit % 8)
	return b
}

func (c *Case) String() string {
	text := fmt.Sprintf("%s, %s: %s", c.Kind.Name, c.Damage, c.File)
	if c.Detail != "" {
		text += ", " + c.Detail
	}
	return text
}

// Amount says how many cases there are.
type Amount struct {
	Seed uint64 // of what is chosen
	All  bool   // every file of a kind, and every bit of it
}

const (
	fewFiles = 2 // of a kind
	fewBits  = 3 // of a file
)

// Cases lists those of a damage to files of a kind, in the scene as it was made. There is none where [Kind.Cannot] says why.
func (s *Scene) Cases(k *Kind, d Damage, much Amount) ([]*Case, error) {
	if k.Cannot[d] != "" {
		return nil, nil
	}
	rng := rand.New(rand.NewPCG(much.Seed, sumOf(k.Name+string(d))))
	files := slices.Clone(k.Files)
	if !much.All {
		rng.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		files = files[:min(fewFiles, len(files))]
	}
	var cases []*Case
	for _, file := range files {
		held, err := afero.ReadFile(s.Of(k), file)
		if err != nil {
			return nil, err
		}
		more, err := s.casesOf(k, d, file, held, rng, much.All)
		if err != nil {
			return nil, err
		}
		for _, c := range more {
			c.Kind, c.Damage, c.File, c.Held = k, d, file, held
			if c.Gone || c.Dir || c.flip > 0 || !bytes.Equal(c.text, held) {
				cases = append(cases, c)
			}
		}
	}
	return cases, nil
}

func sumOf(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// Of is the file system that holds files of the kind.
func (s *Scene) Of(k *Kind) afero.Fs {
	if k.Mirror {
		return s.Mirror
	}
	return s.Replica
}

func (s *Scene) casesOf(k *Kind, d Damage, file string, held []byte, rng *rand.Rand, all bool) ([]*Case, error) {
	switch d {
	case Deleted:
		return []*Case{{Gone: true}}, nil
	case Emptied:
		return []*Case{{text: []byte{}}}, nil
	case Truncated:
		return truncated(k, held), nil
	case BitFlipped:
		return flipped(held, rng, all), nil
	case Swapped:
		return s.swapped(k, file)
	case Junk:
		return []*Case{{text: append(bytes.Clone(held), "junk\x00"...)}, {text: append(bytes.Clone(held), make([]byte, max(1, k.Row))...), Detail: "zeros"}}, nil
	case Zeros:
		return zeros(held), nil
	case Directory:
		return []*Case{{Dir: true}}, nil
	}
	return nil, fmt.Errorf("no such damage: %s", d)
}

// truncated cuts off the last byte, the last row, and half.
func truncated(k *Kind, held []byte) (cases []*Case) {
	lengths := []int{len(held) - 1, len(held) / 2}
	if k.Row > 0 {
		lengths = append(lengths, len(held)-k.Row)
	}
	slices.Sort(lengths)
	for _, n := range slices.Compact(lengths) {
		if n > 0 { // else it is emptied
			cases = append(cases, &Case{text: bytes.Clone(held[:n]), Detail: fmt.Sprintf("to %d of %d bytes", n, len(held))})
		}
	}
	if len(cases) == 0 && len(held) == 1 { // the shortest file can be cut only to nothing
		cases = append(cases, &Case{text: []byte{}, Detail: "to nothing"})
	}
	return cases
}

// flipped flips some bits, each in a case of its own: one in the first byte, one in the last, one anywhere.
func flipped(held []byte, rng *rand.Rand, all bool) (cases []*Case) {
	n := 8 * len(held)
	if n == 0 {
		return nil
	}
	bits := []int{rng.IntN(8), n - 8 + rng.IntN(8)}
	for len(bits) < fewBits {
		bits = append(bits, rng.IntN(n))
	}
	if all {
		bits = bits[:0]
		for bit := range n {
			bits = append(bits, bit)
		}
	}
	slices.Sort(bits)
	for _, bit := range slices.Compact(bits) {
		cases = append(cases, &Case{flip: bit + 1, Detail: fmt.Sprintf("bit %d of byte %d", bit%8, bit/8)})
	}
	return cases
}

// zeros overwrites the second half, and, of a longer file, a block in its middle.
func zeros(held []byte) []*Case {
	overwritten := func(from, to int) *Case {
		b := bytes.Clone(held)
		clear(b[from:to])
		return &Case{text: b, Detail: fmt.Sprintf("bytes %d to %d", from, to-1)}
	}
	if len(held) == 0 {
		return nil
	}
	cases := []*Case{overwritten(len(held)/2, len(held))}
	if len(held) >= 64 {
		cases = append(cases, overwritten(len(held)/4, len(held)/4+16))
	}
	return cases
}

// swapped swaps a file with another one of other bytes: of its kind, or else of its store of objects, of the other log, of the peer, or any, first those beside it.
func (s *Scene) swapped(k *Kind, file string) ([]*Case, error) {
	fsys := s.Of(k)
	held, err := afero.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	names, err := Files(fsys)
	if err != nil {
		return nil, err
	}
	root := ""
	if k.Mirror {
		root = s.Database.String() + "/"
	}
	within := strings.TrimPrefix(file, root)
	swap := func(others []string) *Case {
		for _, other := range others {
			text, err := afero.ReadFile(fsys, other)
			if err == nil && other != file && !bytes.Equal(text, held) {
				return &Case{text: text, Other: other, Detail: "with " + other}
			}
		}
		return nil
	}
	if c := swap(slices.Concat(k.Files, inStore(names, file), []string{root + votesPrefix + within, root + strings.TrimPrefix(within, votesPrefix)})); c != nil {
		return []*Case{c}, nil
	}
	if text, err := afero.ReadFile(s.Peer, within); err == nil && !bytes.Equal(text, held) {
		return []*Case{{text: text, Detail: "with that of " + CarolAt}}, nil
	}
	if c := swap(append(beside(names, file), names...)); c != nil {
		return []*Case{c}, nil
	}
	return nil, nil
}

// inStore returns the objects of the store that an object is in.
func inStore(names []string, file string) []string {
	at := strings.Index(file, "cas/")
	if at < 0 {
		return nil
	}
	kind, _, _ := strings.Cut(file[at+len("cas/"):], "/")
	store := file[:at] + "cas/" + kind + "/"
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, store) })
}

// beside returns the files in the directory of a file, and below.
func beside(names []string, file string) []string {
	dir, _ := path.Split(file)
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, dir) })
}

// Do damages the file in a tree as the scene's.
func (c *Case) Do(fsys afero.Fs) error {
	if c.Gone || c.Dir {
		if err := fsys.Remove(c.File); err != nil || c.Gone {
			return err
		}
		return fsys.Mkdir(c.File, 0o777)
	}
	if err := afero.WriteFile(fsys, c.File, c.Text(), 0o666); err != nil || c.Other == "" {
		return err
	}
	return afero.WriteFile(fsys, c.Other, c.Held, 0o666)
}

// Undo gives the files what they held.
func (c *Case) Undo(fsys afero.Fs) error {
	if c.Dir {
		if err := fsys.Remove(c.File); err != nil {
			return err
		}
	}
	if err := afero.WriteFile(fsys, c.File, c.Held, 0o666); err != nil || c.Other == "" {
		return err
	}
	return afero.WriteFile(fsys, c.Other, c.Text(), 0o666)
}
