package client_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// Send an API key with each request. Package impl/client does this, and signs in.
func Example() {
	url, key, stop := startServer()
	defer stop()
	ctx := context.Background()

	authenticate := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "ApiKey "+key)
		return nil
	}
	c, err := client.NewClientWithResponses(url, client.WithRequestEditorFn(authenticate))
	if err != nil {
		log.Fatal(err)
	}
	account, err := c.GetCurrentAccountWithResponse(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("all deployments trust each other:", account.JSON200.Trust.TrustAll)

	created, err := c.CreateAPIKeyWithResponse(ctx,
		client.CreateAPIKeyRequest{Description: "nightly backup", Expiration: new("90d")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.StatusCode(), created.JSON201.Description)

	// A refusal is data: the status, and the code and the fields of the error.
	refused, err := c.CreateAPIKeyWithResponse(ctx,
		client.CreateAPIKeyRequest{Description: "x", Expiration: new("soon")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(refused.StatusCode(), refused.JSON400.Errors[0].Code, *refused.JSON400.Errors[0].Fields)

	// Output:
	// all deployments trust each other: true
	// 201 nightly backup
	// 400 api_keys.invalid_input [expiration]
}

// startServer serves a database with one user that has an API key.
func startServer() (url, key string, stop func()) {
	folder, err := os.MkdirTemp("", "sallyport-example-")
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	program, err := app.Open(ctx, app.Settings{
		Store: "sqlite:" + filepath.Join(folder, "example.db"), KeyEncryptionKey: secret.NewKey(),
		Builtins: user.Bootstrap{Keep: func(map[string]string) error { return nil }},
		Sessions: session.DefaultSettings, Elevation: elevation.DefaultSettings, Lockout: attempts.DefaultPolicy,
		AddressFailures: 1_000_000, AddressRecovery: time.Second, Hashing: secret.DefaultCost,
		Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		log.Fatal(err)
	}
	alice := user.New{Name: "alice", Roles: []string{"ece_deployment_viewer"}, Password: "correct horse battery staple"}
	if _, err := program.Users.Add(ctx, alice); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(program.Handler)
	return server.URL, createKey(ctx, server.URL), func() {
		server.Close()
		_ = program.Close()
		_ = os.RemoveAll(folder)
	}
}

// createKey returns an API key of alice.
func createKey(ctx context.Context, url string) string {
	authenticate := func(_ context.Context, r *http.Request) error {
		r.SetBasicAuth("alice", "correct horse battery staple")
		return nil
	}
	c, err := client.NewClientWithResponses(url, client.WithRequestEditorFn(authenticate))
	if err != nil {
		log.Fatal(err)
	}
	created, err := c.CreateAPIKeyWithResponse(ctx, client.CreateAPIKeyRequest{Description: "first"})
	if err != nil {
		log.Fatal(err)
	}
	return *created.JSON201.Key
}
