package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

const (
	killRounds   = 20
	killParallel = 200
)

// Ensures that an answer is reliable: killing the server with SIGKILL during 200 parallel key creations, 20 times,
// loses no key with an answered creation, and never corrupts the database.
func TestKill(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	s := serveStore(t, dsn)
	authorization := s.createKey(alice.basic()) // a password would be hashed per request
	all := []string{authorization}
	interrupted := 0
	for round := range killRounds {
		keys := createUntilKilled(t, s, authorization, 5+round*9)
		if n := len(keys); n > 0 && n < killParallel {
			interrupted++
		}
		checkDatabase(t, dsn)
		s = serveStore(t, dsn)
		checkKeys(t, s, keys)
		all = append(all, keys...)
		if t.Failed() {
			t.Fatalf("in round %d of %d", round+1, killRounds)
		}
	}
	checkKeys(t, s, all)
	t.Logf("%d rounds were interrupted; %d creations were answered", interrupted, len(all))
	if interrupted < killRounds*3/4 {
		t.Errorf("only %d of %d kills came while creations were under way", interrupted, killRounds)
	}
}

// creation is the outcome of creating one key, as its caller sees it.
type creation struct {
	authorization string
	err           error
}

// createUntilKilled creates keys in parallel, and kills the server when enough creations are answered. It returns the
// Authorization header of each created key.
func createUntilKilled(t *testing.T, s *process, authorization string, enough int) []string {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	api := newClient(t, s, &http.Client{Timeout: patience, Transport: transport})
	created := make(chan creation, killParallel)
	for range killParallel {
		go func() { created <- create(t.Context(), api, authorization) }()
	}
	var keys []string
	for range killParallel {
		c := <-created
		if c.err != nil {
			t.Error(c.err)
		}
		if c.authorization == "" {
			continue
		}
		if keys = append(keys, c.authorization); len(keys) == enough {
			s.signal(syscall.SIGKILL)
		}
	}
	if len(keys) < enough {
		t.Fatalf("only %d creations were answered before the kill; want %d", len(keys), enough)
	}
	s.wait()
	return keys
}

// create creates a key. A missing answer is expected from a killed server, and a busy server did nothing, so neither
// is an error; any other answer than 201 is one.
func create(ctx context.Context, api *client.ClientWithResponses, authorization string) creation {
	result, err := api.CreateAPIKeyWithResponse(ctx, client.CreateAPIKeyRequest{Description: "test"},
		authorize(authorization))
	switch {
	case err != nil, result.StatusCode() == http.StatusServiceUnavailable:
		return creation{}
	case result.JSON201 == nil || result.JSON201.Key == nil:
		return creation{err: fmt.Errorf("answered with %s: %s", result.Status(), result.Body)}
	}
	return creation{authorization: "ApiKey " + *result.JSON201.Key}
}

func newClient(t *testing.T, s *process, doer client.HttpRequestDoer) *client.ClientWithResponses {
	t.Helper()
	api, err := client.NewClientWithResponses(s.url, client.WithHTTPClient(doer))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func authorize(authorization string) client.RequestEditorFn {
	return func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", authorization)
		return nil
	}
}

// checkKeys fails the test unless each key works.
func checkKeys(t *testing.T, s *process, keys []string) {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	api := newClient(t, s, &http.Client{Timeout: patience, Transport: transport})
	for _, key := range keys {
		result, err := api.GetAuthenticationInfoWithResponse(t.Context(), authorize(key))
		if err != nil {
			t.Fatal(err)
		}
		if result.JSON200 == nil {
			t.Errorf("a created key is answered with %s: %s", result.Status(), result.Body)
		}
	}
}

// checkDatabase fails the test unless the database is intact, and each key in it has its entry in the audit trail and
// vice versa.
func checkDatabase(t *testing.T, dsn string) {
	t.Helper()
	db := openDatabase(t, dsn, "mode=ro")
	defer db.Close() //nolint:errcheck // nothing was written
	if got := scalar(t, db, `PRAGMA integrity_check`); got != "ok" {
		t.Errorf("PRAGMA integrity_check: %s", got)
	}
	for what, query := range map[string]string{
		"keys without an entry": `SELECT count(*) FROM api_keys WHERE id NOT IN (SELECT subject FROM audit_log WHERE event = 'api_key.created')`,
		"entries without a key": `SELECT count(*) FROM audit_log WHERE event = 'api_key.created' AND subject NOT IN (SELECT id FROM api_keys)`,
	} {
		if got := scalar(t, db, query); got != "0" {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// scalar returns the single value of a query, as text.
func scalar(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var value string
	if err := db.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}
