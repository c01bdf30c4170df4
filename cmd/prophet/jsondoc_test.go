package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// jsonSections says under which heading docs/json.md describes a type.
var jsonSections = map[string]string{
	"changeDoc": "Change", "changesetDoc": "Changeset", "conflictDoc": "Conflict", "decisionDoc": "Decision", "deleteDoc": "Delete",
	"comparisonDoc": "Comparison", "digestDoc": "Digest", "digestedDoc": "Digest of a record", "digestedProp": "Digest of a value",
	"typeComparisonDoc": "Comparison of types", "recordComparisonDoc": "Comparison of records", "recordDifferenceDoc": "Comparison of a record",
	"differentValueDoc": "Different value", "headsDoc": "Different heads",
	"recordDigestDoc": "Record digest", "typeDigestDoc": "Type digest",
	"exportDoc": "Export", "forgetDoc": "Info --forget", "fsckDoc": "Fsck", "gcDoc": "Gc", "helpDoc": "Help", "infoDoc": "Info", "initDoc": "Init", "leftDoc": "Left", "lostDoc": "Lost", "refDoc": "Record name", "movedDoc": "Moved", "namedDoc": "Named replica",
	"peerDoc": "Peer", "problemDoc": "Problem", "propDoc": "Write", "publishDoc": "Publish", "recordDoc": "Record", "repairedDoc": "Repaired", "reidentifyDoc": "Reidentify", "reportDoc": "Report",
	"historyDoc": "Changeset of a record", "notUndoneDoc": "Not undone", "restoreDoc": "Restore", "revertDoc": "Revert",
	"resolveAllDoc": "Resolve all", "resolveDoc": "Resolve", "rivalDoc": "Rival", "ruleDoc": "Rule", "typeDoc": "Type", "unpackDoc": "Unpack", "updateDoc": "Update", "versionDoc": "Version",
}

func TestEveryFieldOfJSONIsDocumented(t *testing.T) {
	described := describedFields(t)
	for name, fields := range jsonTypes(t) {
		heading, ok := jsonSections[name]
		if !ok {
			t.Errorf("%s: say in jsonSections where docs/json.md describes it", name)
			continue
		}
		if got := described[heading]; !slices.Equal(got, fields) {
			t.Errorf("docs/json.md, %s: describes %v, %s has %v", heading, got, name, fields)
		}
		if !slices.IsSorted(fields) {
			t.Errorf("%s: its fields are not sorted, so its JSON is not canonical: %v", name, fields)
		}
	}
}

// jsonTypes returns the struct types of this package that have names for JSON, and these names in their order.
func jsonTypes(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if fields := jsonFields(spec.Type); len(fields) > 0 {
					types[spec.Name.Name] = fields
				}
			}
			return true
		})
	}
	return types
}

func jsonFields(e ast.Expr) (names []string) {
	s, ok := e.(*ast.StructType)
	if !ok {
		return nil
	}
	for _, f := range s.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag, _ := strconv.Unquote(f.Tag.Value)
		name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// describedFields returns the first column of the table under each heading of docs/json.md.
func describedFields(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string][]string{}
	heading := ""
	for line := range strings.Lines(string(text)) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.TrimSpace(h)
		}
		if cell, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ := strings.Cut(cell, "`")
			fields[heading] = append(fields[heading], name)
		}
	}
	return fields
}
