// Package query is the tests of a search: which records to show, by the values of their properties.
//
// A query is an optional record type and any number of tests, all of which must hold:
//
//	Ticket status=open priority ge 3 and summary=~'(?i)crash'
//
// It comes as words, as a shell has split them. A test is one word, NAME OPERATOR VALUE without space, or
// three words; the word "and" may stand between two tests. The operators, and their names, which need no quotes in a shell:
//
//	=   eq       equal                  <   lt   less
//	!=  ne       not equal              <=  le   less or equal
//	=~  match    the regexp matches     >   gt   greater
//	!~  nomatch  it does not            >=  ge   greater or equal
//
// How words are told apart: a word that holds an operator's symbol after its first character is a whole test, and the
// name ends where the first symbol begins. Any other word begins a test of three words, whose second word is an
// operator and nothing else, and whose third word is the value, whatever it holds. The first word of all is the type if it is
// no whole test and the second word is no operator. So a value may hold anything, and a name anything but a symbol.
//
// Two values that are both decimal numbers, such as 10, -2 and 3.50, compare as numbers, exactly and at any
// length; all others compare by their bytes. A property that a record lacks equals the empty value, "status=",
// and is neither less nor greater than anything. Regexps are those of Go's package regexp; they match anywhere in the value.
package query

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Op is the operator of a test.
type Op uint8

const (
	Eq      Op = iota + 1 // =, eq
	Ne                    // !=, ne
	Lt                    // <, lt
	Le                    // <=, le
	Gt                    // >, gt
	Ge                    // >=, ge
	Match                 // =~, match
	NoMatch               // !~, nomatch
)

var symbols = [...]string{Eq: "=", Ne: "!=", Lt: "<", Le: "<=", Gt: ">", Ge: ">=", Match: "=~", NoMatch: "!~"}

var opWords = map[string]Op{"eq": Eq, "ne": Ne, "lt": Lt, "le": Le, "gt": Gt, "ge": Ge, "match": Match, "nomatch": NoMatch}

// String returns the operator's symbol.
func (o Op) String() string { return symbols[o] }

// Test is one condition on one property. It is made by [NewTest] or [Parse].
type Test struct {
	Name  string // of the property
	Op    Op
	Value string // what to compare with; for Match and NoMatch, a regexp

	number number // Value as a number, if it is one
	re     *regexp.Regexp
}

// NewTest returns the test, or an error that says why there is none: an empty name,
// a regexp that is not valid, or nothing to compare with where order matters.
func NewTest(name string, op Op, value string) (Test, error) {
	t := Test{Name: name, Op: op, Value: value, number: parseNumber(value)}
	if name == "" {
		return Test{}, errors.New("the name of a property is missing")
	}
	if value == "" && op != Eq && op != Ne {
		return Test{}, fmt.Errorf("%q needs a value", op)
	}
	if op != Match && op != NoMatch {
		return t, nil
	}
	re, err := regexp.Compile(value)
	if err != nil {
		return Test{}, err
	}
	t.re = re
	return t, nil
}

// Holds reports whether the test holds of a property with that value; "" stands for a property that is absent.
func (t *Test) Holds(value string) bool {
	switch t.Op {
	case Match:
		return t.re.MatchString(value)
	case NoMatch:
		return !t.re.MatchString(value)
	case Eq:
		return t.compare(value) == 0
	case Ne:
		return t.compare(value) != 0
	}
	if value == "" {
		return false
	}
	switch c := t.compare(value); t.Op {
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	case Gt:
		return c > 0
	default:
		return c >= 0
	}
}

// compare orders value and the test's own value: as numbers if both are, else by bytes.
func (t *Test) compare(value string) int {
	if t.number.ok {
		if n := parseNumber(value); n.ok {
			return n.compare(t.number)
		}
	}
	return strings.Compare(value, t.Value)
}

// Query is a type and tests. The zero Query matches every record.
type Query struct {
	Type  string // "" for records of any type
	Tests []Test // all must hold
}

// Match reports whether all tests hold of a record with these properties. It does not look at the type.
func (q Query) Match(props map[string]string) bool {
	for i := range q.Tests {
		if t := &q.Tests[i]; !t.Holds(props[t.Name]) {
			return false
		}
	}
	return true
}

// Having returns a property, and the one value with which the query can match: those of the longest value among the tests for equality with a text. ok is false if there
// is none: equal numbers may be written in several ways, and an absent property equals the empty value.
func (q Query) Having() (property, value string, ok bool) {
	for i := range q.Tests {
		if t := &q.Tests[i]; t.Op == Eq && !t.number.ok && len(t.Value) > len(value) {
			property, value, ok = t.Name, t.Value, true
		}
	}
	return property, value, ok
}
