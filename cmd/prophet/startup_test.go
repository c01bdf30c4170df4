package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every start of the program pays for what its packages prepare, whether the command needs it or not: tables, regular expressions, templates. The runtime says how many
// bytes each of them takes for that. What one command needs is prepared when it is needed.
func TestNoPackagePreparesMuchAtTheStart(t *testing.T) {
	const most, mostOfOurs, mostOfAll = 16 << 10, 2 << 10, 128 << 10
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, self, "-test.run=^$")
	var trace bytes.Buffer
	c.Env, c.Stdout, c.Stderr = append(os.Environ(), "GODEBUG=inittrace=1"), io.Discard, &trace
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %s", err, &trace)
	}
	all, packages := 0, 0
	for _, m := range regexp.MustCompile(`(?m)^init (\S+) @.* clock, (\d+) bytes`).FindAllStringSubmatch(trace.String(), -1) {
		name := m[1]
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		if name == "prophet/cmd/prophet" || strings.Contains(name, "testscript") { // the tests' own
			continue
		}
		packages, all = packages+1, all+n
		if n > most || strings.HasPrefix(name, "prophet/") && n > mostOfOurs {
			t.Errorf("%s takes %d bytes when the program starts", name, n)
		}
	}
	t.Logf("%d packages, %d bytes", packages, all)
	if all > mostOfAll || packages < 20 {
		t.Errorf("%d packages take %d bytes when the program starts, want at most %d", packages, all, mostOfAll)
	}
}
