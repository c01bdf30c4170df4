package query

import (
	"fmt"
	"strings"
)

// Parse reads a query from words as a shell splits them. An error names the word, and its position from 1.
func Parse(words []string) (Query, error) {
	p := parser{words: words}
	var q Query
	if p.atType() {
		q.Type = p.next()
	}
	for !p.done() {
		t, err := p.test()
		if err != nil {
			return Query{}, err
		}
		q.Tests = append(q.Tests, t)
		if err := p.join(); err != nil {
			return Query{}, err
		}
	}
	return q, nil
}

// parser goes through the words of a query.
type parser struct {
	words []string
	at    int // of the word to read next
}

func (p *parser) done() bool { return p.at == len(p.words) }

func (p *parser) next() string {
	p.at++
	return p.words[p.at-1]
}

// fail returns an error about the word at position i.
func (p *parser) fail(i int, format string, args ...any) error {
	return fmt.Errorf("word %d, %.200q: %w", i+1, p.words[i], fmt.Errorf(format, args...))
}

// atType reports whether the next word is a type: no whole test, and no operator after it.
func (p *parser) atType() bool {
	if p.done() || p.words[p.at] == "" || findSymbol(p.words[p.at]) >= 0 {
		return false
	}
	return p.at+1 == len(p.words) || parseOp(p.words[p.at+1]) == 0
}

// test reads a test of one word or of three.
func (p *parser) test() (Test, error) {
	first := p.at
	word := p.next()
	switch i := findSymbol(word); {
	case i == 0 || word == "":
		return Test{}, p.fail(first, "the name of a property is missing before it")
	case i > 0:
		return p.made(wholeTest(word, i))
	case p.done() || parseOp(p.words[p.at]) == 0:
		return Test{}, p.fail(first, "no operator after it: a test is NAME=VALUE, or NAME OPERATOR VALUE in three words")
	}
	op := parseOp(p.next())
	if p.done() {
		return Test{}, p.fail(p.at-1, "a value is missing after it")
	}
	return p.made(NewTest(word, op, p.next()))
}

// made adds the last word read to an error.
func (p *parser) made(t Test, err error) (Test, error) {
	if err != nil {
		return Test{}, p.fail(p.at-1, "%w", err)
	}
	return t, nil
}

// join reads the word "and" that may stand between two tests.
func (p *parser) join() error {
	if p.done() {
		return nil
	}
	switch word := p.words[p.at]; {
	case word == "and" && p.at+1 == len(p.words):
		return p.fail(p.at, "a test is missing after it")
	case word == "and":
		p.at++
	case (word == "or" || word == "AND" || word == "OR") && !p.opFollows():
		return p.fail(p.at, `tests are joined by "and", or by nothing; there is no other way`)
	}
	return nil
}

func (p *parser) opFollows() bool { return p.at+1 < len(p.words) && parseOp(p.words[p.at+1]) != 0 }

// parseOp returns the operator that word is, as a symbol or by its name; 0 if it is none.
func parseOp(word string) Op {
	if op, rest := cutSymbol(word); rest == "" {
		return op
	}
	return opWords[word]
}

// cutSymbol returns the operator whose symbol s begins with, and what follows it; 0 if there is none.
func cutSymbol(s string) (op Op, rest string) {
	for i, symbol := range symbols {
		if symbol != "" && len(symbol) > len(symbols[op]) && strings.HasPrefix(s, symbol) {
			op = Op(i)
		}
	}
	return op, s[len(symbols[op]):]
}

// findSymbol returns where the first operator's symbol in word begins; -1 if there is none.
func findSymbol(word string) int {
	for i := range len(word) {
		if op, _ := cutSymbol(word[i:]); op != 0 {
			return i
		}
	}
	return -1
}

// wholeTest reads a test of one word, whose operator begins at symbol. What is most likely a slip is an error, because it would find nothing.
func wholeTest(word string, symbol int) (Test, error) {
	name := word[:symbol]
	op, value := cutSymbol(word[symbol:])
	if name != strings.TrimSpace(name) {
		return Test{}, fmt.Errorf("quote the value only, not the whole test")
	}
	if value != "" && strings.ContainsRune("=<>", rune(value[0])) {
		return Test{}, fmt.Errorf("%q is no operator; a value that begins with %q is written as a word of its own", op.String()+value[:1], value[:1])
	}
	return NewTest(name, op, value)
}
