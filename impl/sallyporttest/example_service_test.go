package sallyporttest_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// callerKey is the key of the caller in a request's context.
type callerKey struct{}

// requireCredential passes requests on that have a valid API key or session token. It asks the server about each one,
// so a revocation is effective at the next request.
func requireCredential(sallyport *client.Client, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, credential, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "ApiKey") && !strings.EqualFold(scheme, "Bearer") { // passwords are sent nowhere
			refuse(w)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		answer, err := sallyport.API().IntrospectTokenWithFormdataBodyWithResponse(ctx,
			gen.IntrospectionRequest{Token: credential})
		if err != nil || answer.JSON200 == nil { // not known to be valid, so it must not pass
			log.Print("sallyport: ", err) // such as a wrong service key, or a certificate of an unknown authority
			http.Error(w, "credentials cannot be checked now", http.StatusServiceUnavailable)
			return
		}

		caller := answer.JSON200
		if !caller.Active || !strings.EqualFold(scheme, string(*caller.TokenType)) {
			refuse(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
	})
}

func refuse(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", "ApiKey, Bearer")
	http.Error(w, "the credentials are not valid", http.StatusUnauthorized)
}

// hello greets the caller.
func hello(w http.ResponseWriter, r *http.Request) {
	caller, _ := r.Context().Value(callerKey{}).(*gen.Introspection)
	_, _ = fmt.Fprintf(w, "hello %s, with the roles %v", *caller.Username, *caller.Roles)
}

// A service that verifies keys, tested against a server.
func Example_service() {
	t := &exampleT{} // in a test: func TestX(t *testing.T)
	defer t.end()

	s := sallyporttest.New(t)
	own := s.Key(s.User("my-service", "ece_platform_viewer")) // the service's own key, with which it asks
	sallyport, err := client.New(s.URL, client.WithAPIKey(own.Encoded))
	if err != nil {
		log.Fatal(err)
	}
	service := httptest.NewServer(requireCredential(sallyport, http.HandlerFunc(hello)))
	defer service.Close()

	call := func(authorization string) {
		r, err := http.NewRequest(http.MethodGet, service.URL, nil)
		if err != nil {
			log.Fatal(err)
		}
		r.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			log.Fatal(err)
		}
		defer response.Body.Close() //nolint:errcheck // it was read
		text, err := io.ReadAll(response.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(response.StatusCode, strings.TrimSpace(string(text)))
	}

	alice := s.User("alice", "ece_deployment_viewer")
	key := s.Key(alice, sallyporttest.ExpiresIn(time.Hour))
	call(key.Authorization())
	call("Bearer " + key.Encoded)
	s.Clock.Advance(time.Hour)
	call(key.Authorization())
	// Output:
	// 200 hello alice, with the roles [ece_deployment_viewer]
	// 401 the credentials are not valid
	// 401 the credentials are not valid
}
