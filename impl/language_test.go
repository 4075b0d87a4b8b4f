package impl_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wording is a word that a newcomer has to read twice, and what is written instead.
type wording struct {
	pattern, instead string
	// example is a line in which the word is found.
	example string
	matches *regexp.Regexp
}

var wordings = []wording{
	{pattern: `tells? (whether|that|what|which|how|if)\b`, instead: "reports whether", example: "// valid tells whether a key works."},
	{pattern: `\b(who|whoever|whose)\b`, instead: "the role: caller, user, owner, administrator", example: "// Who calls must wait."},
	{pattern: `\b(some|no|every)body\b('s)?|\bnobody\b|\b(some|any|no|every)one's\b|\boneself\b`, instead: "the role, or unreferenced, orphaned", example: "// a document that is nobody's"},
	{pattern: `\bstrangers?\b`, instead: "unauthenticated caller", example: "// strangers have less"},
	{pattern: `\banew\b`, instead: "again, re-encrypt, rotate", example: "// seals all anew"},
	{pattern: `\bso (many|much)\b`, instead: "n, at most n", example: "// returns so many bytes"},
	{pattern: `\b(remembers?|remembered|remembering|forgets?|forgot|forgotten)\b`, instead: "cache, cached, evict, invalidate, record", example: "// it remembers keys"},
	{pattern: `\b(is|are|was|were|be|been) told\b|\btold (of|that|apart|when)\b`, instead: "is notified of, receives, distinguished", example: "// the server is told of it"},
	{pattern: `\b(hears|hearing|deaf)\b`, instead: "LISTEN connection, connection lost", example: "// a connection that hears what changes"},
	{pattern: `\b(goes|went|gone|go) away\b|\bhangs? up\b`, instead: "disconnects", example: "// the caller goes away"},
	{pattern: `\blook(s|ed)? after\b`, instead: "maintain", example: "// keys are looked after"},
	{pattern: `\b(waits? for|gets?|has|had|its|their|a|one's) turns?\b|\btakes? turns\b`, instead: "work slot, queue", example: "// it waits for a turn"},
	{pattern: `\b(there is|makes?|made|no|of) room\b|\broom for\b`, instead: "limit, capacity, byte budget", example: "// what there is room for"},
	{pattern: `\bmisspelt\b`, instead: "unknown", example: "// a misspelt setting"},
	{pattern: `\bbehind the (back|server's back)s?\b`, instead: "asynchronously, directly", example: "// behind the backs of callers"},
	{pattern: `\bno more than\b`, instead: "at most", example: "// no more than five"},
	{pattern: `\bthings\b`, instead: "the noun", example: "// the lengths of things"},
	{pattern: `\blives? (for ever|on|until|at most)\b|\bgood until\b`, instead: "expires, time to live", example: "// a key lives at most a day"},
}

// pendingWording has the folders whose files are not rewritten yet. A folder leaves the list when it is; none comes in.
var pendingWording = []string{}

// notWording are texts that a rule would find and that are right: those of ECE, Elasticsearch, and formats.
var notWording = []string{
	"who's",
	"http.NoBody",
	`user.Lookup("nobody")`,
	"must be at least 1 and no more than",
}

func init() {
	for i := range wordings {
		wordings[i].matches = regexp.MustCompile(`(?i)` + wordings[i].pattern)
	}
}

func TestWording_Examples(t *testing.T) {
	for _, w := range wordings {
		t.Run(w.pattern, func(t *testing.T) {
			if len(findWordings(w.example, []wording{w})) != 1 {
				t.Errorf("%q is not found in %q", w.pattern, w.example)
			}
		})
	}
}

// Ensures that the project's own texts are in plain technical English.
func TestWording(t *testing.T) {
	found := map[string]int{}
	for _, path := range writtenFiles(t) {
		folder := filepath.ToSlash(filepath.Dir(path))
		for number, line := range strings.Split(read(t, path), "\n") {
			for _, w := range findWordings(line, wordings) {
				found[folder]++
				if !slices.Contains(pendingWording, folder) {
					t.Errorf("%s:%d: write %q: %s", path, number+1, w.instead, strings.TrimSpace(line))
				}
			}
		}
	}
	for _, folder := range pendingWording {
		if found[folder] == 0 {
			t.Errorf("%s has no such words any more: take it from the list", folder)
		}
	}
}

func findWordings(line string, among []wording) []wording {
	for _, text := range notWording {
		line = strings.ReplaceAll(line, text, "")
	}
	var found []wording
	for _, w := range among {
		if w.matches.MatchString(line) {
			found = append(found, w)
		}
	}
	return found
}

// writtenFiles are the Go files and documents that people write, from the folder of this test.
func writtenFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	add := func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && (name == "node_modules" || name == "testdata"):
			return fs.SkipDir
		case strings.HasSuffix(name, ".gen.go") || name == "language_test.go":
		case strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".md"):
			files = append(files, path)
		}
		return nil
	}
	for _, root := range []string{"../api", "../cmd", "../deploy", "../docs", "../impl", "../interop"} {
		if err := filepath.WalkDir(root, add); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return append(files, "../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md", "../SECURITY.md")
}
