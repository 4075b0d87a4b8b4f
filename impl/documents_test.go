package impl_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	makeTarget = regexp.MustCompile(`^make ([a-z]+)$`)
	goTest     = regexp.MustCompile(`^go test (\./\S+)(?: -run (\S+|'[^']+'))?(?: -update)?$`)
)

// Ensures that each command in CONTRIBUTING.md is one that works, or says why it is not checked.
func TestContributing_Commands(t *testing.T) {
	makefile, checked := read(t, "../Makefile"), 0
	for _, block := range shellBlock.FindAllStringSubmatch(read(t, "../CONTRIBUTING.md"), -1) {
		for line := range strings.Lines(block[1]) {
			line = strings.TrimSpace(line)
			command, comment, _ := strings.Cut(line, " #")
			command = strings.TrimSpace(command)
			if line == "" || strings.HasPrefix(strings.TrimSpace(comment), "not checked: ") {
				continue
			}

			t.Run(command, func(t *testing.T) { checkCommand(t, makefile, command) })
			checked++
		}
	}
	if checked < 10 {
		t.Errorf("only %d commands were found: has the format of the document changed?", checked)
	}
}

// Ensures that the map in CONTRIBUTING.md has each file of the program.
func TestContributing_Map(t *testing.T) {
	page := read(t, "../CONTRIBUTING.md")
	files, err := filepath.Glob("../cmd/sallyport/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files were found: %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if !strings.HasSuffix(name, "_test.go") && !strings.Contains(page, "`"+name+"`") {
			t.Errorf("CONTRIBUTING.md does not have %s", name)
		}
	}
}

func checkCommand(t *testing.T, makefile, command string) {
	t.Helper()
	if target := makeTarget.FindStringSubmatch(command); target != nil {
		if !strings.Contains(makefile, "\n"+target[1]+":") {
			t.Errorf("the Makefile has no target %s", target[1])
		}
		return
	}
	test := goTest.FindStringSubmatch(command)
	if test == nil {
		t.Fatal("this is neither make nor go test: check it here, or mark it \"# not checked: REASON\"")
	}
	sources := testSources(t, "../"+test[1])
	for name := range strings.SplitSeq(strings.Trim(test[2], "'"), "|") {
		if exact, anchored := strings.CutSuffix(name, "$"); anchored {
			name = exact + "("
		}
		if !strings.Contains(sources, "\nfunc "+name) {
			t.Errorf("%s has no test %s", test[1], name)
		}
	}
}

// testSources returns the text of a package's tests.
func testSources(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(folder + "/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests (%v)", folder, err)
	}
	var text strings.Builder
	for _, file := range files {
		text.WriteString(read(t, file))
	}
	return text.String()
}

// Ensures that the index of decisions names each file with its title, in order.
func TestDecisions_Index(t *testing.T) {
	files, err := filepath.Glob("../docs/decisions/0*.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, file := range files {
		title, _, _ := strings.Cut(read(t, file), "\n")
		number := filepath.Base(file)[:4]
		title = strings.TrimPrefix(title, "# "+number+": ")
		want = append(want, "| ["+number+"]("+filepath.Base(file)+") | "+title+" |")
	}
	got := regexp.MustCompile(`(?m)^\| \[\d{4}\].*$`).FindAllString(read(t, "../docs/decisions/README.md"), -1)
	if !slices.Equal(got, want) {
		t.Errorf("the index is\n%s\nand should be\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
