package interop

import (
	"context"
	"encoding/json"
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

// Ensures that the image starts with a seed and without privileges, becomes healthy, answers Elasticsearch's client, and
// stops with exit code 0.
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
	id := do("run", "--detach", "--network=host", "--read-only", "--tmpfs=/tmp", "--cap-drop=all",
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
	do("stop", id)
	if code := do("inspect", "--format", "{{.State.ExitCode}}", id); code != "0" {
		t.Errorf("exit code %s; want 0", code)
	}
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
