package http_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
)

// A reply is what one of Elasticsearch's operations answered.
type reply struct {
	*world
	request  string
	response *http.Response
	body     string
}

// es makes a request of one of Elasticsearch's operations, which is written as method, blank and path.
func (w *world) es(caller client.RequestEditorFn, request, body string, editors ...client.RequestEditorFn) reply {
	w.Helper()
	method, path, _ := strings.Cut(request, " ")
	response, text := w.do(method, path, body, append([]client.RequestEditorFn{caller}, editors...)...)
	return reply{w, request + " " + body, response, text}
}

// ok fails the test unless the request succeeded, and returns the answer.
func (r reply) ok() map[string]any {
	r.Helper()
	if r.response.StatusCode != http.StatusOK {
		r.Fatalf("%s: %d %s", r.request, r.response.StatusCode, r.body)
	}
	return object(r.T, r.body)
}

// is fails the test unless the request was answered with that status and exactly that JSON.
func (r reply) is(status int, want string) {
	r.Helper()
	if got := spelled(r.T, r.body); r.response.StatusCode != status || got != spelled(r.T, want) {
		r.Errorf("%s: %d %s, want %d %s", r.request, r.response.StatusCode, got, status, want)
	}
}

// fails fails the test unless the request failed so. A reason that ends in … goes on.
func (r reply) fails(status int, kind, reason string) {
	r.Helper()

	var failure struct {
		Error  struct{ Type, Reason string }
		Status int
	}
	if err := json.Unmarshal([]byte(r.body), &failure); err != nil {
		r.Fatalf("%s: %d %s is no failure: %v", r.request, r.response.StatusCode, r.body, err)
	}

	beginning, open := strings.CutSuffix(reason, "…")
	fits := failure.Error.Reason == reason || open && strings.HasPrefix(failure.Error.Reason, beginning)
	if r.response.StatusCode != status || failure.Status != status || failure.Error.Type != kind || !fits {
		r.Errorf("%s: %d %s: %s\nwant %d %s: %s", r.request, r.response.StatusCode, failure.Error.Type, failure.Error.Reason,
			status, kind, reason)
	}
}

// Elasticsearch's types of failures.
const (
	parseException   = "parse_exception"
	xcontentParse    = "x_content_parse_exception"
	illegalArgument  = "illegal_argument_exception"
	requestInvalid   = "action_request_validation_exception"
	validationFailed = "validation_exception"
	securityDenied   = "security_exception"
	resourceNotFound = "resource_not_found_exception"
)

// invalid returns the reason of an invalid request.
func invalid(messages ...string) string {
	text := "Validation Failed: "
	for i, message := range messages {
		text += fmt.Sprintf("%d: %s;", i+1, message)
	}
	return text
}

// denied is the reason why a subject may not take an action on API keys.
func denied(action, subject, grantedBy string) string {
	return "action [cluster:admin/xpack/security/api_key/" + action + "] is unauthorized for " + subject +
		", this action is granted by the cluster privileges [" + grantedBy + "]"
}

// object reads JSON and keeps numbers as they are written.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return members
}

// spelled is the one spelling of a JSON object.
func spelled(t *testing.T, text string) string {
	t.Helper()
	return asJSON(object(t, text))
}

// native adds a user with roles of either kind, and returns the credentials.
func (w *world) native(name string, roles ...string) client.RequestEditorFn {
	w.Helper()
	founder, password := identity.Principal{
		User:    user.Admin,
		Builtin: true,
		Roles:   []identity.Role{identity.PlatformAdmin},
	}, passwordOf(name)
	n := user.Native{Password: &password, Roles: append([]string{}, roles...), Enabled: true}
	if _, err := w.app.Users.PutNative(w.Context(), founder, name, n, user.Proof{}); err != nil {
		w.Fatal(err)
	}
	return as(name, password)
}

func passwordOf(name string) string { return name + "'s own passphrase" }

// role defines a role.
func (w *world) role(name, descriptor string) {
	w.Helper()
	w.es(bob, "PUT /_security/role/"+name, descriptor).ok()
}

// runAs sends a request on another user's behalf.
func runAs(name string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("es-security-runas-user", name)
		return nil
	}
}

// both makes two edits one.
func both(first, second client.RequestEditorFn) client.RequestEditorFn {
	return func(ctx context.Context, r *http.Request) error { return errors.Join(first(ctx, r), second(ctx, r)) }
}

// A credential is a new API key.
type credential struct{ id, encoded string }

func (c credential) editor() client.RequestEditorFn { return apiKey(c.encoded) }

// esKey creates a key in Elasticsearch's view.
func (w *world) esKey(caller client.RequestEditorFn, body string) credential {
	w.Helper()
	return created(w.es(caller, "POST /_security/api_key", body).ok())
}

func created(answer map[string]any) credential {
	id, _ := answer["id"].(string)
	encoded, _ := answer["encoded"].(string)
	return credential{id, encoded}
}

// shownKey is a key as a list of one shows it.
func (w *world) shownKey(caller client.RequestEditorFn, id, more string) map[string]any {
	w.Helper()
	keys, _ := w.es(caller, "GET /_security/api_key?id="+id+more, "").ok()["api_keys"].([]any)
	if len(keys) != 1 {
		w.Fatalf("there are %d keys %s", len(keys), id)
	}
	key, _ := keys[0].(map[string]any)
	return key
}

// names are the names of the keys in an answer, in order.
func names(answer map[string]any) string {
	keys, _ := answer["api_keys"].([]any)
	var list []string
	for _, each := range keys {
		key, _ := each.(map[string]any)
		name, _ := key["name"].(string)
		list = append(list, name)
	}
	return strings.Join(list, " ")
}
