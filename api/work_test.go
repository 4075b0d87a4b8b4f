package api_test

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

const workExtension = "x-work"

// revoking matches the operations that take access away.
var revoking = regexp.MustCompile(`delete|invalidate|disable|logout`)

// notRevoking are the operations that would match, but give no access that could be taken away: SAML's logout is
// between identity providers and browsers without credentials, a device is a second factor, without which its user can
// do less, and the user of a disabled profile can do as much as before.
var notRevoking = []string{
	"saml-single-logout", "remove-totp-device", "security-disable-user-profile", "security-disable-user-profile-post",
}

// work checks the work class of an operation: one that takes access away is a revocation, one that lists stored
// records is heavy, and one without credentials has no class, because it is in that of its client's address.
func (l *linter) work(op operation) {
	class, given := op.Extensions[workExtension]
	revokes := (op.method == http.MethodDelete || revoking.MatchString(op.OperationID)) &&
		!slices.Contains(notRevoking, op.OperationID)
	switch {
	case given && class != "heavy" && class != "revocation":
		l.problem(op.place(), "%s is %v, and not heavy or revocation", workExtension, class)
	case given && op.public():
		l.problem(op.place(), "%s is for operations with credentials", workExtension)
	case revokes != (class == "revocation"):
		l.problem(op.place(), "%s is %v; whether it takes access away: %t", workExtension, class, revokes)
	case !revokes && class != "heavy" && !op.public() && listsRecords(op):
		l.problem(op.place(), "it lists records, and %s is not heavy", workExtension)
	}
}

// listsRecords reports whether an operation reads and its answer is, or has at its top, a list or a map of objects.
func listsRecords(op operation) bool {
	if op.method != http.MethodGet {
		return false
	}
	response := op.Responses.Value("200")
	if response == nil || response.Value.Content[jsonBody] == nil {
		return false
	}
	schema := response.Value.Content[jsonBody].Schema.Value
	if holdsObjects(schema) {
		return true
	}
	for _, property := range schema.Properties {
		if holdsObjects(property.Value) && property.Value.MaxItems == nil {
			return true
		}
	}
	return false
}

func holdsObjects(schema *openapi3.Schema) bool {
	part := schema.Items
	if part == nil {
		part = schema.AdditionalProperties.Schema
	}
	return part != nil && part.Value.Type.Is(openapi3.TypeObject)
}

// Ensures that each rule of work classes notices what it forbids.
func TestLint_Work(t *testing.T) {
	const list, remove, login = "GET /api/v1/users", "DELETE /api/v1/users/{user_name}", "POST /api/v1/users/auth/_login"
	set := func(place string, class any) func(*openapi3.T) {
		return func(d *openapi3.T) {
			op := find(d, place)
			if op.Extensions = map[string]any{workExtension: class}; class == nil {
				op.Extensions = nil
			}
		}
	}
	notices(t, []mutation{
		{"an unknown class", set(list, "large"), list + ": x-work is large, and not heavy or revocation"},
		{"a public operation", set(login, "heavy"), login + ": x-work is for operations with credentials"},
		{"a list that is light", set(list, nil), list + ": it lists records, and x-work is not heavy"},
		{"a revocation that is heavy", set(remove, "heavy"),
			remove + ": x-work is heavy; whether it takes access away: true"},
		{"a read that is a revocation", set(list, "revocation"),
			list + ": x-work is revocation; whether it takes access away: false"},
	})
}
