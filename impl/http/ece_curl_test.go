package http_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/http/compatibility"
)

// example is the request that ECE's documentation shows for an operation, with the values of a real user in the place
// of its placeholders.
type example struct {
	method, path, body string
	// status is that of the success, or of the difference that docs/divergences.md lists.
	status int
}

// pastePassword is the password of the platform admin paste, which needs no quotes in a shell.
const pastePassword = "wren-427-as-pasted"

// examples are in an order in which each has what it needs. The credentials are those of the user paste, and the name
// {one}, {two}, … in an example stands for the id of a key of that user.
var examples = []example{
	{"GET", "/account", "", 200},
	{"PUT", "/account", `{ "trust" : { "trust_all" : true } }`, 200},
	{"PATCH", "/account", `"{\"trust\":{\"trust_all\":true}}"`, 200},
	{"POST", "/users", `{ "email" : "anna@example.org", "full_name" : "Anna", "security" : { "enabled" : true,
		"password" : "a passphrase of anna", "roles" : [ "ece_deployment_viewer" ] }, "user_name" : "anna" }`, 200},
	{"GET", "/users", "", 200},
	{"GET", "/users/anna", "", 200},
	{"PATCH", "/users/anna", `"{\"full_name\":\"Anna A.\"}"`, 200},
	{"DELETE", "/users/anna", "", 200},
	{"GET", "/user", "", 200},
	{"PATCH", "/user", `{ "full_name" : "Paste" }`, 200},
	{"GET", "/users/auth", "", 200},
	{"GET", "/users/auth/methods", "", 200},
	{"POST", "/users/auth/_login", `{ "password" : "` + pastePassword + `", "username" : "paste" }`, 200},
	{"POST", "/users/auth/_login", `{ "login_state" : { "path" : "/deployments" }, "password" : "` + pastePassword +
		`", "username" : "paste" }`, 302},
	{"POST", "/users/auth/_logout", "", 200},
	{"POST", "/users/auth/_refresh", "", 401}, // there is no session's token
	{"POST", "/users/auth/keys", `{ "description" : "string", "expiration" : "1d" }`, 201},
	{"GET", "/users/auth/keys", "", 200},
	{"GET", "/users/auth/keys/{one}", "", 200},
	{"DELETE", "/users/auth/keys/{one}", "", 200},
	{"DELETE", "/users/auth/keys", `{ "keys" : [ "{two}" ] }`, 200},
	{"GET", "/users/auth/keys/_all", "", 200},
	{"DELETE", "/users/auth/keys/_all", `{ "user_api_keys" : [ { "api_key_id" : "{three}", "user_id" : "paste" } ] }`, 200},
	{"GET", "/users/paste/auth/keys", "", 200},
	{"GET", "/users/paste/auth/keys/{four}", "", 200},
	{"DELETE", "/users/paste/auth/keys/{four}", "", 200},
	{"DELETE", "/users/alice/auth/keys", "", 200},
}

// curlForms are the forms of the examples in the documentation of several releases. That of 2.7 to 2.11 names no type
// of the body, nor does that of the API reference of today.
var curlForms = map[string]func(e example) string{
	"2.0": func(e example) string {
		return command(e, "curl -X"+e.method+" {{hostname}}/api/v1"+e.path, "-u $CLOUD_USER:$CLOUD_KEY",
			"-H 'Content-Type: application/json'", "-d '\n")
	},
	"2.9": func(e example) string {
		return command(e, "curl -X"+e.method+" https://{{hostname}}/api/v1"+e.path, `-H "Authorization: ApiKey $ECE_API_KEY"`,
			"", "-d '\n")
	},
	"3.8": func(e example) string {
		return command(e, "curl -X"+e.method+" https://{{hostname}}/api/v1"+e.path, `-H "Authorization: ApiKey $ECE_API_KEY"`,
			"-H 'Content-Type: application/json'", "-d '\n")
	},
	"4.2": func(e example) string {
		return command(e, "curl \\\n -X "+e.method+" https://{{hostname}}/api/v1"+e.path,
			`-H "Authorization: ApiKey $ECE_API_KEY"`, "", "-d '")
	},
}

// command returns a command line of several lines. The type and the data are those of a request with a body only.
func command(e example, request, credentials, mediaType, data string) string {
	parts := []string{request, credentials}
	if e.body != "" {
		if mediaType != "" {
			parts = append(parts, mediaType)
		}
		parts = append(parts, data+e.body+"'")
	}
	return strings.Join(parts, " \\\n")
}

// Ensures that the curl examples of ECE's documentation work as pasted, in each version that a server can speak, except
// for the address and the credentials.
func TestCurl_Examples(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"curl", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the examples are not run: %v", err)
		}
	}
	for _, version := range compatibility.ECEVersions() {
		for form, write := range curlForms {
			t.Run(version+", documented for "+form, func(t *testing.T) {
				t.Parallel()
				spoken, err := compatibility.FindECE(version)
				if err != nil {
					t.Fatal(err)
				}
				w := openTuned(t, func(s *app.Settings) { s.Compatibility.ECE = spoken })
				w.addUsers()
				run := w.shell(t)
				for _, e := range examples {
					run(e, write(e))
				}
			})
		}
	}
}

// shell returns a function that runs the command line of an example.
func (w *world) shell(t *testing.T) func(e example, line string) {
	t.Helper()
	// The options that the test needs are in curl's file, so that the commands are as documented.
	home := t.TempDir()
	const options = "silent\nshow-error\nnoproxy = \"*\"\nwrite-out = \"\\n%{http_code}\"\n"
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte(options), 0o600); err != nil {
		t.Fatal(err)
	}
	n := user.New{Name: "paste", Roles: []string{string(identity.PlatformAdmin)}, Password: pastePassword}
	if _, err := w.app.Users.Add(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	paste := as(n.Name, pastePassword)
	_, key := w.newKeyOf(paste, `{"name":"of the examples"}`)
	values := []string{"https://{{hostname}}", w.url, "{{hostname}}", w.url}
	for _, name := range []string{"one", "two", "three", "four"} {
		id, _ := w.newKeyOf(paste, `{"name":"`+name+`"}`)
		values = append(values, "{"+name+"}", id)
	}
	replaced := strings.NewReplacer(values...)
	environment := append(os.Environ(), "CURL_HOME="+home, "ECE_API_KEY="+key, "CLOUD_USER=paste",
		"CLOUD_KEY="+pastePassword)

	return func(e example, line string) {
		t.Helper()
		line = replaced.Replace(line)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
		cmd.Env = environment
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v: %s", line, err, out)
		}
		body, status, _ := strings.Cut(string(out), "\n")
		if got, err := strconv.Atoi(status[strings.LastIndex(status, "\n")+1:]); err != nil || got != e.status {
			t.Errorf("%s\nanswers %s %s, want %d %s", line, status, body, e.status, http.StatusText(e.status))
		}
	}
}
