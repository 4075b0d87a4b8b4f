package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

const examplePassword = "correct horse battery staple"

// Sign in with a password, create an API key, and use the key.
func Example() {
	url, stop := startServer()
	defer stop()
	ctx := context.Background()

	alice, err := client.New(url, client.WithPassword("alice", examplePassword))
	if err != nil {
		log.Fatal(err)
	}
	key, err := alice.CreateKey(ctx, "nightly backup", 90*24*time.Hour)
	if err != nil {
		log.Fatal(err)
	}

	program, err := client.New(url, client.WithAPIKey(*key.Key), client.WithUserAgent("backup/1.2"))
	if err != nil {
		log.Fatal(err)
	}
	for key, err := range program.Keys(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key.Description, key.ExpirationDate.Sub(key.CreationDate))
	}

	// Output:
	// nightly backup 2160h0m0s
}

// Every refusal is an error of one type.
func ExampleError() {
	url, stop := startServer()
	defer stop()
	c, err := client.New(url, client.WithPassword("alice", examplePassword))
	if err != nil {
		log.Fatal(err)
	}

	_, err = c.Key(context.Background(), "unknown")
	fmt.Println(client.IsNotFound(err), client.IsUncertain(err))
	if refusal, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(refusal.Status, refusal.Code, refusal.Fields)
	}

	// Output:
	// true false
	// 404 api_keys.key_not_found [api_key_id]
}

// Operations without a method of Client are those of the generated client. Without an error, the answer is there.
func ExampleClient_API() {
	url, stop := startServer()
	defer stop()
	c, err := client.New(url, client.WithPassword("alice", examplePassword))
	if err != nil {
		log.Fatal(err)
	}

	account, err := c.API().GetCurrentAccountWithResponse(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("all deployments trust each other:", account.JSON200.Trust.TrustAll)

	// Output:
	// all deployments trust each other: true
}

// The keys of a query are read page by page.
func ExampleClient_QueryKeys() {
	url, stop := startServer()
	defer stop()
	ctx := context.Background()
	c, err := client.New(url, client.WithPassword("alice", examplePassword))
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"backup 2", "monitoring", "backup 1"} {
		request := gen.SecurityCreateAPIKeyRequest{Name: name, Expiration: new("90d")}
		if _, err := c.CreateScopedKey(ctx, request); err != nil {
			log.Fatal(err)
		}
	}

	backups := gen.QueryAPIKeysRequest{
		Query: &gen.FreeObject{"prefix": map[string]any{"name": "backup"}},
		Sort:  "name",
		Size:  new(1),
	}
	for key, err := range c.QueryKeys(ctx, backups) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key.Name)
	}

	// Output:
	// backup 1
	// backup 2
}

// With a second factor, the client asks for a code when an operation needs elevated permissions.
func ExampleWithElevation() {
	askUser := func(context.Context) (string, error) {
		fmt.Print("Code: ")
		var code string
		_, err := fmt.Scanln(&code)
		return code, err
	}
	c, err := client.New("https://sallyport.example",
		client.WithPassword("alice", examplePassword), client.WithElevation(askUser))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c)

	// Output:
	// client of https://sallyport.example/
}

// startServer serves a database with one user. Real clients need only the address of a server.
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
	alice := user.New{Name: "alice", Roles: []string{"ece_deployment_viewer"}, Password: examplePassword}
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
