package impl_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A transaction may be retried, so a function that runs in one returns its result and sets no variable outside of
// itself.
func TestTransactions_NoCapturedVariableSet(t *testing.T) {
	files, checked := token.NewFileSet(), 0
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		support := strings.HasSuffix(path, "_test.go") || strings.HasPrefix(filepath.ToSlash(path), "store/")
		if err != nil || !strings.HasSuffix(path, ".go") || support {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}

		ast.Inspect(file, func(n ast.Node) bool {
			f := transaction(n)
			if f == nil {
				return true
			}
			checked++
			for _, captured := range capturedSet(f) {
				t.Errorf("%s: a transaction sets %s: return it instead", files.Position(captured.Pos()), captured.Name)
			}
			return true
		})
		return nil
	})
	if err != nil || checked < 40 {
		t.Errorf("%d transactions were checked: %v", checked, err)
	}
}

// transaction returns the function that a call runs in a transaction, or nil.
func transaction(n ast.Node) *ast.FuncLit {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"View", "Update", "Read", "Write"}, method.Sel.Name) {
		return nil
	}
	f, _ := call.Args[len(call.Args)-1].(*ast.FuncLit)
	return f
}

// capturedSet returns the variables that a function sets, in whole or in part, and does not declare.
func capturedSet(f *ast.FuncLit) (set []*ast.Ident) {
	check := func(to ast.Expr) {
		name := variableOf(to)
		if name != nil && name.Obj != nil && (name.Obj.Pos() < f.Pos() || name.Obj.Pos() >= f.End()) {
			set = append(set, name)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IncDecStmt:
			check(n.X)
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				check(to)
			}
		}
		return true
	})
	return set
}

// variableOf returns the variable that an assignment to an expression changes, or nil.
func variableOf(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return variableOf(e.X)
	case *ast.IndexExpr:
		return variableOf(e.X)
	case *ast.StarExpr:
		return variableOf(e.X)
	}
	return nil
}
