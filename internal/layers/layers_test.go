package layers

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// module is the path of this module in import paths.
const module = "prophet"

// table names every package with the packages of ours that it may import, from the top down.
var table = []struct{ pkg, may string }{
	{"cmd/prophet", "sync replica resolution cas changeset internal/durable internal/httpfs " +
		"internal/query internal/gitconfig internal/lanes internal/propedit internal/rsync internal/terminal internal/textdiff"},
	{"sync", "replica resolution cas changeset internal/durable internal/httpfs internal/wire"},
	{"replica", "resolution cas changeset internal/durable internal/parts internal/textdiff"},
	{"resolution", "changeset internal/decimal"},
	{"cas", "internal/durable"},
	{"changeset", ""},
	{"internal/query", "internal/decimal"},
	{"internal/decimal", ""},
	{"internal/gitconfig", ""},
	{"internal/lanes", ""},
	{"internal/propedit", "internal/terminal"},
	{"internal/rsync", ""},
	{"internal/terminal", ""},
	{"internal/textdiff", ""},
	{"internal/wire", "changeset internal/durable"},
	{"internal/httpfs", ""},
	{"internal/durable", ""},
	{"internal/parts", "changeset"},
	{"internal/noman/md2man", ""},
}

// helpers serve tests: they may import whatever is not cmd, and only tests and helpers import them.
var helpers = []string{
	"internal/accidents",
	"internal/compare",
	"internal/crashfs",
	"internal/crowd",
	"internal/damage",
	"internal/fixture",
	"internal/hostile",
	"internal/layers",
	"internal/race",
	"internal/realserver",
	"internal/replicatest",
	"internal/shm",
	"internal/v1peer",
	"internal/simulation",
	"internal/webtest",
	"internal/workload",
}

// reserved are functions and variables of other modules and the standard library that only some packages may name outside tests.
var reserved = []struct{ imported, names, only, instead string }{
	{
		"os", "Chdir Chmod Chown Chtimes CopyFS Create CreateTemp DirFS Lchown Link Lstat Mkdir MkdirAll MkdirTemp NewFile Open " +
			"OpenFile OpenInRoot OpenRoot ReadDir ReadFile Readlink Remove RemoveAll Rename Stat Symlink Truncate WriteFile",
		"cmd/prophet internal/durable", "take an afero.Fs, and write through internal/durable",
	},
	{
		"path/filepath", "EvalSymlinks Glob Walk WalkDir",
		"cmd/prophet internal/durable", "use afero's, on the afero.Fs that was passed in",
	},
	{
		"github.com/spf13/afero", "NewOsFs",
		"cmd/prophet", "take an afero.Fs; the command line passes the real one in",
	},
	{
		"os", "Args Environ Executable Exit ExpandEnv Getenv Getwd Hostname LookupEnv Setenv Stderr Stdin Stdout UserHomeDir",
		"cmd/prophet", "let the caller pass it in; a library neither reads the environment nor exits",
	},
	{
		"fmt", "Print Printf Println",
		"cmd/prophet", "return it; a library does not print",
	},
}

func TestImportsKeepToTheTable(t *testing.T) {
	for _, fault := range importFaults(parse(t, os.DirFS("../.."))) {
		t.Error(fault)
	}
}

func TestFilesEnvironmentAndTerminalAreTouchedWhereTheyMayBe(t *testing.T) {
	for _, fault := range reservedFaults(parse(t, os.DirFS("../.."))) {
		t.Error(fault)
	}
}

// TestTheDesignNamesEveryPackage looks for each package by its path, or by its last name where others of its directory stand before it in the line.
func TestTheDesignNamesEveryPackage(t *testing.T) {
	page, err := os.ReadFile("../../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	named := packagesIn(string(page))
	for _, pkg := range slices.Concat(packages(), helpers) {
		if !slices.Contains(named, pkg) {
			t.Errorf("docs/design.md does not name %s among the packages", pkg)
		}
	}
	for _, pkg := range named {
		if !inTable(pkg) && !slices.Contains(helpers, pkg) {
			t.Errorf("docs/design.md names %s, which is no package", pkg)
		}
	}
}

// packagesIn lists the packages that the page names in its block under "Packages": "sync   what it is for", "internal/a, b, c   what they are for".
func packagesIn(page string) (pkgs []string) {
	_, page, _ = strings.Cut(page, "\n## Packages\n\n```\n")
	block, _, _ := strings.Cut(page, "```")
	for line := range strings.Lines(block) {
		names, _, _ := strings.Cut(line, "  ")
		dir := ""
		for i, name := range strings.Split(strings.TrimSpace(names), ", ") {
			if i == 0 && strings.Contains(name, "/") {
				dir = path.Dir(name)
				name = path.Base(name)
			}
			pkgs = append(pkgs, path.Join(dir, name))
		}
	}
	return pkgs
}

// packages lists those of the table.
func packages() (pkgs []string) {
	for _, row := range table {
		pkgs = append(pkgs, row.pkg)
	}
	return pkgs
}

func TestFaultsAreFound(t *testing.T) {
	tests := []struct{ name, file, source, want string }{
		{"downwards", "sync/a.go", `import "prophet/replica"`, ""},
		{"upwards", "changeset/a.go", `import "prophet/replica"`, "changeset may not import replica"},
		{"upwards, renamed", "replica/a.go", `import psync "prophet/sync"`, "replica may not import sync"},
		{"upwards, in a test", "cas/a_test.go", `import "prophet/replica"`, "cas may not import replica"},
		{"upwards, on another system", "cas/a_windows.go", `import "prophet/replica"`, "cas may not import replica"},
		{"for cmd only", "sync/a.go", `import "prophet/internal/query"`, "sync may not import internal/query"},
		{"itself, in a test", "cas/a_test.go", `import "prophet/cas"`, ""},
		{"a helper, in a test", "cas/a_test.go", `import "prophet/internal/fixture"`, ""},
		{"a helper", "cas/a.go", `import "prophet/internal/fixture"`, "internal/fixture is for tests"},
		{"into a helper", "internal/fixture/a.go", `import "prophet/replica"`, ""},
		{"cmd into a helper", "internal/fixture/a.go", `import "prophet/cmd/prophet"`, "internal/fixture may not import cmd/prophet"},
		{"unknown package", "extra/a.go", ``, "extra is not in the table"},
		{"sources in testdata", "cas/testdata/a.go", `import "prophet/sync"`, ""},
		{"a file", "replica/a.go", `import "os"; var _ = os.Open`, "replica may not use os.Open"},
		{"a file, os renamed", "replica/a.go", `import o "os"; var _ = o.Open`, "replica may not use os.Open"},
		{"a file, os without its name", "replica/a.go", `import . "os"; var _ = Open`, "import os by its name"},
		{"a file, in a test", "replica/a_test.go", `import "os"; var _ = os.Open`, ""},
		{"a file, in the right place", "internal/durable/a.go", `import "os"; var _ = os.Open`, ""},
		{"a flag of os", "replica/a.go", `import "os"; var _ = os.O_RDONLY`, ""},
		{"the environment", "internal/durable/a.go", `import "os"; var _ = os.Getenv`, "internal/durable may not use os.Getenv"},
		{"a walk", "replica/a.go", `import "path/filepath"; var _ = filepath.Walk`, "replica may not use path/filepath.Walk"},
		{"the real file system", "sync/a.go", `import "github.com/spf13/afero"; var _ = afero.NewOsFs`, "sync may not use github.com/spf13/afero.NewOsFs"},
		{"printing", "sync/a.go", `import "fmt"; var _ = fmt.Println`, "sync may not use fmt.Println"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := parse(t, fstest.MapFS{test.file: {Data: []byte("package x\n" + test.source)}})
			got := strings.Join(append(importFaults(files), reservedFaults(files)...), "\n")
			if !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
				t.Errorf("%s in %s: got fault %q, want %q", test.source, test.file, got, test.want)
			}
		})
	}
}

// source is one Go file.
type source struct {
	name, pkg string // path in the module, and directory of it
	test      bool
	syntax    *ast.File
}

// parse reads all Go files of the module but those in testdata and in hidden directories.
func parse(t *testing.T, module fs.FS) []source {
	t.Helper()
	var sources []source
	err := fs.WalkDir(module, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(module, name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		sources = append(sources, source{name, path.Dir(name), strings.HasSuffix(name, "_test.go"), syntax})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

// importFaults says which files import what the table does not let them.
func importFaults(sources []source) []string {
	var faults []string
	for _, s := range sources {
		if !slices.Contains(helpers, s.pkg) && !inTable(s.pkg) {
			faults = append(faults, fmt.Sprintf("%s: %s is not in the table of internal/layers: decide what it may import, there and in docs/design.md", s.name, s.pkg))
			continue
		}
		for _, imported := range s.syntax.Imports {
			pkg, ours := strings.CutPrefix(importPath(imported), module+"/")
			if fault := importFault(s, pkg); ours && fault != "" {
				faults = append(faults, s.name+": "+fault)
			}
		}
	}
	return faults
}

// importFault says why s may not import pkg, or nothing if it may.
func importFault(s source, pkg string) string {
	fromHelper := slices.Contains(helpers, s.pkg)
	switch {
	case slices.Contains(helpers, pkg):
		if !s.test && !fromHelper {
			return pkg + " is for tests: import it from a _test.go file only"
		}
	case s.test && pkg == s.pkg:
	case fromHelper:
		if pkg == "cmd/prophet" {
			return s.pkg + " may not import cmd/prophet, nobody may"
		}
	case !slices.Contains(allowed(s.pkg), pkg):
		return fmt.Sprintf("%s may not import %s, only [%s]: move what you need down, or let the caller pass it in; "+
			"if the layers themselves change, change the table of internal/layers with docs/design.md", s.pkg, pkg, strings.Join(allowed(s.pkg), " "))
	}
	return ""
}

// reservedFaults says which files that are not for tests name what is reserved for other packages.
func reservedFaults(sources []source) []string {
	var faults []string
	for _, s := range sources {
		if s.test || slices.Contains(helpers, s.pkg) {
			continue
		}
		for _, r := range reserved {
			if slices.Contains(strings.Fields(r.only), s.pkg) {
				continue
			}
			for _, name := range uses(s.syntax, r.imported) {
				if name == "." {
					faults = append(faults, fmt.Sprintf("%s: import %s by its name, so that this test sees what is used of it", s.name, r.imported))
				} else if slices.Contains(strings.Fields(r.names), name) {
					faults = append(faults, fmt.Sprintf("%s: %s may not use %s.%s: %s", s.name, s.pkg, r.imported, name, r.instead))
				}
			}
		}
	}
	return faults
}

// uses lists the names that the file uses of the imported package; "." stands for an import without a name.
func uses(file *ast.File, imported string) []string {
	local := ""
	for _, spec := range file.Imports {
		if importPath(spec) == imported {
			local = path.Base(imported)
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	if local == "" || local == "." {
		return strings.Fields(local)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && x.Name == local {
				names = append(names, selector.Sel.Name)
			}
		}
		return true
	})
	return names
}

func importPath(spec *ast.ImportSpec) string {
	p, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
	return p
}

func inTable(pkg string) bool {
	for _, row := range table {
		if row.pkg == pkg {
			return true
		}
	}
	return false
}

func allowed(pkg string) []string {
	for _, row := range table {
		if row.pkg == pkg {
			return strings.Fields(row.may)
		}
	}
	return nil
}
