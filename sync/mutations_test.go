package sync_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	mutate = flag.Bool("mutations", false, "break each rule of the merge in turn, and see that the simulation catches it")
	named  = flag.String("mutant", "", "with -mutations: only the mutants whose name holds this")
)

// mutant is one rule broken: a text in a source file, and what stands there instead.
type mutant struct{ name, file, old, new string }

// within is after how many histories each must be caught.
const within = 2000

func TestEveryMutantFitsTheSource(t *testing.T) {
	names := map[string]bool{}
	for _, m := range mutants {
		if n := strings.Count(readFile(t, m.path()), m.old); n != 1 {
			t.Errorf("%s: the text to replace stands %d times in %s, want once:\n%s", m.name, n, m.file, m.old)
		}
		if names[m.name] || m.old == m.new {
			t.Errorf("%s: two of that name, or nothing is replaced", m.name)
		}
		names[m.name] = true
	}
}

// TestTheSimulationCatchesEveryMutant builds this package with each mutant in its turn, without touching the sources, and prints a table for docs/merge.md.
// It takes about half an hour: go test ./sync -run Mutant -mutations -v -timeout 4h
func TestTheSimulationCatchesEveryMutant(t *testing.T) {
	if !*mutate {
		t.Log("nothing is built without -mutations: go test ./sync -run Mutant -mutations -v -timeout 4h")
		return
	}
	fmt.Println("| rule that is broken | caught after | by |\n|---|---|---|")
	for _, m := range mutants {
		if !strings.Contains(m.name, *named) {
			continue
		}
		after, oracle, output := m.run(t)
		fmt.Printf("| %s | %s | %s |\n", m.name, after, oracle)
		if oracle == "" {
			t.Errorf("%s: nobody noticed\n%s", m.name, output)
		}
	}
}

var caught = regexp.MustCompile(`caught after (\d+ \w+) by (\w+)`)

// run plays histories, and sets in all orders, with the mutant until it is caught. oracle is empty if it is not.
func (m mutant) run(t *testing.T) (after, oracle, output string) {
	t.Helper()
	overlay := m.overlay(t)
	for _, histories := range []int{300, within} { // few of each kind, then many
		after, oracle, output = m.try(overlay, histories)
		if oracle != "" {
			break
		}
	}
	return after, oracle, output
}

func (m mutant) try(overlay string, histories int) (after, oracle, output string) {
	test := exec.Command("go", "test", "-count=1", "-timeout=30m", "-overlay="+overlay, "-run="+provers, ".",
		"-histories", fmt.Sprint(histories), "-sets", fmt.Sprint(histories/4), "-shrink=false", "-seed", fmt.Sprint(*seed))
	b, err := test.CombinedOutput()
	if found := caught.FindStringSubmatch(string(b)); found != nil {
		return found[1], found[2], string(b)
	}
	if err == nil || strings.Contains(string(b), "[build failed]") {
		return "", "", string(b)
	}
	return "", "a panic, or no end", string(b)
}

// provers are the tests that have to catch a mutant.
const provers = "^(TestReplicasThatHaveSeenTheSameShowTheSame|TestReplicasAgreeWithUsersOfTheOriginalAmongThem|TestInWhateverOrderChangesetsComeTheyComeToTheSame)$"

// overlay writes the mutated source and the file that tells the go command to take it for the real one.
func (m mutant) overlay(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source, err := filepath.Abs(m.path())
	if err != nil {
		t.Fatal(err)
	}
	mutated := filepath.Join(dir, "mutated.go")
	writeFile(t, mutated, []byte(strings.Replace(readFile(t, m.path()), m.old, m.new, 1)))
	b, err := json.Marshal(map[string]map[string]string{"Replace": {source: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "overlay.json"), b)
	return filepath.Join(dir, "overlay.json")
}

func (m mutant) path() string { return filepath.Join("..", filepath.FromSlash(m.file)) }

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
