package impl_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Ensures that no transaction adds to what it was not itself that began: it may be run again, and would add twice.
func TestTransactions_Again(t *testing.T) {
	t.Parallel()
	files, checked := token.NewFileSet(), 0
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "storetest") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			f, isFunction := call.Args[1].(*ast.FuncLit)
			if ok && isFunction && (method.Sel.Name == "View" || method.Sel.Name == "Update") {
				checked++
				for _, added := range addsTo(f) {
					t.Errorf("%s: a transaction that is run again adds to %s twice", files.Position(added.Pos()), added.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || checked < 40 {
		t.Errorf("%d transactions were looked at: %v", checked, err)
	}
}

// addsTo returns the variables that a function adds to, and neither declares nor sets before.
func addsTo(f *ast.FuncLit) (added []*ast.Ident) {
	begun := map[string]bool{}
	add := func(to ast.Expr) {
		if name, ok := to.(*ast.Ident); ok && !begun[name.Name] {
			added = append(added, name)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				begun[name.Name] = true
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				begun[name.Name] = true
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if name, ok := e.(*ast.Ident); ok {
					begun[name.Name] = true
				}
			}
		case *ast.IncDecStmt:
			add(n.X)
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				name, ok := to.(*ast.Ident)
				switch {
				case !ok:
				case n.Tok != token.ASSIGN && n.Tok != token.DEFINE, len(n.Rhs) == len(n.Lhs) && appends(n.Rhs[i], name.Name):
					add(name)
				default:
					begun[name.Name] = true
				}
			}
		}
		return true
	})
	return added
}

func appends(e ast.Expr, name string) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	function, ok := call.Fun.(*ast.Ident)
	to, isName := call.Args[0].(*ast.Ident)
	return ok && isName && function.Name == "append" && to.Name == name
}
