package impl_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	quotedText = regexp.MustCompile("`([^`]{16,})`")
	formatVerb = regexp.MustCompile(`%(\[\d\])?[.\d]*[a-zA-Z]`)
)

// Ensures that each message in the tables of the page on troubleshooting is a text of the program.
func TestTroubleshoot_Messages(t *testing.T) {
	texts, checked := textsOfProgram(t), 0
	for line := range strings.Lines(read(t, "../docs/how-to/troubleshoot.md")) {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) < 3 {
			continue
		}
		for _, quoted := range quotedText.FindAllStringSubmatch(cells[0], -1) {
			checked++
			if !slices.ContainsFunc(texts, func(text string) bool { return containsQuoted(text, quoted[1]) }) {
				t.Errorf("the program has no text %q", quoted[1])
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d messages were found: has the format of the page changed?", checked)
	}
}

// containsQuoted reports whether a text has the parts of a quotation, which … separates, in their order.
func containsQuoted(text, quoted string) bool {
	for part := range strings.SplitSeq(quoted, "…") {
		_, rest, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = rest
	}
	return true
}

func TestContainsQuoted(t *testing.T) {
	for quoted, want := range map[string]bool{
		"the file … is missing": true, "file … missing": true, "is missing … file": false, "the files … is": false,
	} {
		t.Run(quoted, func(t *testing.T) {
			if containsQuoted("the file … is missing; restore it", quoted) != want {
				t.Errorf("it is %t", !want)
			}
		})
	}
}

// textsOfProgram returns the texts in the program's code, with … in place of what is filled in.
func textsOfProgram(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, root := range []string{".", "../cmd"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				expression, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				text, constant := textOf(expression)
				if constant {
					found = append(found, formatVerb.ReplaceAllString(text, "…"))
				}
				return !constant
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// textOf returns the text of a literal or of a sum with one, in which … stands for what is no literal.
func textOf(e ast.Expr) (text string, constant bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, leftConstant := textOf(e.X)
		right, rightConstant := textOf(e.Y)
		return left + right, e.Op == token.ADD && (leftConstant || rightConstant)
	}
	return "…", false
}
