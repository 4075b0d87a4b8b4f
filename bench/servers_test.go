package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	echomiddleware "github.com/oapi-codegen/echo-middleware"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/bench/ogen"
	"github.com/sallyport/sallyport/impl/http/contract/baseline"
)

// stock returns what oapi-codegen generates by default, with the middleware that its project recommends for validation.
func stock(b *testing.B) http.Handler {
	b.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		b.Fatal(err)
	}
	document.Servers = nil
	return baseline.New(echomiddleware.OapiRequestValidatorWithOptions(document, &echomiddleware.Options{
		Options: openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}))
}

// fixed answers as the baseline does.
type fixed struct{}

// GetCurrentAccount implements ogen.Handler.
func (fixed) GetCurrentAccount(context.Context) (*ogen.AccountHeaders, error) {
	account := ogen.AccountResponse{ID: baseline.AnswerID}
	account.Trust.SetTo(ogen.AccountTrustSettings{TrustAll: true})
	return &ogen.AccountHeaders{Response: account}, nil
}

// Login implements ogen.Handler.
func (fixed) Login(context.Context, *ogen.LoginRequest) (*ogen.TokenResponse, error) {
	return &ogen.TokenResponse{Token: baseline.AnswerToken, SessionExpirationTime: baseline.Expires}, nil
}

// SecurityBulkUpdateAPIKeys implements ogen.Handler.
func (fixed) SecurityBulkUpdateAPIKeys(
	context.Context, *ogen.BulkUpdateApiKeysRequest, ogen.SecurityBulkUpdateAPIKeysParams,
) (*ogen.BulkUpdateApiKeysResponse, error) {
	return &ogen.BulkUpdateApiKeysResponse{Updated: []string{}, Noops: []string{}}, nil
}

// generatedByOgen returns the server that ogen generates, which validates requests.
func generatedByOgen(b *testing.B) http.Handler {
	b.Helper()
	server, err := ogen.NewServer(fixed{})
	if err != nil {
		b.Fatal(err)
	}
	return server
}

// bare returns a server without a framework, which reads bodies and does not look at them.
func bare(*testing.B) http.Handler {
	mux := http.NewServeMux()
	for pattern, answer := range map[string]string{
		"GET /api/v1/account": `{"id":"` + baseline.AnswerID + `","trust":{"trust_all":true}}`,
		"POST /api/v1/users/auth/_login": `{"token":"` + baseline.AnswerToken +
			`","session_expiration_time":"2026-11-28T12:00:00Z"}`,
		"POST /_security/api_key/_bulk_update": `{"updated":[],"noops":[]}`,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, answer) //nolint:errcheck // the response of a benchmark does not fail
		})
	}
	return mux
}

// bulkBody returns a bulk update of about 2 KB: the one of the package elastic's benchmark.
func bulkBody() []byte {
	const descriptor = `{"cluster":["monitor","manage_api_key"],"indices":[{"names":["logs-*","metrics-*"],` +
		`"privileges":["read","view_index_metadata"],"query":"{\"term\": {\"a\": 1}}"}],"metadata":{"team":"search","level":3}}`
	var ids, descriptors []string
	for i := range 40 {
		ids = append(ids, fmt.Sprintf(`"kV3x0Zq8mT2sB7nLw5%02d"`, i))
	}
	for i := range 5 {
		descriptors = append(descriptors, fmt.Sprintf(`"role-%d":%s`, i, descriptor))
	}
	return fmt.Appendf(nil, `{"ids":[%s],"role_descriptors":{%s},"metadata":{"release":"2026-11","tags":["x","y"]},"expiration":"30d"}`,
		strings.Join(ids, ","), strings.Join(descriptors, ","))
}

// BenchmarkValidation compares other servers with the baseline, as the packages ece and elastic compare this one.
func BenchmarkValidation(b *testing.B) {
	exchanges := map[string]baseline.Exchange{
		"GET account": baseline.NewExchange(http.MethodGet, "/api/v1/account", nil),
		"login": baseline.NewExchange(http.MethodPost, "/api/v1/users/auth/_login",
			[]byte(`{"username":"alice","password":"correct horse battery staple"}`)),
		"bulk update": baseline.NewExchange(http.MethodPost, "/_security/api_key/_bulk_update", bulkBody()),
	}
	servers := map[string]func(*testing.B) http.Handler{"stock": stock, "ogen": generatedByOgen, "bare": bare}
	for name, exchange := range exchanges {
		for kind, server := range servers {
			b.Run(name+"/"+kind, func(b *testing.B) { baseline.Compare(b, server(b), baseline.New(), exchange) })
		}
	}
}
