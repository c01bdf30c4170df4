package resolution_test

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var counted = flag.Bool("counted", false, "the package was built to count its steps: set by the test that builds it so")

// runCounted runs one test anew, with this package built so that it counts in resolution.Steps how often each function and each
// body of a loop is entered. The sources stay as they are.
func runCounted(t *testing.T, test string) {
	t.Helper()
	cmd := exec.Command("go", "test", "-vet=off", "-count=1", "-v", "-overlay="+countingOverlay(t), "-run=^"+test+"$", ".", "-counted")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	t.Logf("%s", output)
}

// countingOverlay writes sources that count, and the file that tells the go command to take them for the real ones.
func countingOverlay(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		replace[source] = filepath.Join(dir, name)
		writeFile(t, replace[source], counting(t, source))
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	writeFile(t, overlay, b)
	return overlay
}

// counting is a source in which each function and each body of a loop begins with a step.
func counting(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	syntax, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var begins []int
	ast.Inspect(syntax, func(n ast.Node) bool {
		if body := bodyOf(n); body != nil {
			begins = append(begins, files.Position(body.Lbrace).Offset+1)
		}
		return true
	})
	slices.Sort(begins)
	for _, at := range slices.Backward(begins) {
		text = slices.Insert(text, at, []byte(" Steps++;")...)
	}
	return text
}

// bodyOf is the body of a function or a loop, or nil.
func bodyOf(n ast.Node) *ast.BlockStmt {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return n.Body
	case *ast.FuncLit:
		return n.Body
	case *ast.ForStmt:
		return n.Body
	case *ast.RangeStmt:
		return n.Body
	}
	return nil
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
