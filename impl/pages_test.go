package impl_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// documents returns the paths of all documents, from the root of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	found := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"}
	err := filepath.WalkDir("../docs", func(file string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(file, ".md") {
			found = append(found, strings.TrimPrefix(filepath.ToSlash(file), "../"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var (
	fence      = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
	codeSpan   = regexp.MustCompile("`[^`\n]+`")
	pageLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#{1,6} +(.*?) *$`)
	linkInText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N}\-_ ]`)
)

// localLinks returns the targets of a document's links to files, images and headings of the repository.
func localLinks(text string) []string {
	text = codeSpan.ReplaceAllString(fence.ReplaceAllString(text, ""), "``")
	var found []string
	for _, link := range pageLink.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(link[1], ":") && link[1] != "NNNN-name.md" { // the name in the template of decisions
			found = append(found, link[1])
		}
	}
	return found
}

// anchors returns the anchors of a document's headings, as GitHub makes them.
func anchors(text string) []string {
	var found []string
	seen := map[string]int{}
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		plain := strings.ReplaceAll(linkInText.ReplaceAllString(h[1], "$1"), "`", "")
		slug := strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(plain), ""), " ", "-")
		if seen[slug]++; seen[slug] > 1 {
			slug += "-" + strconv.Itoa(seen[slug]-1)
		}
		found = append(found, slug)
	}
	return found
}

func TestAnchors(t *testing.T) {
	text := "# Run the server, with TLS\n## `POST /_login`\n```sh\n# no heading\n```\n## [A link](to.md)\n## A link\n"
	want := []string{"run-the-server-with-tls", "post-_login", "a-link", "a-link-1"}
	if got := anchors(text); !slices.Equal(got, want) {
		t.Errorf("anchors are %v, want %v", got, want)
	}
}

// unresolved returns what a link of a document leads to that does not exist; empty if it exists.
func unresolved(t *testing.T, document, link string) string {
	t.Helper()
	file, anchor, _ := strings.Cut(link, "#")
	target := document
	if file != "" {
		target = path.Join(path.Dir(document), file)
	}
	if _, err := os.Stat("../" + target); err != nil {
		return "the file " + target
	}
	if anchor != "" && strings.HasSuffix(target, ".md") && !slices.Contains(anchors(read(t, "../"+target)), anchor) {
		return "the heading #" + anchor + " in " + target
	}
	return ""
}

// Ensures that links between documents lead to files and headings that exist.
func TestDocuments_Links(t *testing.T) {
	checked := 0
	for _, document := range documents(t) {
		for _, link := range localLinks(read(t, "../"+document)) {
			checked++
			if missing := unresolved(t, document, link); missing != "" {
				t.Errorf("%s links to %s: there is not %s", document, link, missing)
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d links were found", checked)
	}
}

func TestUnresolved(t *testing.T) {
	for link, found := range map[string]bool{
		"docs/README.md": true, "docs/missing.md": false, "#try-it": true, "#missing": false,
		"docs/how-to/run-in-ci.md#with-testcontainers": true, "docs/how-to/run-in-ci.md#missing": false,
	} {
		t.Run(link, func(t *testing.T) {
			if missing := unresolved(t, "README.md", link); (missing == "") != found {
				t.Errorf("missing is %q", missing)
			}
		})
	}
}

// Ensures that each page of the documentation can be reached from README.md by links.
func TestDocuments_Reachable(t *testing.T) {
	reached, next := map[string]bool{}, []string{"README.md"}
	for len(next) > 0 {
		document := next[0]
		next = next[1:]
		if reached[document] {
			continue
		}
		reached[document] = true
		for _, link := range localLinks(read(t, "../"+document)) {
			file, _, _ := strings.Cut(link, "#")
			target := path.Join(path.Dir(document), file)
			if _, err := os.Stat("../" + target); err == nil && strings.HasSuffix(file, ".md") {
				next = append(next, target)
			}
		}
	}
	for _, document := range documents(t) {
		if !reached[document] {
			t.Errorf("no page links to %s: add it to docs/README.md", document)
		}
	}
}

// Ensures that lines of documents have at most 120 columns. The rows of tables cannot be broken.
func TestDocuments_LineLength(t *testing.T) {
	for _, document := range documents(t) {
		for i, line := range strings.Split(read(t, "../"+document), "\n") {
			if columns := utf8.RuneCountInString(line); columns > 120 && !strings.HasPrefix(line, "|") {
				t.Errorf("%s:%d has %d columns", document, i+1, columns)
			}
		}
	}
}

// commandBlock is a block of commands for a shell, and what stands on the line before it.
var commandBlock = regexp.MustCompile("(?m)^(.*)\n[ \t]*```(?:sh|console|bash|shell)[ \t]*$")

// testOfCommands names the test that runs commands: of one block, or of all in a page.
var testOfCommands = regexp.MustCompile(`<!-- (?:commands )?run by (Test\w+) -->`)

var (
	reasonNotRun = regexp.MustCompile(`<!-- not run: .* -->`)
	testName     = regexp.MustCompile(`\bTest[A-Z]\w+`)
)

// Ensures that all commands on a page are run by a test, or that the page says why they are not, by a comment on the
// line before the block: <!-- run -->, for TestPages in cmd/sallyport, <!-- run by TestName -->, or <!-- not run:
// REASON -->. A page with <!-- commands run by TestName --> needs no other.
func TestDocuments_CommandsRun(t *testing.T) {
	tests := testsByName(t)
	blocks := 0
	for _, document := range documents(t) {
		text := read(t, "../"+document)
		found := commandBlock.FindAllStringSubmatch(text, -1)
		blocks += len(found)
		for _, test := range testOfCommands.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(tests[test[1]], path.Base(document)) {
				t.Errorf("%s names %s, which does not exist or does not read it", document, test[1])
			}
		}
		for _, reason := range reasonNotRun.FindAllString(text, -1) {
			for _, test := range testName.FindAllString(reason, -1) {
				if tests[test] == "" {
					t.Errorf("%s names %s, which does not exist", document, test)
				}
			}
		}
		if strings.Contains(text, "<!-- commands run by ") {
			continue
		}
		for _, block := range found {
			if !commandsAccounted(block[1]) {
				t.Errorf("%s: the commands after %q need <!-- run -->, <!-- run by TestName --> or <!-- not run: REASON -->",
					document, block[1])
			}
		}
	}
	if blocks < 30 {
		t.Errorf("only %d blocks of commands were found", blocks)
	}
}

// commandsAccounted reports whether the line before a block says what runs it, or why nothing does.
func commandsAccounted(line string) bool {
	line = strings.TrimSpace(line)
	return line == "<!-- run -->" || strings.HasPrefix(line, "<!-- run by Test") ||
		regexp.MustCompile(`^<!-- not run: .{10,} -->$`).MatchString(line)
}

func TestCommandsAccounted(t *testing.T) {
	for line, want := range map[string]bool{
		"": false, "Run:": false, "<!-- run -->": true, "  <!-- run by TestName -->": true, "<!-- not run: -->": false,
		"<!-- not run: this needs a cluster -->": true,
	} {
		t.Run(line, func(t *testing.T) {
			if commandsAccounted(line) != want {
				t.Errorf("it is %t", !want)
			}
		})
	}
}

// testsByName returns, for each test function, the text of all tests in its folder.
func testsByName(t *testing.T) map[string]string {
	t.Helper()
	folders := map[string]string{}
	for _, root := range []string{"../api", "../cmd", "../deploy", ".", "../interop"} {
		err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Name() == "node_modules" {
				return fs.SkipDir
			}
			if err == nil && strings.HasSuffix(file, "_test.go") {
				folders[filepath.Dir(file)] += read(t, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	found := map[string]string{}
	for _, text := range folders {
		for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(text, -1) {
			found[name[1]] = text
		}
	}
	return found
}
