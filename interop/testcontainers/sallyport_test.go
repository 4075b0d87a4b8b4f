// Package testcontainers has a test that starts Sallyport in a container. It is a module of its own, to copy from.
package testcontainers

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// seed is what the server starts with. Only temporary servers may have passwords that everyone knows.
const seed = `
users:
- {name: ci, password: known-to-the-tests, roles: [superuser]}
`

// startSallyport returns the URL of a temporary server, which ends with the test.
func startSallyport(t *testing.T) string {
	t.Helper()
	testcontainers.SkipIfProviderIsNotHealthy(t)
	server, err := testcontainers.Run(t.Context(), "sallyport", // the image that make image has built
		testcontainers.WithCmd("dev", "--seed", "/seed.yaml", "--plain-http", "true"),
		testcontainers.WithFiles(testcontainers.ContainerFile{
			Reader: strings.NewReader(seed), ContainerFilePath: "/seed.yaml", FileMode: 0o444,
		}),
		testcontainers.WithExposedPorts("12400/tcp"),
		testcontainers.WithWaitStrategy(wait.ForExec([]string{"/sallyport", "health"})),
	)
	testcontainers.CleanupContainer(t, server)
	if err != nil {
		t.Fatal(err)
	}
	url, err := server.PortEndpoint(t.Context(), "12400/tcp", "http")
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// TestKey creates an API key as the seed's user, and authenticates with it.
func TestKey(t *testing.T) {
	url := startSallyport(t)

	create, err := http.NewRequest(http.MethodPost, url+"/_security/api_key", strings.NewReader(`{"name": "first"}`))
	if err != nil {
		t.Fatal(err)
	}
	create.SetBasicAuth("ci", "known-to-the-tests")
	create.Header.Set("Content-Type", "application/json")
	var key struct{ Encoded string }
	send(t, create, &key)

	authenticate, err := http.NewRequest(http.MethodGet, url+"/_security/_authenticate", nil)
	if err != nil {
		t.Fatal(err)
	}
	authenticate.Header.Set("Authorization", "ApiKey "+key.Encoded)
	var caller struct{ Username string }
	send(t, authenticate, &caller)
	if caller.Username != "ci" {
		t.Errorf("the key's owner is %q; want ci", caller.Username)
	}
}

// send decodes the answer to a request, which must be 200.
func send(t *testing.T, request *http.Request, answer any) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", request.Method, request.URL.Path, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		t.Fatal(err)
	}
}
