package interop

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v9"
)

// imageSeed is readable by the user of the container.
const imageSeed = `
users:
- {name: ci, password: known-to-the-test, roles: [superuser]}
keys:
- {user: ci, name: pipeline, id: ci-pipeline, secret: not-so-secret-in-a-test}
`

// engine returns the container engine that deploy/build-image has built with, or skips the test.
func engine(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"docker", "podman"} {
		if exec.CommandContext(t.Context(), name, "image", "inspect", "sallyport").Run() == nil {
			return name
		}
	}
	t.Skip("neither docker nor podman has an image sallyport (make image)")
	return ""
}

// Ensures that the image starts with a seed and without privileges, becomes healthy, answers Elasticsearch's client,
// and stops with exit code 0.
func TestImage(t *testing.T) {
	engine := engine(t)
	do := func(arguments ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), engine, arguments...).Output()
		if err != nil {
			t.Fatalf("%s %v: %v", engine, arguments, err)
		}
		return strings.TrimSpace(string(out))
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "seed.yaml"), []byte(imageSeed), 0o644); err != nil {
		t.Fatal(err)
	}

	// The container has the machine's network, so that engines without a bridge can run it, too.
	public, admin := freePort(t), freePort(t)
	begin := time.Now()
	id := do("run", "--detach", "--network=host", "--read-only", "--cap-drop=all",
		"--volume="+folder+":/seed:ro", "--env=SALLYPORT_ADMIN_LISTEN="+admin, "sallyport",
		"dev", "--listen", public, "--seed", "/seed/seed.yaml")
	t.Cleanup(func() {
		// t.Context is done.
		_ = exec.CommandContext(context.Background(), engine, "rm", "--force", id).Run()
	})
	for exec.CommandContext(t.Context(), engine, "exec", id, "/sallyport", "health").Run() != nil {
		if time.Since(begin) > patience {
			t.Fatalf("it is not healthy after %s: %s", patience, do("logs", id))
		}
	}
	t.Logf("healthy after %s", time.Since(begin).Round(time.Millisecond))

	client, err := elasticsearch.New(elasticsearch.WithAddresses("http://"+public),
		elasticsearch.WithAPIKey("Y2ktcGlwZWxpbmU6bm90LXNvLXNlY3JldC1pbi1hLXRlc3Q="))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Security.Authenticate(client.Security.Authenticate.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // nothing is written
	var caller struct{ Username string }
	if err := json.NewDecoder(answer.Body).Decode(&caller); err != nil || caller.Username != "ci" {
		t.Errorf("the caller is %+v, %v; want ci", caller, err)
	}

	version := do("exec", id, "/sallyport", "version")
	label := do("image", "inspect", "--format", `{{index .Config.Labels "org.opencontainers.image.version"}}`, "sallyport")
	if !strings.Contains(version, label) || label == "" {
		t.Errorf("the image has the version %q, and the program %q", label, version)
	}
	if user := do("image", "inspect", "--format", "{{.Config.User}}", "sallyport"); user != "65532:65532" {
		t.Errorf("the image's user is %q", user)
	}
	if size := compressedSize(t, engine); size > maxImage {
		t.Errorf("the image has %d bytes compressed; want at most %d", size, maxImage)
	} else {
		t.Logf("%d bytes compressed", size)
	}
	do("stop", id)
	if code := do("inspect", "--format", "{{.State.ExitCode}}", id); code != "0" {
		t.Errorf("exit code %s; want 0", code)
	}
}

// maxImage is the limit of the image's compressed size in bytes.
const maxImage = 18_000_000

// compressedSize returns the size of the image when it is saved and compressed, as a registry would have it.
func compressedSize(t *testing.T, engine string) int64 {
	t.Helper()
	save := exec.CommandContext(t.Context(), engine, "save", "sallyport")
	saved, err := save.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := save.Start(); err != nil {
		t.Fatal(err)
	}
	var size counter
	compressed := gzip.NewWriter(&size)
	if _, err := io.Copy(compressed, saved); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(compressed.Close(), save.Wait()); err != nil {
		t.Fatal(err)
	}
	return int64(size)
}

// counter counts the bytes that are written to it.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// Ensures that the README's commands for a container work as printed, in at most five lines.
func TestImage_Readme(t *testing.T) {
	engine := engine(t)
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## In a container for tests\n")
	_, script, _ := strings.Cut(section, "```sh\n")
	script, _, _ = strings.Cut(script, "```")
	if lines := strings.Count(script, "\n"); lines < 2 || lines > 5 {
		t.Fatalf("the commands have %d lines", lines)
	}
	skipIfTaken(t, "127.0.0.1:12400")

	// The commands are docker's, and the engine may be another one. A failure leaves no container.
	script = "docker() { " + engine + ` "$@"; }
trap 'docker rm --force "$id" > /dev/null 2>&1 || true' EXIT
` + script
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", script)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), `"trust_all":true`) {
		t.Errorf("the commands printed %q, %v; want the account of admin", out, err)
	}
}

// skipIfTaken skips the test if another program listens on the address. In CI there is none.
func skipIfTaken(t *testing.T, address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("another program listens on %s: %v", address, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	listener.Close() //nolint:errcheck // it has no data
}

// freePort returns a loopback address at which nothing listens.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // it has no data
	return listener.Addr().String()
}
