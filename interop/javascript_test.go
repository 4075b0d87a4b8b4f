package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// needJavaScriptClients returns the path of the program that runs Elasticsearch's clients for JavaScript.
func needJavaScriptClients(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("javascript/node_modules"); err != nil {
		lack(t, "Elasticsearch's clients for JavaScript are not installed (make interop does that)")
	}
	return need(t, "node")
}

// scriptLine is a line that javascript/operations.mjs prints.
type scriptLine struct {
	// Name and Error are a check, and what is wrong.
	Name, Error string
	// Operations are the published names of the client's operations: the last line has them.
	Operations []string
}

// Ensures that the official clients for JavaScript call each operation that is served in their version and read its
// answers, and that each operation of security that they have is either served or listed as not served, with a reason.
func TestJavaScript(t *testing.T) {
	t.Parallel()
	node, served, absent := needJavaScriptClients(t), map[string]bool{}, map[string]bool{}
	readCoverage(t, served, absent)
	for _, c := range []struct{ client, server string }{{"8", "8.19"}, {"9", "9.5"}} {
		t.Run("v"+c.client, func(t *testing.T) {
			t.Parallel()
			server := startScripted(t, "--compatibility.elasticsearch", c.server)
			checked, operations := runOperations(t, node, c.client, server)

			for _, operation := range operations {
				switch {
				case served[operation] && !checked[operation]:
					t.Errorf("%s is served: javascript/operations.mjs must check it", operation)
				case !served[operation] && !absent[operation]:
					t.Errorf("%s is unknown to api/coverage.json: serve it, or add it to absent with a reason", operation)
				}
			}
			for operation := range checked {
				if !slices.Contains(operations, operation) {
					t.Errorf("%s is no operation of the client", operation)
				}
			}
		})
	}
}

// runOperations reports each check of a client as a test. It returns the operations with checks, and those of the
// client.
func runOperations(t *testing.T, node, client, server string) (checked map[string]bool, operations []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), node, "javascript/operations.mjs")
	cmd.Env = append(os.Environ(), "CLIENT="+client, "SERVER="+server)
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, &log)
	}

	checked = map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var line scriptLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if line.Operations != nil {
			operations = line.Operations
			continue
		}
		operation, _, _ := strings.Cut(line.Name, "/")
		checked[operation] = true
		t.Run(line.Name, func(t *testing.T) {
			if line.Error != "" {
				t.Error(line.Error)
			}
		})
	}
	if len(operations) == 0 {
		t.Fatal("the client has no operations")
	}
	return checked, operations
}

// readCoverage adds the published names of the operations that are served, and that are not.
func readCoverage(t *testing.T, served, absent map[string]bool) {
	t.Helper()
	type published struct{ Source, Reason string }
	var coverage struct {
		Served map[string]published
		Absent []published
	}
	if err := json.Unmarshal(read(t, "../api/coverage.json"), &coverage); err != nil {
		t.Fatal(err)
	}
	for _, operation := range coverage.Served {
		served[operation.Source] = true
	}
	for _, operation := range coverage.Absent {
		absent[operation.Source] = operation.Reason != ""
	}
}
