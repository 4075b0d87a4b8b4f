package http_test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
)

const matrixFile = "testdata/matrix.txt"

var update = flag.Bool("update", false, "write "+matrixFile+" again")

// credentials are the columns of the matrix.
var credentials = []string{"none", "session", "elevated", "basic", "key"}

// roleSets are all single roles, and one that two roles make.
var roleSets = []string{
	string(identity.DeploymentManager), string(identity.DeploymentViewer),
	string(identity.DeploymentViewer) + "+" + string(identity.PlatformViewer),
	string(identity.PlatformAdmin), string(identity.PlatformViewer),
}

// A call is what a cell of the matrix is about.
type call struct {
	device                      bool
	operation, role, credential string
}

// A result is what came of a call.
type result struct{ outcome, link, body string }

// outcome names an answer as the matrix does.
func outcome(response *http.Response, body string) string {
	switch code := response.Header.Get("x-cloud-error-codes"); {
	case response.StatusCode == http.StatusUnauthorized && strings.Contains(body, "authenticate with the access token"):
		return "in" // of the user in the body
	case response.StatusCode == http.StatusUnauthorized:
		return "401"
	case response.Header.Get("X-Elastic-Product") != "":
		return elasticsearchOutcome(response, body)
	case response.StatusCode == http.StatusForbidden && code == "root.unauthorized.rbac":
		return "403"
	case response.StatusCode == http.StatusForbidden:
		return "proof"
	case response.StatusCode == 449:
		return "449"
	}

	return "in"
}

// elasticsearchOutcome is outcome where the status of all refusals is the same, and only the reason tells them apart.
func elasticsearchOutcome(response *http.Response, body string) string {
	switch {
	case response.StatusCode != http.StatusForbidden:
		return "in"
	case strings.Contains(body, "elevated permissions"):
		return "449"
	case strings.Contains(body, "is unauthorized"):
		return "403"
	}
	return "in" // refused because of the request, not because of its caller
}

// lasting are the operations that change what later calls need, even as they are called here. Each of their cells has a
// user to itself.
var lasting = map[string]bool{
	"logout":                       true,
	"refresh-token":                true,
	"disable-elevated-permissions": true,
	"enroll-totp-device":           true,
	"remove-totp-device":           true,
}

// callers makes users with credentials, once for all calls that leave no traces.
type callers struct {
	*world
	made   int
	shared map[call]client.RequestEditorFn
}

// of returns the credential for a call, and whether there is such a credential.
func (c *callers) of(wanted call) (client.RequestEditorFn, bool) {
	c.Helper()

	switch {
	case wanted.credential == "none":
		return authorization(""), true
	case wanted.credential == "elevated" && !wanted.device:
		return nil, false
	case lasting[wanted.operation]:
		return c.make(wanted), true
	}

	wanted.operation = ""
	if c.shared[wanted] == nil {
		c.shared[wanted] = c.make(wanted)
	}

	return c.shared[wanted], true
}

// make adds a user with one credential.
func (c *callers) make(wanted call) client.RequestEditorFn {
	c.Helper()

	c.made++
	name := fmt.Sprintf("%s-%d", strings.ReplaceAll(wanted.role, "+", "-"), c.made)
	_, err := c.app.Users.Add(c.Context(), user.New{
		Name:     name,
		Roles:    strings.Split(wanted.role, "+"),
		Password: alicePassword,
	})
	if err != nil {
		c.Fatal(err)
	}

	basic := as(name, alicePassword)
	var key client.APIKeyResponse
	if wanted.credential == "key" {
		key = c.newKey(basic, "a key", "")
	}

	var codes []string
	if wanted.device {
		if _, codes, err = c.app.Elevation.Provision(c.Context(), name); err != nil {
			c.Fatal(err)
		}
	}

	switch wanted.credential {
	case "session":
		return bearer(c.login(name, alicePassword))
	case "elevated":
		return bearer(c.raise(c.login(name, alicePassword), codes[0]))
	case "key":
		return apiKey(*key.Key)
	}

	return basic
}

// raise exchanges a token for an elevated one.
func (w *world) raise(token, code string) string {
	w.Helper()
	r, err := w.client.EnableElevatedPermissionsWithResponse(w.Context(), client.ElevatePermissionsRequest{Token: &code},
		bearer(token))
	if err != nil || r.JSON200 == nil {
		w.Fatalf("elevation: %v %v", r, err)
	}
	return r.JSON200.Token
}

// route is where an operation is, and a body that makes it fail once the caller is let in; empty if it takes none.
type route struct{ method, path, body string }

// elasticsearch reports whether a route is one of Elasticsearch's.
func (r route) elasticsearch() bool { return isElasticsearch(r.path) }

// unknownNames replaces the parameters of paths by ids and names that do not exist.
var unknownNames = strings.NewReplacer(
	"{user_id}", "unknown", "{user_name}", "unknown", "{api_key_id}", "x",
	"{id}", "x", "{ids}", "x", "{username}", "unknown", "{name}", "unknown", "{application}", "unknown", "{privilege}",
	"unknown", "{namespace}", "unknown", "{service}", "unknown", "{uid}", "unknown",
)

// routes returns the routes of all operations, with ids that do not exist.
func routes() map[string]route {
	all := map[string]route{}
	for path, item := range contract.Paths.Map() {
		for method, op := range item.Operations() {
			r := route{method: method, path: unknownNames.Replace(path)}
			if op.RequestBody != nil && op.RequestBody.Value.Required {
				r.body = "{"
			}
			if op.OperationID == "saml-single-logout" { // without a query it answers as to wrong credentials
				r.path += "?RelayState=" + strings.Repeat("x", 81)
			}
			if r.elasticsearch() {
				r.body = harmless[oneOfTwoMethods.ReplaceAllString(op.OperationID, "")]
			}
			all[op.OperationID] = r
		}
	}

	return all
}

// harmless are bodies of Elasticsearch's operations, which validate the request before the caller's privileges: a body
// is valid, and fails or has no lasting effect once the caller is authorized. Operations with two methods are listed
// once.
var harmless = map[string]string{
	"security-create-api-key":       `{"name":"x"}`,
	"security-invalidate-api-keys":  `{"ids":["x"]}`,
	"security-bulk-update-api-keys": `{"ids":["x"]}`,

	"security-create-cross-cluster-api-key": `{"name":"x","access":{"search":[{"names":["x"]}]}}`,
	"security-update-cross-cluster-api-key": `{"metadata":{}}`,
	"security-clone-api-key":                `{"api_key":"eDp4","name":"x"}`,

	"security-grant-api-key":               `{"grant_type":"access_token","access_token":"x","api_key":{"name":"x"}}`,
	"security-has-privileges":              `{"cluster":["monitor"]}`,
	"security-has-user-privileges":         `{"cluster":["monitor"]}`,
	"security-change-own-password":         `{"password":"short"}`,
	"security-change-password":             `{"password":"wren-427 wren"}`,
	"security-put-user":                    `{"roles":[]}`,
	"security-put-role":                    `{}`,
	"security-saml-prepare-authentication": `{"realm":"x"}`,
	"security-saml-authenticate":           `{"content":"x","ids":[]}`,
	"security-saml-logout":                 `{"token":"x"}`,
	"security-saml-invalidate":             `{"realm":"x","query_string":"x"}`,

	"security-put-role-mapping":  `{"enabled":false,"roles":["nothing"],"rules":{"any":[]}}`,
	"security-bulk-put-roles":    `{"roles":{}}`,
	"security-bulk-delete-roles": `{"names":["x"]}`,
	"security-put-privileges":    `{"unknown":{"nothing":{"actions":["data:nothing"]}}}`,
	"security-get-token":         `{"grant_type":"refresh_token","refresh_token":"x"}`,
	"security-invalidate-token":  `{"token":"x"}`,

	"security-activate-user-profile":       `{"grant_type":"access_token","access_token":"x"}`,
	"security-update-user-profile-data":    `{"data":{"x":1}}`,
	"security-has-privileges-user-profile": `{"uids":["x"],"privileges":{"cluster":["monitor"]}}`,
}

var oneOfTwoMethods = regexp.MustCompile("-(get|put|post)$")

// operations are all operations, ECE's first.
func operations() []string {
	all := routes()
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if other := all[a].elasticsearch(); other != all[b].elasticsearch() {
			return map[bool]int{false: -1, true: 1}[other]
		}
		return strings.Compare(a, b)
	})
}

// walk makes every call there is.
func (w *world) walk() map[call]result {
	w.Helper()

	all := map[call]result{}
	users := &callers{world: w, shared: map[call]client.RequestEditorFn{}}
	for operation, route := range routes() {
		for _, role := range roleSets {
			for _, device := range []bool{true, false} {
				for _, credential := range credentials {
					c := call{device, operation, role, credential}
					if caller, ok := users.of(c); ok {
						response, body := w.do(route.method, route.path, route.body, caller)
						all[c] = result{outcome(response, body), response.Header.Get("Link"), body}
					}
				}
			}
		}
	}

	return all
}

const matrixHeader = `# The outcome of each operation for each role and kind of credentials, under the policy "enrolled".
#
#   401    the credentials are not accepted, or the operation accepts session tokens only
#   403    the roles do not include the operation
#   449    the caller must elevate its permissions first
#   proof  403 because a recent password or the second factor is missing
#   in     authorized; the request may still fail after that
#   -      no such credentials: a user without a second factor cannot have elevated permissions
#
# Elasticsearch's operations are the last ones. Their status is 403 also where this says 449, and they require elevated
# permissions before they compare privileges. A caller that may manage its own keys only is authorized for requests
# about those; the requests here are about all keys, or about keys that do not exist.
#
# To write this file again: go test ./impl/http -run TestMatrix -update
`

// render writes the matrix: a block for users with a second factor, and one for users without.
func render(all map[call]result) string {
	var text strings.Builder
	text.WriteString(matrixHeader)
	for _, device := range []bool{true, false} {
		factor := map[bool]string{true: "with", false: "without"}[device]
		fmt.Fprintf(&text, "\n# Users %s a second factor.\n", factor)
		writeLine(&text, "# operation", "role", "factor", credentials)
		for _, operation := range operations() {
			for _, role := range roleSets {
				var cells []string
				for _, credential := range credentials {
					cell := all[call{device, operation, role, credential}].outcome
					if cell == "" {
						cell = "-"
					}
					cells = append(cells, cell)
				}
				writeLine(&text, operation, role, factor, cells)
			}
		}
	}

	return text.String()
}

func writeLine(text *strings.Builder, operation, role, factor string, cells []string) {
	line := fmt.Sprintf("%-39s%-44s%-9s", operation, role, factor)
	for _, cell := range cells {
		line += fmt.Sprintf("%-10s", cell)
	}
	text.WriteString(strings.TrimRight(line, " ") + "\n")
}

// difference lists the lines that only one of two texts has, those of the first with a minus.
func difference(want, got string) string {
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	var lines []string
	for _, line := range wanted {
		if !slices.Contains(gotten, line) {
			lines = append(lines, line+"\x00-")
		}
	}

	for _, line := range gotten {
		if !slices.Contains(wanted, line) {
			lines = append(lines, line+"\x00+")
		}
	}

	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(subject(a), subject(b)) })
	var text strings.Builder
	for _, line := range lines {
		line, sign, _ := strings.Cut(line, "\x00")
		text.WriteString("\n" + sign + " " + line)
	}

	return text.String()
}

// subject is the part of a line that says what it is about.
func subject(line string) string {
	fields := strings.Fields(line)
	return strings.Join(fields[:min(3, len(fields))], " ")
}

// Ensures that every operation admits exactly the roles and kinds of credential that the file lists, and checks facts
// that a wrong file could hide.
func TestMatrix(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	all := w.walk()
	got := render(all)
	if *update {
		if err := os.WriteFile(matrixFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	want, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("admitted callers differ from %s (-), got (+); if the change is intended, write the file with -update:%s",
			matrixFile, difference(string(want), got))
	}

	w.factsOfElevation(all)
	w.factsOfRoles(all)
	w.factsOfPermissions(all)
}
