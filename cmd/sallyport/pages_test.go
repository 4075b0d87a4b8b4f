package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pageStep is a block of commands on a page, with the output that the page shows for it; or, hidden from readers, what
// has to be there before (<!-- prepare).
var pageStep = regexp.MustCompile(
	"(?ms)^[ ]*<!-- run -->\n[ ]*```sh\n(.*?)^[ ]*```\n(?:\n[ ]*```(?:json|text)\n(.*?)^[ ]*```\n)?" +
		"|^<!-- prepare\n(.*?)^-->\n")

// pageTime is the time limit of a page's commands.
const pageTime = 3 * time.Minute

// Ensures that the commands of the documentation work as printed, those of a page in order in a new folder, and print
// what the page shows: … stands for any text.
func TestPages(t *testing.T) {
	t.Parallel()
	pages := 0
	for _, root := range []string{"../../README.md", "../../docs"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".md") {
				return err
			}
			text, err := os.ReadFile(path)
			if steps := pageStep.FindAllStringSubmatch(string(text), -1); len(steps) > 0 {
				pages++
				t.Run(strings.TrimPrefix(filepath.ToSlash(path), "../../"), func(t *testing.T) {
					t.Parallel()
					runPage(t, steps)
				})
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if pages < 4 {
		t.Errorf("only %d pages have commands to run: has the format changed?", pages)
	}
}

// endOfStep separates the outputs of the steps.
const endOfStep = "--- end of step ---\n"

// runPage runs the steps of a page in one shell, and compares their outputs.
func runPage(t *testing.T, steps [][]string) {
	t.Helper()
	var script strings.Builder
	for _, step := range steps {
		script.WriteString(step[1] + step[3] + "echo '" + strings.TrimSpace(endOfStep) + "'\n")
	}
	for _, name := range []string{"bash", "curl", "jq", "node", "openssl", "oathtool"} {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString("bash " + script.String()) {
			continue
		}
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not installed")
		}
	}

	outputs := strings.Split(runScript(t, script.String()), endOfStep)
	for i, step := range steps {
		if step[2] == "" {
			continue
		}
		want := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(step[2])), "…", "(?s:.*?)")
		if got := strings.TrimSpace(outputs[i]); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("these commands printed\n%s\nand the page shows\n%s\n%s", got, step[2], step[1])
		}
	}
}

// failingCurl makes curl fail on a refused request, unless the page prints a part of the answer, such as the status.
const failingCurl = `curl() {
	case "$*" in
	*" -w "*) command curl -sS "$@" ;;
	*) command curl -sS --fail-with-body "$@" ;;
	esac
}
`

// runScript runs a script in a new folder that has the program and the example's seed, with free ports in place of the
// default ones, and returns its output.
func runScript(t *testing.T, script string) string {
	t.Helper()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "seed.yaml"), deployed(t, "ci/seed.yaml"))
	if err := os.Mkdir(filepath.Join(folder, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(folder, "bin", "sallyport")); err != nil {
		t.Fatal(err)
	}
	public, admin := freeAddress(t), freeAddress(t)
	script = failingCurl + strings.NewReplacer("127.0.0.1:12400", public, "127.0.0.1:12490", admin,
		"127.0.0.1:12401", freeAddress(t)).Replace(script)

	ctx, cancel := context.WithTimeout(t.Context(), pageTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", script)
	cmd.Dir = folder
	inherited := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SALLYPORT_") })
	cmd.Env = append(inherited, "PATH="+filepath.Join(folder, "bin")+":"+os.Getenv("PATH"), "HOME="+folder,
		"SALLYPORT_LISTEN="+public, "SALLYPORT_ADMIN_LISTEN="+admin)
	var log strings.Builder
	cmd.Stderr = &log

	// Servers that the script leaves running end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // none may be left
	}
	if failed := cmd.ProcessState; failed == nil || !failed.Success() {
		t.Fatalf("the commands failed: %v\n%s\n%s", err, out, log.String())
	}
	return string(out)
}

// freeAddress returns an address of this machine with a port that was free a moment ago. The system gives none of these
// ports to the many other tests that listen on port 0 or connect.
func freeAddress(t *testing.T) string {
	t.Helper()
	for {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return address
	}
}
