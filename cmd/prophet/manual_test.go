package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var updateFiles = flag.Bool("update", false, "rewrite docs/manual, and what the stories expect")

const manualDir = "../../docs/manual"

// TestTheManualOnDiskIsThatOfTheProgram keeps docs/manual what the program itself says.
func TestTheManualOnDiskIsThatOfTheProgram(t *testing.T) {
	want := manualFiles()
	if *updateFiles {
		writeManual(t, want)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got, err := os.ReadFile(filepath.Join(manualDir, name))
		if err != nil || string(got) != want[name] {
			t.Errorf("docs/manual/%s is not what the program says; rewrite it with: go test ./cmd/prophet -run Manual -update", name)
		}
	}
	for _, name := range manualOnDisk(t) {
		if _, ok := want[name]; !ok {
			t.Errorf("docs/manual/%s is about nothing", name)
		}
	}
}

// manualFiles returns the files of the manual by name: a page for each command and topic, and an overview.
func manualFiles() map[string]string {
	list := prepare(commands(newWorld().env))
	files := map[string]string{}
	var links strings.Builder
	for _, c := range list {
		files[c.Name+".md"] = page("prophet "+c.Name, commandPage(c))
		fmt.Fprintf(&links, "- [%s](%s.md): %s\n", c.Name, c.Name, c.Usage)
	}
	for _, topic := range topics() {
		files[topic.name+".md"] = page(topic.usage, topic.text)
		fmt.Fprintf(&links, "- [%s](%s.md): %s\n", topic.name, topic.name, topic.usage)
	}
	files["README.md"] = page("The manual", overview(list)) + "\n## Pages\n\n" + links.String() + "\n## Exit codes\n\n" + exitCodesTable()
	return files
}

// page is a page of the manual as a file: what the program prints, under a heading.
func page(heading, text string) string {
	return "# " + heading + "\n\n```\n" + strings.TrimSpace(text) + "\n```\n"
}

func exitCodesTable() string {
	var b strings.Builder
	b.WriteString("| code | meaning |\n|---|---|\n")
	for code, meaning := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", code, meaning)
	}
	return b.String()
}

func manualOnDisk(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(manualDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func writeManual(t *testing.T, files map[string]string) {
	t.Helper()
	if err := os.MkdirAll(manualDir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range manualOnDisk(t) {
		if _, ok := files[name]; !ok {
			if err := os.Remove(filepath.Join(manualDir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(manualDir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
