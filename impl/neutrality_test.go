package impl_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// edgePackages know the two API families: the HTTP edge, what configures it, the client of both, and the server for
// tests.
var edgePackages = []string{"app", "client", "config", "http", "sallyporttest"}

// familyText matches what only the edge may say: codes of errors, paths of operations, and names of the products.
var familyText = regexp.MustCompile(
	`^(root|authc|api_keys)\.[a-z._]+$|_exception\b|/api/v1\b|/_security\b|(?i:elasticsearch|elastic cloud)|\bECE\b`)

// auditEvents are names of events in the audit trail that look like codes of errors.
var auditEvents = []string{"api_keys.revoked"}

func isFamilyText(text string) bool {
	return familyText.MatchString(text) && !slices.Contains(auditEvents, text)
}

func TestFamilyText(t *testing.T) {
	for text, want := range map[string]bool{
		"security_exception":               true,
		"root.unauthenticated":             true,
		"authc.invalid":                    true,
		"api_keys.not_found":               true,
		"see /api/v1/users":                true,
		"PUT /_security/user/NAME":         true,
		"operations of Elasticsearch":      true,
		"a role of ECE":                    true,
		"api_keys.revoked":                 false,
		"SELECT api_keys.id FROM api_keys": false,
		"ece_platform_admin":               false,
		"the user name is wrong":           false,
		"an exception":                     false,
		"/api/v10":                         false,
		"_es_api_key":                      false,
		"the certificate's root. Accepted": false,
	} {
		t.Run(text, func(t *testing.T) {
			if isFamilyText(text) != want {
				t.Errorf("found is %t", !want)
			}
		})
	}
}

// Ensures that packages below the edge say nothing of an API family in texts, so that either can word their errors.
func TestNeutrality(t *testing.T) {
	for _, path := range domainFiles(t) {
		files := token.NewFileSet()
		for _, literal := range stringLiterals(t, files, path) {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			if isFamilyText(text) {
				t.Errorf("%s: only the edge may say %q", files.Position(literal.Pos()), text)
			}
		}
	}
}

// domainFiles returns the Go files of the packages below the edge, without tests.
func domainFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (slices.Contains(edgePackages, path) || entry.Name() == "testdata"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// stringLiterals returns the string literals of a file, without those of imports.
func stringLiterals(t *testing.T, files *token.FileSet, path string) []*ast.BasicLit {
	t.Helper()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}

	var literals []*ast.BasicLit
	ast.Inspect(file, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			literals = append(literals, literal)
		}
		_, isImport := node.(*ast.ImportSpec)
		return !isImport
	})
	return literals
}
