package impl_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	codeRow      = regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| (\\d+) \\| .+ \\|$")
	declaredCode = regexp.MustCompile(`(?m)^\t(\w+) += Code\{"[^"]+", (\w+)\}`)
)

// Ensures that the page on error codes has each code with each status that the API families answer, and no other.
func TestReference_ErrorCodes(t *testing.T) {
	page := read(t, "../docs/reference/error-codes.md")
	ece, elastic, found := strings.Cut(page, "\n## Elasticsearch's operations\n")
	if !found {
		t.Fatal("the page has no section on Elasticsearch's operations")
	}
	for _, c := range []struct{ family, codes, section string }{
		{"ece", "codes", ece}, {"elastic", "exceptions", elastic},
	} {
		t.Run(c.family, func(t *testing.T) {
			documented := map[string]bool{}
			for _, row := range codeRow.FindAllStringSubmatch(c.section, -1) {
				documented[row[1]+" "+row[2]] = true
			}
			want, got := answeredCodes(t, c.family, c.codes), slices.Sorted(maps.Keys(documented))
			if !slices.Equal(got, want) {
				t.Errorf("the page has\n%s\nand the code\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// codesWithoutType are answered by Elasticsearch's family with a text, without a type of an exception.
var codesWithoutType = []string{"RouteNotFound", "WrongMethod", "MediaTypeUnsupported", "GrantInvalid"}

// answeredCodes returns the codes of a family's answers with their statuses, from the tables in its failure.go. A fault
// code has a code of its own there, or that of its kind.
func answeredCodes(t *testing.T, family, table string) []string {
	t.Helper()
	source := read(t, "http/"+family+"/failure.go")
	constants := map[string]string{"statusElevationRequired": "449"}
	for _, c := range regexp.MustCompile(`(?m)^\t(\w+) +=\s"([a-z_]+)"$`).FindAllStringSubmatch(source, -1) {
		constants[c[1]] = c[2]
	}
	value := func(text string) string {
		if constant, ok := constants[text]; ok {
			return constant
		}
		if name, ok := strings.CutPrefix(text, "http.Status"); ok {
			return strconv.Itoa(statusNamed(t, name))
		}
		return strings.Trim(text, `"`)
	}

	own := map[string]string{}
	_, codes, _ := strings.Cut(source, "var "+table+" = ")
	codes, _, _ = strings.Cut(codes, "\n}\n")
	for _, c := range regexp.MustCompile(`fault\.(\w+): +([\w."]+),`).FindAllStringSubmatch(codes, -1) {
		own[c[1]] = value(c[2])
	}
	kinds := map[string][2]string{}
	for _, k := range regexp.MustCompile(`fault\.(\w+): +\{([\w.]+), ([\w."]+)\}`).FindAllStringSubmatch(source, -1) {
		kinds[k[1]] = [2]string{value(k[2]), value(k[3])}
	}

	answered := map[string]bool{}
	for _, kind := range kinds {
		answered[kind[1]+" "+kind[0]] = true
	}
	declared := declaredCode.FindAllStringSubmatch(read(t, "fault/codes.go"), -1)
	for _, d := range declared {
		name, kind := d[1], kinds[d[2]]
		if family == "elastic" && slices.Contains(codesWithoutType, name) {
			continue
		}
		if code, ok := own[name]; ok {
			answered[code+" "+kind[0]] = true
		}
	}
	if len(declared) < 40 || len(kinds) < 15 || len(own) < 8 {
		t.Fatalf("%d codes, %d kinds and %d own names were found: have the tables changed?",
			len(declared), len(kinds), len(own))
	}
	return slices.Sorted(maps.Keys(answered))
}

// statusNamed returns the status with the name of a constant in net/http, without its prefix.
func statusNamed(t *testing.T, name string) int {
	t.Helper()
	for status := 100; status < 600; status++ {
		if name == strings.ReplaceAll(http.StatusText(status), " ", "") {
			return status
		}
	}
	t.Fatalf("there is no status %s", name)
	return 0
}
