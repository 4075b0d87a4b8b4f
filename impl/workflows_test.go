package impl_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what the rules read of one of GitHub's workflows.
type workflow struct {
	On          yaml.Node `yaml:"on"`
	Permissions permissions
	Concurrency yaml.Node
	Jobs        map[string]workflowJob
}

type workflowJob struct {
	Permissions permissions
	RunsOn      string `yaml:"runs-on"`
	Timeout     int    `yaml:"timeout-minutes"`
	Uses        string
	Secrets     yaml.Node
	Steps       []workflowStep
}

type workflowStep struct {
	Uses, Run string
	With      map[string]any
}

// permissions are nil if a workflow or job does not limit them, or gives all.
type permissions map[string]string

// UnmarshalYAML accepts a map alone: read-all and write-all are more than any job needs.
func (p *permissions) UnmarshalYAML(node *yaml.Node) error {
	given := map[string]string{}
	if err := node.Decode(&given); err != nil {
		return err
	}
	*p = given
	return nil
}

// pinned is a line with an action, or a workflow of this repository.
var pinned = regexp.MustCompile(`^\s*(?:- )?uses: (?:\./\S+|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)

// usesLine is a line with an action or workflow, pinned or not.
var usesLine = regexp.MustCompile(`^\s*(?:- )?uses:`)

// lintWorkflow returns the rules that a workflow breaks.
func lintWorkflow(text string) []string {
	var w workflow
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		return []string{err.Error()}
	}
	var broken []string
	report := func(format string, arguments ...any) { broken = append(broken, fmt.Sprintf(format, arguments...)) }

	if w.Permissions == nil || len(w.Permissions) > 0 {
		report("permissions: must be {}, so that each job names its own")
	}
	if w.Concurrency.IsZero() {
		report("concurrency: is missing")
	}
	for number, line := range strings.Split(text, "\n") {
		if usesLine.MatchString(line) && !pinned.MatchString(line) {
			report("line %d: want the 40 digits of a commit, and its version as a comment: %s", number+1,
				strings.TrimSpace(line))
		}
	}

	events := eventsOf(w.On)
	for _, event := range []string{"pull_request_target", "workflow_run", "issue_comment"} {
		if slices.Contains(events, event) {
			report("on: %s runs code of others with this repository's permissions", event)
		}
	}
	fromOthers := slices.Contains(events, "pull_request")
	if fromOthers && strings.Contains(text, "secrets") {
		report("pull_request: code of others gets a secret")
	}

	for _, name := range slices.Sorted(maps.Keys(w.Jobs)) {
		for _, message := range lintJob(w.Jobs[name], fromOthers) {
			report("jobs: %s: %s", name, message)
		}
	}
	return broken
}

// eventsOf returns the names of the events that start a workflow.
func eventsOf(on yaml.Node) []string {
	var events []string
	switch on.Kind {
	case yaml.ScalarNode:
		events = append(events, on.Value)
	case yaml.SequenceNode:
		for _, each := range on.Content {
			events = append(events, each.Value)
		}
	default:
		for i := 0; i < len(on.Content); i += 2 {
			events = append(events, on.Content[i].Value)
		}
	}
	return events
}

// lintJob returns the rules that a job breaks. A job of a pull request runs code of others.
func lintJob(j workflowJob, fromOthers bool) []string {
	var broken []string
	if j.Permissions == nil {
		broken = append(broken, "permissions are missing")
	}
	for scope, access := range j.Permissions {
		if fromOthers && access == "write" && scope != "security-events" {
			broken = append(broken, "a pull request may write "+scope)
		}
	}
	if !j.Secrets.IsZero() {
		broken = append(broken, "secrets are passed on")
	}
	if j.Uses == "" && j.Timeout == 0 {
		broken = append(broken, "timeout-minutes is missing")
	}
	if strings.HasSuffix(j.RunsOn, "-latest") {
		broken = append(broken, "runs-on is no version")
	}
	for _, step := range j.Steps {
		if strings.Contains(step.Run, "${{") {
			broken = append(broken, "a script has an expression, of which the value would be run: use env")
		}
		if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
			broken = append(broken, "actions/checkout needs persist-credentials: false")
		}
	}
	return broken
}

// goodWorkflow breaks no rule.
const goodWorkflow = `
on:
  pull_request:
permissions: {}
concurrency: lint
jobs:
  lint:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@0123456789abcdef0123456789abcdef01234567 # v1.2.3
        with:
          persist-credentials: false
      - env:
          TITLE: ${{ github.event.pull_request.title }}
        run: echo "$TITLE"
`

func TestLintWorkflow(t *testing.T) {
	if broken := lintWorkflow(goodWorkflow); broken != nil {
		t.Fatalf("the good workflow breaks %q", broken)
	}
	for name, test := range map[string]struct{ old, replacement, want string }{
		"tag":                      {"0123456789abcdef0123456789abcdef01234567 # v1.2.3", "v1", "40 digits"},
		"short commit":             {"0123456789abcdef0123456789abcdef01234567", "0123456", "40 digits"},
		"no version":               {" # v1.2.3", "", "40 digits"},
		"permissions missing":      {"permissions: {}\n", "", "must be {}"},
		"permissions for all":      {"permissions: {}", "permissions: {contents: read}", "must be {}"},
		"write-all":                {"permissions: {}", "permissions: write-all", "cannot unmarshal"},
		"job without permissions":  {"    permissions:\n      contents: read\n", "", "permissions are missing"},
		"pull request that writes": {"contents: read", "contents: write", "may write contents"},
		"event of others":          {"pull_request:\n", "pull_request_target:\n", "runs code of others"},
		"secret":                   {"TITLE: ${{ github", "TOKEN: ${{ secrets.T }}\n          TITLE: ${{ github", "gets a secret"},
		"secrets passed on":        {"    runs-on", "    secrets: inherit\n    runs-on", "secrets are passed on"},
		"expression in a script":   {`echo "$TITLE"`, "echo ${{ github.event.pull_request.title }}", "has an expression"},
		"credentials kept":         {"persist-credentials: false", "fetch-depth: 0", "persist-credentials"},
		"no concurrency":           {"concurrency: lint\n", "", "concurrency: is missing"},
		"no timeout":               {"    timeout-minutes: 5\n", "", "timeout-minutes is missing"},
		"moving runner":            {"ubuntu-24.04", "ubuntu-latest", "runs-on is no version"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(goodWorkflow, test.old, test.replacement, 1)
			if broken := lintWorkflow(changed); changed == goodWorkflow || !strings.Contains(fmt.Sprint(broken), test.want) {
				t.Errorf("the result is %q; want %q", broken, test.want)
			}
		})
	}
}

// Ensures that the workflows keep the rules, that one action has one pin everywhere, and that what they run exists.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.y*ml")
	if err != nil || len(files) < 6 {
		t.Fatalf("there are %d workflows (%v)", len(files), err)
	}
	makefile, pins := read(t, "../Makefile"), map[string]string{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text := read(t, file)
			for _, message := range lintWorkflow(text) {
				t.Error(message)
			}
			for _, uses := range regexp.MustCompile(`uses: ([\w.-]+/[\w.-]+)\S*@(.*)`).FindAllStringSubmatch(text, -1) {
				if pin := pins[uses[1]]; pin != "" && pin != uses[2] {
					t.Errorf("%s is pinned to %s and to %s", uses[1], pin, uses[2])
				}
				pins[uses[1]] = uses[2]
			}
			for _, target := range regexp.MustCompile(`\bmake ([a-z-]+)`).FindAllStringSubmatch(text, -1) {
				if !strings.Contains(makefile, "\n"+target[1]+":") {
					t.Errorf("the Makefile has no target %s", target[1])
				}
			}
			for _, script := range regexp.MustCompile(`(?:\.ci|deploy|\./\.github)/[\w./-]+`).FindAllString(text, -1) {
				if _, err := os.Stat("../" + script); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Ensures that all folders with modules of npm, and all modules of Go, get updates offered.
func TestDependabot(t *testing.T) {
	var config struct {
		Updates []struct{ Directories []string }
	}
	if err := yaml.Unmarshal([]byte(read(t, "../.github/dependabot.yml")), &config); err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, update := range config.Updates {
		folders = append(folders, update.Directories...)
	}
	found := 0
	for _, pattern := range []string{"", "*/", "*/*/"} {
		for _, file := range []string{"go.mod", "package.json"} {
			paths, err := filepath.Glob("../" + pattern + file)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				found++
				folder := "/" + strings.TrimPrefix(strings.TrimPrefix(filepath.Dir(path), ".."), "/")
				if !slices.Contains(folders, folder) {
					t.Errorf("%s is not among %q", folder, folders)
				}
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d files with dependencies were found", found)
	}
}
