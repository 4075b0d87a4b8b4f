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

// wording is a pattern of words that a newcomer has to read twice.
type wording struct {
	pattern string
	// instead is what to write.
	instead string
	// examples are lines in which the pattern is found, at least one for each of its words.
	examples []string
	matches  *regexp.Regexp
}

// wordings have the words to avoid. Words that are ambiguous only in some senses, such as "known" or "ends", are found
// in the phrases where they are.
var wordings = []wording{
	{
		pattern:  `tells? (whether|that|what|which|how|if)\b`,
		instead:  "reports whether",
		examples: []string{"// valid tells whether a key works.", "// what the log tells that a caller may not see"},
	},
	{
		pattern: `\b(who|whoever|whose)\b`,
		instead: "the role: caller, user, owner, administrator",
		examples: []string{
			"// Who calls must wait.", "// Whoever calls must wait.", "// a user whose key expired",
			"// those who have shown who they are",
		},
	},
	{
		pattern: `\b(some|no|every)body\b('s)?|\b(some|any|no|every)one's\b|\boneself\b`,
		instead: "the role, or unreferenced, orphaned",
		examples: []string{
			"// somebody calls", "// nobody calls", "// everybody calls", "// a document that is nobody's",
			"// somebodyElse: someone's key", "// a key of oneself",
		},
	},
	{
		pattern:  `\bstrangers?\b`,
		instead:  "unauthenticated caller",
		examples: []string{"// strangers have less", "// a stranger has less"},
	},
	{
		pattern:  `\banew\b`,
		instead:  "again, re-encrypt, rotate",
		examples: []string{"// seals all anew", "// sealed anew"},
	},
	{
		pattern:  `\bso (many|much)\b|\bhow (exact|long)\b`,
		instead:  "n, at most n, or the noun: resolution, interval, limit, timeout",
		examples: []string{"// returns so many bytes", "// it takes so much", "// how exact it is", "// how long it waits"},
	},
	{
		pattern: `\b(remembers?|remembered|remembering|forgets?|forgot|forgotten)\b` +
			`|\b(what|nothing) (is|was)( ever)? known\b|\bknown (here|still)\b`,
		instead: "cache, cached, evict, invalidate, record, unknown",
		examples: []string{
			"// it remembers keys", "// keys are remembered", "// it forgets keys", "// a forgotten key",
			"// what is known of the key", "// a key that is known still",
		},
	},
	{
		pattern:  `\btold\b`,
		instead:  "is notified of, receives, distinguished",
		examples: []string{"// the server is told of it", "// what is told"},
	},
	{
		pattern:  `\b(hears|hearing|deaf)\b`,
		instead:  "LISTEN connection, connection lost",
		examples: []string{"// a connection that hears what changes", "// hearing of changes", "// a deaf server"},
	},
	{
		pattern:  `\brun again\b`,
		instead:  "retry the transaction",
		examples: []string{"// the transaction is run again"},
	},
	{
		pattern:  `\b(goes|went|gone|go) away\b|\bhangs? up\b`,
		instead:  "disconnects",
		examples: []string{"// the caller goes away", "// the caller hangs up"},
	},
	{
		pattern:  `\blook(s|ed)? after\b`,
		instead:  "maintain",
		examples: []string{"// keys are looked after", "// it looks after keys"},
	},
	{
		pattern:  `\b(waits? for|gets?|has|had|its|their|a|one's) turns?\b|\btakes? turns\b`,
		instead:  "work slot, queue",
		examples: []string{"// it waits for a turn", "// their turns", "// callers take turns"},
	},
	{
		pattern:  `\brooms?\b`,
		instead:  "limit, capacity, byte budget",
		examples: []string{"// what there is room for"},
	},
	{
		pattern:  `\bmisspelt\b|\bwrong with\b`,
		instead:  "unknown, misconfigured, the problem",
		examples: []string{"// a misspelt setting", "// what is wrong with a setting"},
	},
	{
		pattern:  `\bbehind the (back|server's back)s?\b`,
		instead:  "asynchronously, directly",
		examples: []string{"// behind the backs of callers"},
	},
	{
		pattern:  `\bno more than\b`,
		instead:  "at most",
		examples: []string{"// no more than five", "// no more than so many"},
	},
	{
		pattern:  `\bfor each (request|caller)\b`,
		instead:  "per request",
		examples: []string{"// a span for each request", "// a queue for each caller"},
	},
	{
		pattern:  `\bbrief(ly)?\b|\bthoroughly\b|\bthorough (reading|check|validation)`,
		instead:  "first error, all errors, short",
		examples: []string{"// a brief reading", "// reads it thoroughly", "// a thorough reading"},
	},
	{
		pattern:  `\bthings\b`,
		instead:  "the noun",
		examples: []string{"// the lengths of things"},
	},
	{
		pattern: `\blives? (for ever|on|until|at most)\b|\bgood until\b|\b(keys?|tokens?)( that)? ends?\b`,
		instead: "expires, time to live",
		examples: []string{
			"// a key lives at most a day", "// a key that is good until then", "// a token ends", "// a key that ends",
		},
	},
}

// notWording are texts that a rule would find and that are right: those of ECE, Elasticsearch, and formats.
var notWording = []string{
	"who's",
	"http.NoBody",
	`user.Lookup("nobody")`,
	"|| echo nobody",
	"must be at least 1 and no more than",
}

func init() {
	for i := range wordings {
		wordings[i].matches = regexp.MustCompile(`(?i)` + wordings[i].pattern)
	}
}

func TestWording_Examples(t *testing.T) {
	for _, w := range wordings {
		for _, example := range w.examples {
			t.Run(example, func(t *testing.T) {
				if len(findWordings(example, []wording{w})) != 1 {
					t.Errorf("%q is not found in %q", w.pattern, example)
				}
			})
		}
	}
}

// Ensures that the project's own texts are in plain technical English.
func TestWording(t *testing.T) {
	for _, path := range writtenFiles(t) {
		for number, line := range strings.Split(read(t, path), "\n") {
			for _, w := range findWordings(line, wordings) {
				t.Errorf("%s:%d: write %q: %s", path, number+1, w.instead, strings.TrimSpace(line))
			}
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

// Ensures that the test reads code, the program's texts, the contract, documents, and what builds the program.
func TestWording_Files(t *testing.T) {
	files := writtenFiles(t)
	for _, path := range []string{
		"../api/openapi.yaml", "../cmd/sallyport/main.go", "../impl/architecture_test.go", "../interop/keys_test.go",
		"../docs/explanation/security.md", "../docs/explanation/architecture.md", "../docs/how-to/run-in-ci.md",
		"../docs/how-to/use-the-go-client.md", "../README.md", "../CHANGELOG.md", "../CONTRIBUTING.md",
		"../SECURITY.md", "../Makefile", "../.ci/run", "../.golangci.yml",
	} {
		t.Run(path, func(t *testing.T) {
			if !slices.Contains(files, path) {
				t.Errorf("%s is not among the files that are read", path)
			}
		})
	}
}

// writtenFiles returns the paths of the files that people write, from the folder of this test.
func writtenFiles(t *testing.T) []string {
	t.Helper()
	files := []string{
		"../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md", "../SECURITY.md", "../Makefile", "../.golangci.yml",
		"../.ci/run", "../.ci/fuzz", "../.ci/in-memory", "../.ci/with-postgres", "../action.yml",
	}
	add := func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && (slices.Contains([]string{"node_modules", "testdata", "released"}, name)):
			return fs.SkipDir
		case strings.HasSuffix(name, ".gen.go") || name == "language_test.go":
		case slices.Contains([]string{".go", ".md", ".yaml", ".yml", ".sh", ".sql"}, filepath.Ext(name)):
			files = append(files, path)
		}
		return nil
	}
	for _, root := range []string{"../.github", "../api", "../cmd", "../deploy", "../docs", "../impl", "../interop"} {
		if err := filepath.WalkDir(root, add); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return files
}
