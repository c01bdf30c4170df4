package main

import (
	"slices"
	"strings"
	"testing"

	"prophet/internal/terminal"
)

func TestEveryCommandHasAPage(t *testing.T) {
	list := prepare(commands(newWorld().env))
	for _, c := range list {
		if c.Usage == "" || c.Description == "" || !slices.Contains(categories, c.Category) {
			t.Errorf("%s has no usage, no description or no category of the overview", c.Name)
		}
		page := commandPage(c)
		for _, want := range []string{"prophet " + c.Name + ": ", "Usage: prophet " + c.Name, "-r, --replica DIR", "-h, --help", exitCodesFooter} {
			if !strings.Contains(page, want) {
				t.Errorf("the page of %s lacks %q", c.Name, want)
			}
		}
		if !strings.Contains(overview(list), "\n  "+strings.Join(c.Names(), ", ")+" ") {
			t.Errorf("the overview lacks %s", c.Name)
		}
	}
}

func TestTheManualFitsATerminal(t *testing.T) {
	list := prepare(commands(newWorld().env))
	names := []string{""}
	for _, c := range list {
		names = append(names, c.Name)
	}
	for _, topic := range topics() {
		names = append(names, topic.name)
	}
	for _, name := range names {
		text, err := helpText(list, name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if terminal.Width(line) > helpWidth || strings.HasSuffix(line, " ") || strings.Contains(line, "\t") {
				t.Errorf("help %s: %q", name, line)
			}
		}
	}
}

func TestTheManualListsAllExitCodes(t *testing.T) {
	page := exitCodesPage()
	for code, meaning := range exitCodes {
		if line := "  " + string(rune('0'+code)) + "  " + meaning + "\n"; !strings.Contains(page, line) {
			t.Errorf("lacks %q", line)
		}
		if !strings.Contains(exitCodesFooter, string(rune('0'+code))+" ") {
			t.Errorf("the footer lacks %d", code)
		}
	}
}

func TestAFlagIsShownWithItsValue(t *testing.T) {
	var got seen
	page := commandPage(prepare(editing(&got))[0])
	want := `
Flags, before or after the arguments:
      --file NAME=PATH  read the value of a property from a file, NAME=PATH; -
                        is standard input
  -f, --force           
`
	if !strings.Contains(page, want) {
		t.Errorf("got\n%s", page)
	}
}
