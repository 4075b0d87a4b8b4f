package impl_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/audit"
)

// auditEvent is a constant of impl/audit.
type auditEvent struct{ name, when string }

// declaredEvents returns the events by the names of their constants.
func declaredEvents(t *testing.T) map[string]auditEvent {
	t.Helper()
	found := map[string]auditEvent{}
	pattern := regexp.MustCompile(`((?:\t// .*\n)+)\t(\w+) +Event = "([^"]+)"`)
	for _, c := range pattern.FindAllStringSubmatch(read(t, "audit/audit.go"), -1) {
		comment := strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(c[1]), "// "), "\n\t// ", " ")
		found[c[2]] = auditEvent{c[3], strings.TrimPrefix(comment, c[2]+": ")}
	}
	return found
}

// Ensures that the page on audit events has each event, with the words of its constant, and no other.
func TestReference_AuditEvents(t *testing.T) {
	got := map[string]bool{}
	for row := range rows(t, "../docs/reference/audit-events.md", `[a-z_]+\.[a-z_]+`) {
		cells := strings.Split(row, " | ")
		got[strings.Trim(cells[0], "| ")+" "+strings.TrimSuffix(cells[len(cells)-1], " |")] = true
	}
	want := map[string]bool{}
	for _, event := range declaredEvents(t) {
		want["`"+event.name+"` "+event.when] = true
	}
	for row := range want {
		if !got[row] {
			t.Errorf("the page lacks the event %s", row)
		}
	}
	for row := range got {
		if !want[row] {
			t.Errorf("the page has the event %s, and impl/audit does not", row)
		}
	}
	for _, event := range declaredEvents(t) {
		if !slices.Contains(audit.Events, audit.Event(event.name)) {
			t.Errorf("audit.Events lacks %s", event.name)
		}
	}
	if len(want) < 30 {
		t.Errorf("only %d events were found", len(want))
	}
}

var detailName = regexp.MustCompile("`([a-z_]+)`")

// Ensures that the page names each detail that the code records: in the row of its event where the code has both in one
// call, and somewhere else. Details that the code does not record are not on the page.
func TestReference_AuditDetails(t *testing.T) {
	page := read(t, "../docs/reference/audit-events.md")
	columns := map[string]string{}
	documented := map[string]bool{}
	for _, name := range []string{"acting_as", "os_user", "sudo_user"} { // of no event
		documented[name] = strings.Contains(page, "`"+name+"`")
	}
	for row := range rows(t, "../docs/reference/audit-events.md", `[a-z_]+\.[a-z_]+`) {
		cells := strings.Split(row, " | ")
		columns[strings.Trim(cells[0], "|` ")] = cells[2]
		for part := range strings.SplitSeq(cells[2], ";") {
			names, _, _ := strings.Cut(part, ":") // after the colon are values
			if name := detailName.FindStringSubmatch(names); name != nil {
				documented[name[1]] = true
			}
		}
	}

	recorded := map[string]bool{}
	events := declaredEvents(t)
	walkSources(t, func(file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			for _, name := range detailsIn(n) {
				recorded[name] = true
			}
			if event, details := recordCall(n); details != nil && events[event].name != "" {
				for _, name := range detailsIn(details) {
					if !strings.Contains(columns[events[event].name], "`"+name+"`") {
						t.Errorf("the row of %s lacks the detail %s", events[event].name, name)
					}
				}
			}
			return true
		})
	})
	want, got := slices.Sorted(maps.Keys(recorded)), slices.Sorted(maps.Keys(documented))
	if !slices.Equal(got, want) {
		t.Errorf("the page has the details\n%s\nand the code\n%s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

// detailsIn returns the names in a literal of audit.Details, or the name in an assignment to a variable "details" or
// the copy of it with more.
func detailsIn(n ast.Node) []string {
	var found []string
	add := func(e ast.Expr) {
		if literal, ok := e.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			name, _ := strconv.Unquote(literal.Value) // the parser has read it
			found = append(found, name)
		}
	}
	switch n := n.(type) {
	case *ast.CompositeLit:
		if isDetails(n.Type) {
			for _, element := range n.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					add(pair.Key)
				}
			}
		}
	case *ast.AssignStmt:
		if index, ok := n.Lhs[0].(*ast.IndexExpr); ok {
			if variable, ok := index.X.(*ast.Ident); ok && (variable.Name == "details" || variable.Name == "all") {
				add(index.Index)
			}
		}
	}
	return found
}

func isDetails(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "Details"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Details"
	}
	return false
}

// recordCall returns the name of the event's constant and the details of a call that records an entry.
func recordCall(n ast.Node) (event string, details ast.Node) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 5 {
		return "", nil
	}
	constant, ok := call.Args[2].(*ast.SelectorExpr)
	if !ok {
		return "", nil
	}
	return constant.Sel.Name, call.Args[4]
}

// walkSources calls a function with each file of the program that imports impl/audit, and those of that package.
func walkSources(t *testing.T, visit func(*ast.File)) {
	t.Helper()
	for _, root := range []string{".", "../cmd"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			if !strings.Contains(read(t, path), `"`+module+`impl/audit"`) && filepath.Dir(path) != "audit" {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err == nil {
				visit(file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
