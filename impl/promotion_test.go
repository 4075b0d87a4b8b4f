package impl_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Ensures that users, and with them ECE's roles, are written only by the two functions that handle promotions: by no
// other package, no other function, and no other statement of the store.
func TestPromotion_OneWay(t *testing.T) {
	writers, statements := map[string]bool{}, map[string]bool{}
	statement := regexp.MustCompile("(?s)`(INSERT INTO users|UPDATE users SET[^`]*\\broles)\\b")
	for _, root := range []string{".", "../cmd"} {
		err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
				strings.HasPrefix(path, "store/storetest") {
				return err
			}
			text := read(t, path)
			for range statement.FindAllString(text, -1) {
				statements[path] = true
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, declared := range file.Decls {
				f, isFunc := declared.(*ast.FuncDecl)
				ast.Inspect(declared, func(n ast.Node) bool {
					method, ok := n.(*ast.SelectorExpr)
					if !ok || !isFunc || method.Sel.Name != "Insert" && method.Sel.Name != "Update" {
						return true
					}
					if table, ok := method.X.(*ast.SelectorExpr); ok && table.Sel.Name == "Users" {
						writers[path+" "+f.Name.Name+" "+method.Sel.Name] = true
					}
					return true
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := slices.Sorted(maps.Keys(writers)); !slices.Equal(got,
		[]string{"authn/user/changes.go add Insert", "authn/user/changes.go save Update"}) {
		t.Errorf("users are written by %q", got)
	}
	if got := slices.Sorted(maps.Keys(statements)); !slices.Equal(got, []string{"store/users.go"}) {
		t.Errorf("users' roles are in statements of %q", got)
	}
}
