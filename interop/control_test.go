package interop

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// controlled starts a server for a test that controls it, and returns the environment that dev prints for programs.
func controlled(t *testing.T) []string {
	t.Helper()
	p := newServer(nil, "dev", "--listen", "127.0.0.1:0", "--output", "json")
	found, err := p.start(p.out.listen(`(?s)^\{.*\n\}\n`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	var printed struct {
		URL   string `json:"url"`
		Token string `json:"control_token"`
	}
	if err := json.Unmarshal([]byte(found[0]), &printed); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "SALLYPORT_DEV_URL="+printed.URL, "SALLYPORT_DEV_CONTROL_TOKEN="+printed.Token)
}

// Ensures that a program in another language drives the clock, faults, seed, snapshots and reset of a server.
func TestControl_Node(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), need(t, "node"), "--test", "--test-reporter=tap", "control/control.test.mjs")
	cmd.Env = controlled(t)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\n# pass 5\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Ensures that the README's program works as it is printed.
func TestControl_Readme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## In any other language\n")
	_, code, _ := strings.Cut(section, "```js\n")
	code, _, _ = strings.Cut(code, "```")
	if lines := strings.Count(code, "\n"); lines < 2 || lines > 5 {
		t.Errorf("the program has %d lines", lines)
	}

	const check = `
const { now } = await (await control("GET", "/clock")).json();
const { faults } = await (await control("GET", "/faults")).json();
console.log(Date.parse(now) - Date.now() > 7100 * 1000, faults.length, faults[0].times);`
	cmd := exec.CommandContext(t.Context(), need(t, "node"), "--input-type=module", "--eval", code+check)
	cmd.Env = controlled(t)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "true 1 3\n" {
		t.Errorf("the program prints %q, %v", out, err)
	}
}
