package samltest

import (
	"os"
	"strings"
	"testing"
)

// Ensures that the cases are exactly those of testdata/cases.txt, with the same outcomes.
func TestCases_MatchList(t *testing.T) {
	text, err := os.ReadFile("testdata/cases.txt")
	if err != nil {
		t.Fatal(err)
	}

	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}

		outcome, name, ok := strings.Cut(line, ": ")
		if _, twice := listed[name]; twice || !ok || (outcome != "accept" && outcome != "refuse") {
			t.Errorf("bad line %q", line)
		}

		listed[name] = outcome == "accept"
	}

	made := map[string]bool{}
	for _, c := range Cases() {
		if accept, ok := listed[c.Name]; !ok || accept != c.Accepted || made[c.Name] {
			t.Errorf("%q is not on the list, or with another outcome, or made twice", c.Name)
		}
		made[c.Name] = true
	}

	for name := range listed {
		if !made[name] {
			t.Errorf("there is no case %q", name)
		}
	}
}
