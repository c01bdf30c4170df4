package workload

import (
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"
)

const (
	vocabulary    = 2000
	shortestValue = 20
	longestValue  = 60
)

// words are of four to nine letters, as 2,000 words of a language are.
var words = func() (all []string) {
	rnd := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for len(all) < vocabulary {
		if w := newWord(rnd); !seen[w] {
			seen[w] = true
			all = append(all, w)
		}
	}
	return all
}()

func newWord(rnd *rand.Rand) string {
	const consonants, vowels = "bcdfghjklmnprstvwz", "aeiou"
	var b []byte
	for range 2 + rnd.IntN(2) {
		b = append(b, consonants[rnd.IntN(len(consonants))], vowels[rnd.IntN(len(vowels))])
		if rnd.IntN(3) == 0 {
			b = append(b, consonants[rnd.IntN(len(consonants))])
		}
	}
	return string(b)
}

// longestWord is two letters and one a syllable, and the space before it.
const longestWord = 3*3 + 1

// values are those that changeset number i writes.
func (s Source) values(i int) (values [5]string) {
	rnd := rand.New(rand.NewPCG(s.Seed<<32|uint64(i), 2))
	zipf := rand.NewZipf(rnd, 1.05, 10, vocabulary-1)
	for p := range values {
		values[p] = value(rnd, zipf)
	}
	return values
}

// value is a text of words, of a length that is chosen first, more often a greater one.
func value(rnd *rand.Rand, zipf *rand.Zipf) string {
	const choice = longestValue - shortestValue - longestWord + 2
	room := shortestValue + longestWord - 1 + max(rnd.IntN(choice), rnd.IntN(choice))
	text := words[zipf.Uint64()]
	for {
		w := words[zipf.Uint64()]
		if len(text)+1+len(w) > room {
			return text
		}
		text += " " + w
	}
}

func (s Source) record(kind string, i int) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s record %d of source %d", kind, i, s.Seed))
}
