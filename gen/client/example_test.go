package client_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/securityprovider"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// Sign in with a password, make an API key in the session, and use the key.
func Example() {
	url, stop := startServer()
	defer stop()
	ctx := context.Background()

	// A user name and a password, with every request.
	basic, err := securityprovider.NewSecurityProviderBasicAuth("alice", "correct horse battery staple")
	if err != nil {
		log.Fatal(err)
	}
	asAlice, err := client.NewClientWithResponses(url, client.WithRequestEditorFn(basic.Intercept))
	if err != nil {
		log.Fatal(err)
	}
	account, err := asAlice.GetCurrentAccountWithResponse(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("all deployments trust each other:", account.JSON200.Trust.TrustAll)

	// A session: the password is sent once, its token from then on.
	login, err := asAlice.LoginWithResponse(ctx,
		client.LoginRequest{Username: "alice", Password: "correct horse battery staple"})
	if err != nil {
		log.Fatal(err)
	}
	bearer, err := securityprovider.NewSecurityProviderBearerToken(login.JSON200.Token)
	if err != nil {
		log.Fatal(err)
	}
	inSession, err := client.NewClientWithResponses(url, client.WithRequestEditorFn(bearer.Intercept))
	if err != nil {
		log.Fatal(err)
	}
	expiration := "90d"
	created, err := inSession.CreateAPIKeyWithResponse(ctx,
		client.CreateAPIKeyRequest{Description: "nightly backup", Expiration: &expiration})
	if err != nil {
		log.Fatal(err)
	}

	// An API key, for programs.
	key, err := securityprovider.NewSecurityProviderApiKey("header", "Authorization", "ApiKey "+*created.JSON201.Key)
	if err != nil {
		log.Fatal(err)
	}
	withKey, err := client.NewClientWithResponses(url, client.WithRequestEditorFn(key.Intercept))
	if err != nil {
		log.Fatal(err)
	}
	keys, err := withKey.GetAPIKeysWithResponse(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("keys:", len(keys.JSON200.Keys), keys.JSON200.Keys[0].Description)

	// A refusal is data: the status, and what is wrong with which field.
	expiration = "soon"
	refused, err := withKey.CreateAPIKeyWithResponse(ctx,
		client.CreateAPIKeyRequest{Description: "x", Expiration: &expiration})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(refused.StatusCode(), refused.JSON400.Errors[0].Code, *refused.JSON400.Errors[0].Fields)

	// Output:
	// all deployments trust each other: true
	// keys: 1 nightly backup
	// 400 api_keys.invalid_input [expiration]
}

// startServer serves a database with one user. Real clients need only the URL of a server.
func startServer() (url string, stop func()) {
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
	return server.URL, func() {
		server.Close()
		_ = program.Close()
		_ = os.RemoveAll(folder)
	}
}
