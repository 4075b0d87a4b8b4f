package impl_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/password"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows returns the table rows of a document that begin with a code span which matches.
func rows(t *testing.T, document, pattern string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `"+pattern+"` \\|.*$").FindAllString(read(t, document), -1) {
		found[row] = true
	}
	return found
}

// compareRows checks the table rows of a document that begin with a code span which matches.
func compareRows(t *testing.T, document, pattern string, want map[string]bool) {
	t.Helper()
	rows := rows(t, document, pattern)
	for row := range want {
		if !rows[row] {
			t.Errorf("%s lacks the row\n%s", document, row)
		}
	}
	for row := range rows {
		if !want[row] {
			t.Errorf("%s has the row\n%s", document, row)
		}
	}
}

// Ensures that the documented settings are the program's.
func TestReference_Settings(t *testing.T) {
	want := map[string]bool{}
	for _, s := range config.Settings {
		value := ""
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		want[fmt.Sprintf("| `%s` | `%s` | %s | %s |", s.Key, s.Env(), value, s.About)] = true
	}
	compareRows(t, "../docs/reference/configuration.md", `[a-z_.]+`, want)
}

// Ensures that high-availability.md says of each setting whether servers that share a database must agree on it.
func TestHighAvailability_Settings(t *testing.T) {
	page := read(t, "../docs/how-to/high-availability.md")
	for _, s := range config.Settings {
		if !strings.Contains(page, "`"+s.Key+"`") && !strings.Contains(page, "`"+s.Env()+"_FILE`") {
			t.Errorf("high-availability.md does not have %s", s.Key)
		}
	}
}

// Ensures that HAProxy's configuration on the page and the one of compose.yaml have the same defaults and rules.
func TestHighAvailability_Proxy(t *testing.T) {
	_, page, _ := strings.Cut(read(t, "../docs/how-to/high-availability.md"), "```haproxy\n")
	page, _, _ = strings.Cut(page, "```")
	settings := func(text string) (lines []string) {
		_, text, _ = strings.Cut(text, "\ndefaults\n")
		text, _, _ = strings.Cut(text, "\n    server ")
		for line := range strings.Lines(strings.ReplaceAll(text, " resolvers docker init-addr last,libc,none", "")) {
			if !strings.HasPrefix(line, "    #") && !strings.HasPrefix(line, "    bind ") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	deployed := settings(read(t, "../deploy/haproxy.cfg"))
	if got := settings(page); len(got) < 20 || !slices.Equal(got, deployed) {
		t.Errorf("the page has\n%s\nand deploy/haproxy.cfg\n%s", strings.Join(got, ""), strings.Join(deployed, ""))
	}
}

// Ensures that the documented differences between versions are those of the tables.
func TestReference_Compatibility(t *testing.T) {
	var tables []string
	for _, table := range [][][]string{eceRows(t), elasticsearchRows(t)} {
		for i, row := range table {
			tables = append(tables, "| "+strings.Join(row, " | ")+" |\n")
			if i == 0 {
				tables = append(tables, strings.Repeat("|---", len(row))+"|\n")
			}
		}
	}

	// The tables of operations are those of TestCoverage.
	versions, _, _ := strings.Cut(read(t, "../docs/reference/compatibility.md"), "\n## Operations\n")
	var got []string
	for line := range strings.Lines(versions) {
		if strings.HasPrefix(line, "|") {
			got = append(got, line)
		}
	}
	if !slices.Equal(got, tables) {
		t.Errorf("compatibility.md has the tables\n%s\nwant\n%s", strings.Join(got, ""), strings.Join(tables, ""))
	}
}

// placesOfOperations returns the method and path of each operation, by id.
func placesOfOperations(t *testing.T) map[string]string {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{}
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			places[op.OperationID] = "`" + method + " " + path + "`"
		}
	}
	return places
}

// placesOf returns the methods and paths of operations.
func placesOf(t *testing.T, ids []string) []string {
	t.Helper()
	places := placesOfOperations(t)
	var found []string
	for _, id := range ids {
		found = append(found, strings.Trim(places[id], "`"))
	}
	return found
}

// eceRows returns the table of Elastic Cloud Enterprise's versions, with its head.
func eceRows(t *testing.T) [][]string {
	t.Helper()
	places := placesOfOperations(t)
	head, factor := []string{"what"}, []string{"code of a second factor"}
	lacked := map[string][]string{}
	for i, name := range compatibility.ECEVersions() {
		version, err := compatibility.FindECE(name)
		if err != nil {
			t.Fatal(err)
		}
		head = append(head, "`"+name+"`")
		if version.CodeAtSignIn {
			factor = append(factor, "at sign-in")
		} else {
			factor = append(factor, "elevates a session")
		}
		for _, id := range version.Operations {
			if lacked[places[id]] == nil {
				lacked[places[id]] = slices.Repeat([]string{"served"}, len(compatibility.ECEVersions()))
			}
			lacked[places[id]][i] = "404"
		}
	}

	rows := [][]string{head}
	for _, place := range slices.Sorted(maps.Keys(lacked)) {
		rows = append(rows, append([]string{place}, lacked[place]...))
	}
	return append(rows, factor)
}

// elasticsearchRows returns the table of Elasticsearch's versions, with its head.
func elasticsearchRows(t *testing.T) [][]string {
	t.Helper()
	var versions []compatibility.Elasticsearch
	head := []string{"what"}
	for _, name := range compatibility.ElasticsearchVersions() {
		version, err := compatibility.FindElasticsearch(name)
		if err != nil {
			t.Fatal(err)
		}
		versions, head = append(versions, version), append(head, "`"+name+"`")
	}

	rows := [][]string{head}
	add := func(what string, show func(compatibility.Elasticsearch) string) {
		row := []string{what}
		for _, version := range versions {
			row = append(row, show(version))
		}
		rows = append(rows, row)
	}
	add("`version.number` in `GET /`", func(e compatibility.Elasticsearch) string { return e.Number })
	add("`version.lucene_version`", func(e compatibility.Elasticsearch) string { return e.Lucene })
	add("`version.minimum_wire_compatibility_version`", func(e compatibility.Elasticsearch) string { return e.MinimumWire })
	add("`version.minimum_index_compatibility_version`",
		func(e compatibility.Elasticsearch) string { return e.MinimumIndex })
	add("`compatible-with` of media types",
		func(e compatibility.Elasticsearch) string { return strings.Join(e.MediaTypes, ", ") })

	for _, kind := range []struct {
		name  string
		lacks func(compatibility.Elasticsearch) []string
	}{
		{"cluster privilege", func(e compatibility.Elasticsearch) []string { return e.ClusterPrivileges }},
		{"index privilege", func(e compatibility.Elasticsearch) []string { return e.IndexPrivileges }},
		{"category of `global`", func(e compatibility.Elasticsearch) []string { return e.GlobalPrivileges }},
		{"operation", func(e compatibility.Elasticsearch) []string { return placesOf(t, e.Operations) }},
		{"parameter", func(e compatibility.Elasticsearch) []string { return e.Parameters }},
		{"member of requests", func(e compatibility.Elasticsearch) []string { return e.Members }},
	} {
		var names []string
		for _, version := range versions {
			names = append(names, kind.lacks(version)...)
		}
		for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
			add(kind.name+" `"+name+"`", func(e compatibility.Elasticsearch) string {
				if slices.Contains(kind.lacks(e), name) {
					return "unknown"
				}
				return "known"
			})
		}
	}
	return append(rows, roleRows(versions)...)
}

// roleRows returns the rows about built-in roles.
func roleRows(versions []compatibility.Elasticsearch) [][]string {
	var rows [][]string
	for _, kind := range []struct {
		roles       func(compatibility.Elasticsearch) []string
		is, without string
	}{
		{func(e compatibility.Elasticsearch) []string { return e.EarlierRoles }, "built in", "not built in"},
		{func(e compatibility.Elasticsearch) []string { return e.NarrowerRoles }, "fewer privileges", "more privileges"},
	} {
		var names []string
		for _, version := range versions {
			names = append(names, kind.roles(version)...)
		}
		for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
			row := []string{"role `" + name + "`"}
			for _, version := range versions {
				if slices.Contains(kind.roles(version), name) {
					row = append(row, kind.is)
				} else {
					row = append(row, kind.without)
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// Ensures that the documented operations are the contract's, with the permitted callers.
func TestReference_Operations(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			want[fmt.Sprintf("| `%s %s` | %s | %s |", method, path, audience(op), op.Summary)] = true
		}
	}
	compareRows(t, "../docs/reference/operations.md", `[A-Z]+ /[^`+"`"+`]*`, want)
}

// Ensures that the documented metrics are those that the program registers.
func TestReference_Metrics(t *testing.T) {
	files, err := filepath.Glob("platform/metrics/*.go")
	if err != nil {
		t.Fatal(err)
	}
	registered := map[string]bool{}
	for _, file := range files {
		for _, name := range regexp.MustCompile(`"(sallyport_[a-z_]+)"`).FindAllStringSubmatch(read(t, file), -1) {
			registered[name[1]] = true
		}
	}

	documented := map[string]bool{}
	for row := range rows(t, "../docs/reference/metrics.md", "sallyport_[a-z_]+") {
		documented[strings.Split(row, "`")[1]] = true
	}
	if want, got := slices.Sorted(maps.Keys(registered)), slices.Sorted(maps.Keys(documented)); !slices.Equal(got, want) {
		t.Errorf("metrics.md has\n%s\nand the program\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// audience returns the permitted callers of an operation: for Elasticsearch's the narrowest privilege that grants it,
// if it needs one.
func audience(op *openapi3.Operation) string {
	if action, given := op.Extensions["x-elasticsearch-action"].(string); given {
		return needed(op.OperationID, action)
	}
	roles := fmt.Sprint(op.Extensions["x-roles"])
	for _, c := range []struct {
		role     identity.Role
		audience string
	}{{identity.AnyUser, "all"}, {identity.DeploymentViewer, "ECE"}, {identity.PlatformViewer, "platform"},
		{identity.PlatformAdmin, "admins"}} {
		if strings.Contains(roles, string(c.role)) {
			return c.audience
		}
	}
	return "public"
}

// unprivileged are Elasticsearch's operations that need no privilege, because they are about the caller.
var unprivileged = []string{"security-authenticate", "security-has-", "security-get-user-privileges",
	"security-change-own-password"}

func needed(operation, action string) string {
	own := func(prefix string) bool {
		return strings.HasPrefix(operation, prefix) && !strings.Contains(operation, "user-profile")
	}
	if slices.ContainsFunc(unprivileged, own) {
		return "all"
	}
	return "`" + privilege.GrantedForOwnKeys(action)[0] + "`"
}

// Ensures that the evidence for the security model and the limits exists: tests and benchmarks, files, and the quoted
// limits in them.
func TestSecurity_Evidence(t *testing.T) {
	text, code := read(t, "../docs/explanation/security.md")+read(t, "../docs/reference/limits.md"), sources(t)
	for _, name := range regexp.MustCompile(`\b(Test|Benchmark)[A-Z]\w+`).FindAllString(text, -1) {
		if !strings.Contains(code["_test.go"], "\nfunc "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
	for _, path := range regexp.MustCompile("`((?:impl|cmd)/[a-z_./]+)`").FindAllStringSubmatch(text, -1) {
		if code[path[1]] == "" {
			t.Errorf("there is no file %s", path[1])
		}
	}
	limits := regexp.MustCompile("\\| `(impl/[^`]+)`: `([^`]+)` \\|\n").FindAllStringSubmatch(text, -1)
	for _, limit := range limits {
		if !strings.Contains(code[limit[1]], limit[2]+"\n") {
			t.Errorf("%s has no %q", limit[1], limit[2])
		}
	}
	if len(limits) < 10 {
		t.Errorf("only %d limits are compared: has the table's format changed?", len(limits))
	}
}

// Ensures that the configurable numbers in the security model and the limits are the defaults.
func TestSecurity_Defaults(t *testing.T) {
	text := read(t, "../docs/explanation/security.md") + read(t, "../docs/reference/limits.md")
	lock, cost, length := attempts.DefaultPolicy, secret.DefaultCost, session.DefaultSettings
	for _, want := range []string{
		fmt.Sprintf("After %d the user is locked for %.0f s, and twice as long with each further one, up to %.0f minutes",
			lock.Threshold, lock.Base.Seconds(), lock.Max.Minutes()),
		fmt.Sprintf("argon2id, %d MiB, %d passes, %d thread,", cost.Memory/1024, cost.Passes, cost.Threads),
		fmt.Sprintf("expires after %.0f minutes, the session after %.0f hours", length.Idle.Minutes(),
			length.Absolute.Hours()),
		fmt.Sprintf("a password that was proved in the last %.0f minutes", elevation.RecentPassword.Minutes()),
		fmt.Sprintf("| %.0f minutes, at most an hour |", elevation.DefaultSettings.Length.Minutes()),
		fmt.Sprintf("| %d characters to 1,024 bytes", password.Min),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the documents lack %q", want)
		}
	}
}

var (
	blanks   = regexp.MustCompile(`[ \t]+`)
	comments = regexp.MustCompile(` ?//.*`)
)

// sources returns the text of each Go file by its path, with single blanks and without comments, and the text of all
// tests as "_test.go".
func sources(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, root := range []string{"impl", "cmd"} {
		err := filepath.WalkDir("../"+root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") {
				return err
			}
			text := comments.ReplaceAllString(blanks.ReplaceAllString(read(t, path), " "), "")
			found[strings.TrimPrefix(path, "../")] = text
			if strings.HasSuffix(path, "_test.go") {
				found["_test.go"] += text
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// Ensures that the documented Go code is docs/client, which is built, vetted and run by tests.
func TestGoClient_Example(t *testing.T) {
	if !strings.Contains(read(t, "../docs/how-to/use-the-go-client.md"),
		"```go\n"+read(t, "../docs/client/main.go")+"```") {
		t.Error("the Go code of use-the-go-client.md is not docs/client/main.go")
	}
}

// Ensures that the page has every option of the client.
func TestGoClient_Options(t *testing.T) {
	option := regexp.MustCompile(`(?m)^func (With\w+)\(.*\) Option \{$`)
	var want []string
	for file, text := range sources(t) {
		if strings.HasPrefix(file, "impl/client/") && !strings.HasSuffix(file, "_test.go") {
			for _, match := range option.FindAllStringSubmatch(text, -1) {
				want = append(want, match[1])
			}
		}
	}
	var got []string
	for _, match := range regexp.MustCompile("(?m)^\\| `(With\\w+)\\(").FindAllStringSubmatch(
		read(t, "../docs/how-to/use-the-go-client.md"), -1) {
		got = append(got, match[1])
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("use-the-go-client.md has the options %v, want %v", got, want)
	}
}

// Ensures that the README's code for Go tests is part of a test, and short.
func TestReadme_GoTest(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "../README.md"), "\n## In a Go test\n")
	_, code, _ := strings.Cut(section, "```go\n")
	code, _, _ = strings.Cut(code, "```")
	if lines := strings.Count(code, "\n"); lines < 2 || lines > 5 {
		t.Errorf("the code has %d lines", lines)
	}
	var indented strings.Builder
	for line := range strings.Lines(code) {
		indented.WriteString("\t" + line)
	}
	if !strings.Contains(read(t, "sallyporttest/readme_test.go"), indented.String()) {
		t.Error("the code is not that of TestReadme in impl/sallyporttest")
	}
}

// Ensures that the documented code for Testcontainers is part of a test.
func TestTestcontainers_Example(t *testing.T) {
	_, code, _ := strings.Cut(read(t, "../docs/how-to/run-in-ci.md"), "```go\n")
	code, _, _ = strings.Cut(code, "```")
	if code == "" || !strings.Contains(read(t, "../interop/testcontainers/sallyport_test.go"), code) {
		t.Error("the Go code of run-in-ci.md is not part of interop/testcontainers/sallyport_test.go")
	}
}
