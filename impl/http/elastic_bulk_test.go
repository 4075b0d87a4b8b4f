package http_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

const (
	keysURL  = "/_security/api_key"
	bulkURL  = keysURL + "/_bulk_update"
	queryURL = "/_security/_query/api_key"
	grantURL = keysURL + "/grant"
)

// newKeyOf makes a key by Elasticsearch's operation, and returns its id and what its holder sends.
func (w *world) newKeyOf(caller client.RequestEditorFn, body string) (id, encoded string) {
	w.Helper()
	response, text := w.do(http.MethodPost, keysURL, body, caller)
	var made struct{ ID, Encoded string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || response.StatusCode != http.StatusOK {
		w.Fatalf("creation of a key: %d %s", response.StatusCode, text)
	}
	return made.ID, made.Encoded
}

// must makes a request that has to succeed, and returns the answer.
func (w *world) must(method, path, body string, editors ...client.RequestEditorFn) string {
	w.Helper()
	response, text := w.do(method, path, body, editors...)
	if response.StatusCode != http.StatusOK {
		w.Fatalf("%s %s with %s is answered with %d %s", method, path, body, response.StatusCode, text)
	}
	return text
}

// newUser adds a user with roles of Elasticsearch's, and returns how that user authenticates.
func (w *world) newUser(name string, roles ...string) client.RequestEditorFn {
	w.Helper()
	password := name + "'s own passphrase"
	w.must(http.MethodPut, "/_security/user/"+name, fmt.Sprintf(`{"password":%q,"roles":%s}`, password, asJSON(roles)),
		bob)
	return as(name, password)
}

// newRole defines a role with cluster privileges.
func (w *world) newRole(name string, cluster ...string) {
	w.Helper()
	w.must(http.MethodPut, "/_security/role/"+name, `{"cluster":`+asJSON(cluster)+`}`, bob)
}

// shownKeys returns keys as their owner sees them, with the snapshots of the owner's roles.
func (w *world) shownKeys(caller client.RequestEditorFn, ids ...string) string {
	w.Helper()
	var shown strings.Builder
	for _, id := range ids {
		shown.WriteString(w.must(http.MethodGet, keysURL+"?with_limited_by=true&id="+url.QueryEscape(id), "", caller))
	}
	return shown.String()
}

// written is everything that operations on keys write. Wrong guesses, which are recorded too, are none of it.
func (w *world) written() string {
	w.Helper()
	return w.rows(`SELECT id || ' ' || user_name || ' ' || description || ' ' || created_at || ' ' || expires_at || ' ' || invalidated_at || ' ' ||
		assigned || ' ' || limited_by || ' ' || creator || ' ' || metadata || ' ' || version FROM api_keys UNION ALL
		SELECT id || ' ' || body FROM documents UNION ALL
		SELECT id || ' ' || details FROM audit_log WHERE event <> 'guess.failed' UNION ALL
		SELECT name || ' ' || descriptor FROM roles UNION ALL SELECT name || ' ' || roles FROM users ORDER BY 1`)
}

// cause is a failure, or a cause of one, as Elasticsearch writes it.
type cause struct {
	Type, Reason string
	CausedBy     *cause `json:"caused_by"`
	StackTrace   string `json:"stack_trace"`
}

var place = regexp.MustCompile(`^\[\d+:\d+\] `)

// String writes a failure and its causes in a row. A place, which may be any, is an @.
func (c *cause) String() string {
	text := c.Type + ": " + place.ReplaceAllString(c.Reason, "@ ")
	if c.CausedBy != nil {
		text += " <- " + c.CausedBy.String()
	}
	return text
}

// failure writes a failure in one line: the status, the failure with its causes, and the types of the root causes.
func failure(response *http.Response, body string) string {
	var full struct {
		Error struct {
			cause
			RootCause []cause `json:"root_cause"`
		}
		Status int
	}

	var short struct{ Error string }
	if json.Unmarshal([]byte(body), &short) == nil && short.Error != "" {
		return fmt.Sprint(response.StatusCode, " ", short.Error)
	}
	if err := json.Unmarshal([]byte(body), &full); err != nil || full.Status != response.StatusCode {
		return fmt.Sprintf("%d, and not the body of a failure: %s (%v)", response.StatusCode, body, err)
	}

	text := fmt.Sprintf("%d %s |", full.Status, full.Error.String())
	for _, root := range full.Error.RootCause {
		text += " " + root.Type
	}

	return text
}

// refusal is the line of a bad request. The causes are written "type: reason", the outermost first.
func refusal(root string, causes ...string) string {
	return "400 " + strings.Join(causes, " <- ") + " | " + root
}

// xpe, pe, iae and arv are refusals without a cause.
func xpe(reason string) string { return refusal(xcontentParse, xcontentParse+": @ "+reason) }
func pe(reason string) string  { return refusal(parseException, parseException+": "+reason) }
func iae(reason string) string { return refusal(illegalArgument, illegalArgument+": "+reason) }

func arv(messages ...string) string {
	reason := "Validation Failed: "
	for i, message := range messages {
		reason += fmt.Sprintf("%d: %s;", i+1, message)
	}
	return refusal(requestInvalid, requestInvalid+": "+reason)
}

// within is the refusal of one field, by what caused it.
func within(root, parser, field string, causes ...string) string {
	return refusal(root,
		append([]string{xcontentParse + ": @ [" + parser + "] failed to parse field [" + field + "]"}, causes...)...)
}

// matches compares a text with one in which … stands for anything.
func matches(text, want string) bool {
	parts := strings.Split(regexp.QuoteMeta(want), "…")
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, ".*") + `$`).MatchString(text)
}

// refuses fails the test unless a request is refused like that, and nothing is written.
func (w *world) refuses(method, path, body, want string, editors ...client.RequestEditorFn) {
	w.Helper()
	before := w.written()
	response, text := w.do(method, path, body, editors...)
	if got := failure(response, text); !matches(got, want) {
		w.Errorf("%s %s with %s:\n%s, want\n%s", method, path, body, got, want)
	}
	if w.written() != before {
		w.Errorf("%s %s with %s was refused, and changed something", method, path, body)
	}
}

// bulk is the answer of a bulk update.
type bulk struct {
	Updated, Noops []string
	Errors         *struct {
		Count   int
		Details map[string]cause
	}
}

// String writes an answer in one line.
func (b bulk) String() string {
	text := fmt.Sprint("updated ", b.Updated, " noops ", b.Noops)
	if b.Errors != nil {
		text += fmt.Sprint(" errors ", b.Errors.Count)
	}
	return text
}

// bulkUpdate updates keys, which must succeed as a whole.
func (w *world) bulkUpdate(body string, editors ...client.RequestEditorFn) bulk {
	w.Helper()
	return w.bulkUpdateAt(bulkURL, body, editors...)
}

func (w *world) bulkUpdateAt(path, body string, editors ...client.RequestEditorFn) bulk {
	w.Helper()
	var answer bulk
	if err := json.Unmarshal([]byte(w.must(http.MethodPost, path, body, editors...)), &answer); err != nil {
		w.Fatal(err)
	}
	return answer
}

// Ensures that what the answer holds is in Elasticsearch's form: both lists always, errors only if there are any, and
// the lists in the order of the request, each key once.
func TestBulkUpdate_Shape(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	var ids []string
	for i := range 4 {
		id, _ := w.newKeyOf(bob, fmt.Sprintf(`{"name":"key %d"}`, i))
		ids = append(ids, id)
	}

	send := func(query, more string, ids ...string) string {
		body := `{"ids":` + asJSON(ids) + more + `}`
		return strings.TrimSpace(w.must(http.MethodPost, bulkURL+query, body, bob))
	}

	metadata := `,"metadata":{"a":1}`
	for _, c := range []struct{ got, want string }{
		{send("", "", ids[0]), `{"updated":[],"noops":["` + ids[0] + `"]}`},
		{send("", metadata, ids[2]), `{"updated":["` + ids[2] + `"],"noops":[]}`},
		{send("", metadata, ids[3], ids[2], ids[0], ids[3], ids[0], ids[2]),
			`{"updated":["` + ids[3] + `","` + ids[0] + `"],"noops":["` + ids[2] + `"]}`},
		{send("", metadata, ids[2], ids[1], ids[0]),
			`{"updated":["` + ids[1] + `"],"noops":["` + ids[2] + `","` + ids[0] + `"]}`},
		{send("?error_trace=true", "", "x", "x"),
			`{"updated":[],"noops":[],"errors":{"count":1,"details":{"x":{"type":"resource_not_found_exception",` +
				`"reason":"no API key owned by requesting user found for ID [x]"}}}}`},
		{send("?filter_path=errors.count", "", "x", "y"), `{"errors":{"count":2}}`},
		{send("?filter_path=-errors.details,-noops", "", "x", ids[0]), `{"updated":[],"errors":{"count":1}}`},
		{send("?filter_path=updated", metadata, ids[0]), `{"updated":[]}`},
		{send("?pretty", "", ids[0]), "{\n  \"updated\": [],\n  \"noops\": [\n    \"" + ids[0] + "\"\n  ]\n}"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

// Ensures that a failure of the whole request is shown with stack traces if they are asked for, and filtered as answers
// are.
func TestBulkUpdate_FailureForm(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const body = `{"ids":"a","role_descriptors":{"x":{"cluster":"all"}}}`
	_, text := w.do(http.MethodPost, bulkURL+"?error_trace", body, bob)
	if n := strings.Count(text, `"stack_trace"`); n != 5 {
		t.Errorf("%d stack traces: %s", n, text)
	}
	if _, text := w.do(http.MethodPost, bulkURL, body, bob); strings.Contains(text, "stack_trace") {
		t.Error(text)
	}

	response, text := w.do(http.MethodPost, bulkURL+"?filter_path=error.root_cause.type,status", body, bob)
	if want := `{"error":{"root_cause":[{"type":"parse_exception"}]},"status":400}`; strings.TrimSpace(text) != want ||
		response.StatusCode != http.StatusBadRequest {
		t.Errorf("%d %s", response.StatusCode, text)
	}

	for _, parameter := range []string{"refresh=true", "refresh", "wait=1"} {
		name, _, _ := strings.Cut(parameter, "=")
		w.refuses(http.MethodPost, bulkURL+"?"+parameter, `{"ids":"a"}`,
			iae("request ["+bulkURL+"] contains unrecognized parameter: ["+name+"]"), bob)
	}

	w.refuses(http.MethodPost, bulkURL+"?pretty=yes", `{"ids":"a"}`,
		iae("Failed to parse value [yes] as only [true] or [false] are allowed."), bob)
	// The path of one key stands behind this one, with the methods that it has.
	w.refuses(http.MethodGet, bulkURL, "",
		"405 Incorrect HTTP method for uri ["+bulkURL+"] and method [GET], allowed: […POST…]", bob)
}
