package impl_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// versionHeading is the heading of a version in the changelog, with its date.
var versionHeading = regexp.MustCompile(`^## (\d+)\.(\d+)\.(\d+) - (\d{4}-\d{2}-\d{2})$`)

// changelogProblems returns what is not as a changelog must be: "Unreleased" first, then versions with dates, the
// newest first.
func changelogProblems(text string) []string {
	var problems []string
	var before []string
	for i, heading := range regexp.MustCompile(`(?m)^## .*$`).FindAllString(text, -1) {
		if i == 0 {
			if heading != "## Unreleased" {
				problems = append(problems, heading+" is above \"## Unreleased\"")
			}
			continue
		}
		version := versionHeading.FindStringSubmatch(heading)
		if version == nil {
			problems = append(problems, heading+" is not \"## VERSION - DATE\"")
			continue
		}
		if _, err := time.Parse(time.DateOnly, version[4]); err != nil {
			problems = append(problems, heading+" has no date")
		}
		if before != nil && (compareVersions(before, version) <= 0 || before[4] < version[4]) {
			problems = append(problems, heading+" is below an older version")
		}
		before = version
	}
	return problems
}

// compareVersions compares the numbers of two headings.
func compareVersions(a, b []string) int {
	for i := 1; i <= 3; i++ {
		if len(a[i]) != len(b[i]) {
			return len(a[i]) - len(b[i])
		}
		if order := strings.Compare(a[i], b[i]); order != 0 {
			return order
		}
	}
	return 0
}

func TestChangelogProblems(t *testing.T) {
	for text, want := range map[string]int{
		"## Unreleased\n- a\n": 0,
		"## Unreleased\n## 0.10.0 - 2027-03-31\n## 0.9.0 - 2027-01-31\n": 0,
		"## 0.1.0 - 2026-11-29\n":                                        1,
		"## Unreleased\n## 0.1.0\n":                                      1,
		"## Unreleased\n## v0.1.0 - 2026-11-29\n":                        1,
		"## Unreleased\n## 0.1.0 - 2026-13-29\n":                         1,
		"## Unreleased\n## 0.9.0 - 2027-01-31\n## 0.10.0 - 2026-12-31\n": 1,
		"## Unreleased\n## 0.2.0 - 2026-11-29\n## 0.1.0 - 2026-12-31\n":  1,
		"## Unreleased\n## 0.1.0 - 2026-11-29\n## 0.1.0 - 2026-11-29\n":  1,
	} {
		t.Run(text, func(t *testing.T) {
			if problems := changelogProblems(text); len(problems) != want {
				t.Errorf("the problems are %q; want %d", problems, want)
			}
		})
	}
}

// Ensures that the changelog has a section for each version, and one for the contract's.
func TestChangelog(t *testing.T) {
	changelog := read(t, "../CHANGELOG.md")
	for _, problem := range changelogProblems(changelog) {
		t.Error(problem)
	}
	version := regexp.MustCompile(`(?m)^  version: (\S+)$`).FindStringSubmatch(read(t, "../api/openapi.yaml"))
	if version == nil || !strings.Contains(changelog, "\n## "+version[1]+" - ") {
		t.Errorf("there is no section for the contract's version %v", version)
	}
}

// Ensures that the page for maintainers names targets of the Makefile, and what goreleaser builds.
func TestRelease_Documented(t *testing.T) {
	page, makefile, config := read(t, "../docs/how-to/release.md"), read(t, "../Makefile"), read(t, "../.goreleaser.yaml")
	targets := regexp.MustCompile(`(?m)\bmake ([a-z-]+)`).FindAllStringSubmatch(page, -1)
	var names []string
	for _, target := range targets {
		names = append(names, target[1])
		if !strings.Contains(makefile, "\n"+target[1]+":") {
			t.Errorf("the Makefile has no target %s", target[1])
		}
	}
	for _, want := range []string{"release-snapshot", "breaking", "api-changes"} {
		if !slices.Contains(names, want) {
			t.Errorf("the page does not have make %s", want)
		}
	}
	for _, built := range []string{"tar.gz", "zip", "deb", "rpm", "cdx.json", "checksums.txt", "sigstore.json",
		"api-changes.md", "linux", "darwin", "windows", "amd64", "arm64"} {
		if !strings.Contains(config, built) || !strings.Contains(page, built) {
			t.Errorf("%s is not both on the page and in .goreleaser.yaml", built)
		}
	}
}
