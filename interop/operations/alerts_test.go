// Package operations checks what is in deploy/ for operators, with the parsers of the programs that read it. It is a
// module of its own, so that these do not reach the others.
package operations

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// rules is a file of alerting rules, with all members that it may have.
type rules struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

type rule struct {
	Alert, Expr         string
	For                 time.Duration
	Labels, Annotations map[string]string
}

func readRules(t *testing.T) (all []rule) {
	t.Helper()
	file, err := os.Open(filepath.Join(root, "deploy/prometheus/alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // opened for reading
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var f rules
	if err := decoder.Decode(&f); err != nil {
		t.Fatal(err)
	}
	for _, group := range f.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// dashboard is the part of a dashboard of Grafana that is checked.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

// panels returns the expressions of the dashboard by the title of their panel.
func panels(t *testing.T) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "deploy/grafana/sallyport.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	// Grafana replaces its variables before Prometheus reads the expression.
	variables := strings.NewReplacer("$__rate_interval", "5m", "$job", "sallyport")
	all := map[string][]string{}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all[p.Title] = append(all[p.Title], variables.Replace(target.Expr))
		}
	}
	return all
}

// selectors returns the metrics of an expression with the labels that it names.
func selectors(t *testing.T, text string) map[string][]string {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	found := map[string][]string{}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			found[selector.Name] = append(found[selector.Name], names(selector.LabelMatchers)...)
		}
		return nil
	})
	if len(found) == 0 {
		t.Errorf("%s has no metric", text)
	}
	return found
}

func names(matchers []*labels.Matcher) (found []string) {
	for _, m := range matchers {
		if m.Name != model.MetricNameLabel {
			found = append(found, m.Name)
		}
	}
	return found
}

// rare are metrics that a server has only in some cases; their table in the documentation is tested against the code.
var rare = []string{
	"sallyport_tls_certificate_expiry_seconds", "sallyport_response_validation_failures_total",
	"sallyport_validation_fallbacks_total",
}

// exported returns the metrics of a running server, with their labels, and those that are rare, from the documentation.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{"up": nil}
	for line := range strings.Lines(scrape(t)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, "{")
		if name == line {
			name, _, _ = strings.Cut(line, " ")
		}
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(rest, -1) {
			all[name] = append(all[name], label[1])
		}
		if all[name] == nil {
			all[name] = []string{}
		}
	}

	for line := range strings.Lines(read(t, "docs/reference/metrics.md")) {
		cells := strings.Split(line, "|")
		if len(cells) < 6 {
			continue
		}
		if name := strings.Trim(cells[1], " `"); slices.Contains(rare, name) {
			for _, label := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(cells[4], -1) {
				all[name] = append(all[name], label[1])
			}
			all[name] = append(all[name], "")
		}
	}
	return all
}

var listening = regexp.MustCompile(`"msg":"(serving|admin listener)[^"]*","url":"([^"]+)"`)

// scrape returns the metrics of a server that has answered a request.
func scrape(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	program := filepath.Join(t.TempDir(), "sallyport")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", program, "./cmd/sallyport")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}

	server := exec.CommandContext(ctx, program, "serve", "--listen", "127.0.0.1:0", "--admin.listen", "127.0.0.1:0",
		"--store", "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	server.Env = append(os.Environ(), "SALLYPORT_LOG_FORMAT=json")
	output, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait() // it was killed
	})

	urls := map[string]string{}
	lines := bufio.NewScanner(output)
	for len(urls) < 2 && lines.Scan() {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			urls[found[1]] = found[2]
		}
	}
	go io.Copy(io.Discard, output) //nolint:errcheck // the server ends with the test
	get(t, urls["serving"]+"/api/v1/account")
	return get(t, urls["admin listener"]+"/metrics")
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ofPrometheus are the labels that Prometheus adds to what it reads.
var ofPrometheus = []string{"job", "instance"}

// Ensures that Prometheus can read each expression of the alerts and of the dashboard, and that a server exports each
// metric with each label that they name.
func TestExpressions(t *testing.T) {
	known := exported(t)
	check := func(t *testing.T, expr string) {
		t.Helper()
		for metric, used := range selectors(t, expr) {
			has, exists := known[metric]
			if !exists {
				t.Errorf("no server exports %s", metric)
			}
			for _, label := range used {
				if exists && !slices.Contains(has, label) && !slices.Contains(ofPrometheus, label) {
					t.Errorf("%s has no label %s", metric, label)
				}
			}
		}
	}
	for _, r := range readRules(t) {
		t.Run("alert "+r.Alert, func(t *testing.T) { check(t, r.Expr) })
	}
	for title, exprs := range panels(t) {
		t.Run("panel "+title, func(t *testing.T) {
			for _, expr := range exprs {
				check(t, expr)
			}
		})
	}
}

// Ensures that each alert has a severity, a summary, and a link to the section that says what to do, and that no
// section is about an alert that does not exist.
func TestAlerts_Runbook(t *testing.T) {
	page := read(t, "docs/how-to/monitor.md")
	sections := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^### (Sallyport\w+)$`).FindAllStringSubmatch(page, -1) {
		sections[heading[1]] = true
	}
	const base = "https://github.com/sallyport/sallyport/blob/main/docs/how-to/monitor.md#"
	for _, r := range readRules(t) {
		if !sections[r.Alert] {
			t.Errorf("%s has no section", r.Alert)
		}
		delete(sections, r.Alert)
		if got := r.Annotations["runbook_url"]; got != base+strings.ToLower(r.Alert) {
			t.Errorf("%s links to %q", r.Alert, got)
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) ||
			r.Annotations["summary"] == "" {
			t.Errorf("%s has the labels %v and the annotations %v", r.Alert, r.Labels, r.Annotations)
		}
	}
	for section := range sections {
		t.Errorf("there is no alert %s", section)
	}
}
