// Command service shows a service that verifies the API keys and session tokens of its callers.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/client"
)

func main() {
	sallyport, err := client.New(os.Getenv("SALLYPORT_URL"), client.WithAPIKey(os.Getenv("SERVICE_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		Handler:           requireCredential(sallyport, http.HandlerFunc(hello)),
		ReadHeaderTimeout: 5 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}

// callerKey is the key of the caller, a *gen.Introspection, in a request's context.
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
	_, _ = fmt.Fprintf(w, "hello %s, with the roles %v\n", *caller.Username, *caller.Roles)
}
