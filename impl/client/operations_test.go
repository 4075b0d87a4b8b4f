package client_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/impl/client"
)

// unrepeatable are the operations with GET, PUT or DELETE that must not be sent again once they may have been carried
// out, and repeated those with other methods that may.
var (
	unrepeatable = []string{
		"saml-single-logout", "security-create-api-key-put", "security-grant-api-key-put", "security-change-own-password",
		"security-change-password", "security-clone-api-key-put", "security-create-service-token-put",
		"security-update-user-profile-data",
	}
	repeated = []string{
		"login", "refresh-token", "logout", "security-query-api-keys", "security-query-roles", "security-query-users",
		"security-has-privileges",
		"security-has-user-privileges", "security-clear-api-key-cache", "security-has-privileges-user-profile",
		"security-suggest-user-profiles", "introspect-token", "introspect-tokens",
	}
	// harmless are operations with POST that change nothing.
	harmless = []string{
		"security-query-api-keys", "security-query-roles", "security-query-users", "security-has-privileges",
		"security-has-user-privileges", "security-has-privileges-user-profile", "security-suggest-user-profiles",
		"introspect-token", "introspect-tokens",
	}
)

// mustNotRepeat are words of operations that create something, or take something that works once.
var mustNotRepeat = []string{"create", "grant", "password", "enroll", "confirm", "enable-elevated", "get-token"}

// Ensures that the client's traits of operations are those of the contract, and that it creates nothing twice.
func TestOperations_Contract(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromFile("../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	patterns, ids := map[string]bool{}, map[string]bool{}
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			patterns[method+" "+path], ids[op.OperationID] = true, true
			t.Run(op.OperationID, func(t *testing.T) {
				got := client.TraitOf(method, strings.NewReplacer("{", "", "}", "").Replace(path))
				safe := method == http.MethodGet || method == http.MethodHead
				idempotent := safe || method == http.MethodPut || method == http.MethodDelete
				want := idempotent && !slices.Contains(unrepeatable, op.OperationID) ||
					slices.Contains(repeated, op.OperationID)
				if got.Repeatable != want {
					t.Errorf("repeatable: %t; want %t", got.Repeatable, want)
				}
				reads := safe && op.OperationID != "saml-single-logout" || slices.Contains(harmless, op.OperationID)
				if got.Reads != reads {
					t.Errorf("reads: %t; want %t", got.Reads, reads)
				}
				if public := op.Security != nil && len(*op.Security) == 0; got.Public != public {
					t.Errorf("public: %t; want %t", got.Public, public)
				}
				if !safe && got.Repeatable && slices.ContainsFunc(mustNotRepeat, func(word string) bool {
					return strings.Contains(op.OperationID, word)
				}) {
					t.Error("this must not be sent twice")
				}
			})
		}
	}

	for _, pattern := range client.Exceptions() {
		if !patterns[pattern] {
			t.Errorf("the contract has no operation %s", pattern)
		}
	}
	for _, id := range slices.Concat(unrepeatable, repeated, harmless) {
		if !ids[id] {
			t.Errorf("the contract has no operation %s", id)
		}
	}
}

// Ensures that the client lets the limits of the contract stand: the server says of 503 that it has done nothing.
func TestOperations_Overloaded(t *testing.T) {
	text, err := os.ReadFile("../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "The server is busy and has turned this request away before doing anything.") {
		t.Error("the contract no longer says that a request which is answered with 503 had no effect")
	}
}
