package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/api"
)

// visit is a call, and its answer without a fault.
type visit struct {
	call
	operation string
	status    int
}

var parameters = regexp.MustCompile(`\{[a-z_]+\}`)

// required are bodies that Elasticsearch's operations read first. They change nothing that other calls need.
var required = map[string]string{
	"security-create-api-key": `{"name":"x"}`, "security-invalidate-api-keys": `{"ids":["x"]}`,
	"security-bulk-update-api-keys": `{"ids":["x"]}`,

	"security-create-cross-cluster-api-key": `{"name":"x","access":{"search":[{"names":["x"]}]}}`,
	"security-update-cross-cluster-api-key": `{"metadata":{}}`,
	"security-clone-api-key":                `{"api_key":"eDp4","name":"x"}`,

	"security-grant-api-key":  `{"grant_type":"access_token","access_token":"x","api_key":{"name":"x"}}`,
	"security-has-privileges": `{"cluster":["monitor"]}`, "security-has-user-privileges": `{"cluster":["monitor"]}`,
	"security-change-password": `{"password":"wren-427 wren"}`, "security-put-role": `{}`,
	"security-put-role-mapping": `{"enabled":false,"roles":["nothing"],"rules":{"any":[]}}`,
	"security-bulk-put-roles":   `{"roles":{"created":{}}}`, "security-bulk-delete-roles": `{"names":["missing"]}`,
	"security-put-user":         `{"roles":[]}`,
	"security-put-privileges":   `{"application":{"nothing":{"actions":["data:nothing"]}}}`,
	"security-invalidate-token": `{"token":"x"}`,
	"introspect-tokens":         `{"tokens":["eDp4"]}`,

	"security-activate-user-profile":       `{"grant_type":"access_token","access_token":"x"}`,
	"security-update-user-profile-data":    `{"data":{"x":1}}`,
	"security-has-privileges-user-profile": `{"uids":["x"],"privileges":{"cluster":["monitor"]}}`,
}

// apart are the operations that would invalidate the calling credentials or change their user, or that identify their
// caller in another way.
var apart = []string{
	"logout", "refresh-token", "disable-elevated-permissions", "delete-users-api-keys", "get-totp-device",
	"enroll-totp-device", "remove-totp-device",
	"login", "security-get-token", "security-saml-authenticate", "security-saml-invalidate", "security-saml-logout",
	"security-saml-prepare-authentication", "security-saml-service-provider-metadata", "saml-init",
	"saml-callback", "saml-token", "saml-single-logout", "saml-metadata",
}

// visits are calls of all operations, with each of the credentials, about objects that do not exist.
func (r *fleet) visits(authorizations ...string) []visit {
	r.Helper()
	contract, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		r.Fatal(err)
	}
	var all []visit
	for path, item := range contract.Paths.Map() {
		for method, operation := range item.Operations() {
			id := operation.OperationID
			if slices.Contains(apart, id) {
				continue
			}
			body := required[regexp.MustCompile("-(get|put|post)$").ReplaceAllString(id, "")]
			name := "missing"
			if method == http.MethodPut || method == http.MethodPost {
				name = "created" // no other call reads what this one creates
			}
			for _, authorization := range authorizations {
				c := call{method: method, path: parameters.ReplaceAllString(path, name), authorization: authorization, body: body}
				all = append(all, visit{call: c, operation: id})
			}
		}
	}
	for i := range all {
		all[i].status = r.visit(0, &all[i]).status
	}
	return all
}

// visit makes the call at a server.
func (r *fleet) visit(server int, v *visit) reply {
	r.Helper()
	answer, err := r.caller.send(r.Context(), r.server(server).url, v.call)
	if err != nil {
		r.Fatalf("%s at server %d: %v", v.operation, server, err)
	}
	return answer
}

// recordless are the operations that need no records after authentication, or that have none.
var recordless = []string{
	"methods", "sign-in-page", "info", "ping", "get-authentication-info", "security-authenticate", "cluster-health",
	"security-get-builtin-privileges", "security-get-settings", "get-signing-keys",
	"introspect-token",               // takes a form, and JSON is refused before
	"security-activate-user-profile", // of a token that is none
}

// excused reports whether an answer is right without a store. The caller and its privileges may be cached.
func (v *visit) excused(answer reply) bool {
	switch answer.status {
	case http.StatusBadGateway:
		return v.method == http.MethodHead || saysStoreFailed(v.path, answer)
	case http.StatusBadRequest, http.StatusForbidden:
		return answer.status == v.status
	}
	return answer.status == v.status && slices.Contains(recordless, v.operation)
}

// outage repeats all calls until a moment. It returns the number of answers that say that the store failed, and the
// longest duration of a call.
func (r *fleet) outage(visits []visit, until time.Time) (refused int, slowest time.Duration) {
	r.Helper()
	for n := 0; time.Now().Before(until) || n < 2*len(visits); n++ {
		v := &visits[n%len(visits)]
		began := time.Now()
		answer := r.visit(n/len(visits), v)
		slowest = max(slowest, time.Since(began))
		if !v.excused(answer) {
			r.Fatalf("without a store %s, with %s, is answered with %d %s; it was %d", v.operation, kindOf(v.authorization),
				answer.status, answer.body, v.status)
		}
		if answer.status == http.StatusBadGateway {
			refused++
		}
	}
	return refused, slowest
}

func kindOf(authorization string) string { return strings.Fields(authorization + " nothing")[0] }

// recovered fails the test unless every call is answered as before.
func (r *fleet) recovered(visits []visit) {
	r.Helper()
	for i := range r.servers {
		for n := range visits {
			if answer := r.visit(i, &visits[n]); answer.status != visits[n].status {
				r.Errorf("at server %d %s is answered with %d %s; it was %d", i, visits[n].operation, answer.status, answer.body,
					visits[n].status)
			}
		}
	}
}
