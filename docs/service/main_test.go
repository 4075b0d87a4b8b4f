package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// Ensures that the service accepts an API key and a session token until they are revoked, refuses other credentials,
// and lets no request pass that it cannot check.
func TestService(t *testing.T) {
	s := sallyporttest.New(t)
	own := s.Key(s.User("my-service", "ece_platform_viewer")) // the service's own key, with which it asks
	sallyport, err := client.New(s.URL, client.WithAPIKey(own.Encoded))
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(requireCredential(sallyport, http.HandlerFunc(hello)))
	t.Cleanup(service.Close)
	want := func(status int, authorization string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, service.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close() //nolint:errcheck // not read
		if response.StatusCode != status {
			t.Errorf("the service answers %d, want %d", response.StatusCode, status)
		}
	}

	user := s.User("alice", "ece_deployment_viewer")
	key := s.Key(user)
	alice, err := client.New(s.URL, client.WithPassword(user.Name, user.Password))
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := alice.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want(http.StatusOK, "ApiKey "+key.Encoded)
	want(http.StatusOK, "Bearer "+token)
	want(http.StatusUnauthorized, "Bearer "+key.Encoded)
	want(http.StatusUnauthorized, user.Authorization()) // a password
	want(http.StatusUnauthorized, "")

	if err := alice.DeleteKey(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	want(http.StatusUnauthorized, "ApiKey "+key.Encoded) // at once
	want(http.StatusOK, "Bearer "+token)
	if err := alice.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(http.StatusUnauthorized, "Bearer "+token)

	s.Fail("introspect-token", sallyporttest.Status(http.StatusForbidden))
	want(http.StatusServiceUnavailable, "Bearer "+token)
}
