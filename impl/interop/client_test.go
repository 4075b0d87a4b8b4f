package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync"
	"testing"
)

// connection is how a client is made: with one kind of credentials, or none.
type connection struct {
	user, password, apiKey, token string
	// runAs is the user to act as.
	runAs string
	// compressed requests have their bodies packed.
	compressed bool
	// seen is what went over the wire, if anyone wants to know.
	seen *wire
}

// owner is the user who may do everything.
func owner() connection { return connection{user: served.user, password: served.password} }

func (c connection) header() http.Header {
	h := http.Header{}
	if c.runAs != "" {
		h.Set("es-security-runas-user", c.runAs)
	}
	return h
}

// transport is the one that clients take for themselves, watched if anyone wants to know.
func (c connection) transport() http.RoundTripper {
	if c.seen == nil {
		return http.DefaultTransport
	}
	return c.seen
}

// operations are what one client can call. Those that take a body take it as JSON.
type operations struct {
	info, ping, health, authenticate, userPrivileges, builtinPrivileges func() answer

	createKey, queryKeys, bulkUpdate, grantKey, invalidateKeys, hasPrivileges, putPrivileges, getToken, invalidateToken func(body string) answer

	// Those that are raw send the body as it is, past the types of a client that has some.
	createKeyRaw, bulkUpdateRaw, grantKeyRaw func(body string) answer

	updateKey, putRole, putUser, changePassword                                           func(name, body string) answer
	getRole, deleteRole, getUser, deleteUser, enableUser, disableUser, clearCache, getKey func(name string) answer

	keysNamed func(name string) answer
	// ownKeys lists those that are in use.
	ownKeys func() answer

	getPrivilege, deletePrivilege func(application, name string) answer
}

// clients are those under test.
var clients = []struct {
	name    string
	typed   bool
	version string
	connect func(*testing.T, connection) operations
}{
	{"v8 low-level", false, "8", lowLevelV8},
	{"v8 typed", true, "8", typedV8},
	{"v9 low-level", false, "9", lowLevelV9},
	{"v9 typed", true, "9", typedV9},
}

// dialog is one scenario's view of a client.
type dialog struct {
	*testing.T
	operations

	connect func(connection) operations
	// suffix sets the names of one client's run apart from those of the others.
	suffix string
	// typed clients know their own types only, and compatible ones of version.
	typed   bool
	version string
}

// each runs a scenario with each client, at once.
func each(t *testing.T, scenario func(d dialog)) {
	t.Helper()
	t.Parallel()
	for i, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			scenario(newDialog(t, i))
		})
	}
}

func newDialog(t *testing.T, i int) dialog {
	c := clients[i]
	connect := func(how connection) operations { return c.connect(t, how) }
	return dialog{T: t, operations: connect(owner()), connect: connect, suffix: fmt.Sprintf("-%d", i), typed: c.typed, version: c.version}
}

// name returns a name that no other run uses.
func (d dialog) name(beginning string) string { return beginning + d.suffix }

// answer is what a client made of the server's answer.
type answer struct {
	t      *testing.T
	status int
	body   []byte
}

// want fails the test unless the answer has the status, and at least what the JSON says: objects may have more members,
// null is what is absent, an absent object is as good as an empty one, and lists are as long. That is what the typed clients
// do not tell apart.
func (a answer) want(status int, format string, values ...any) answer {
	a.t.Helper()
	text := fmt.Sprintf(format, values...)
	if a.status != status {
		a.t.Fatalf("status %d; want %d %s:\n%s", a.status, status, text, a.body)
	}
	if difference := compare("", a.value(), parse(a.t, []byte(text))); difference != "" {
		a.t.Fatalf("%s:\n%s\nwant\n%s", difference, a.body, text)
	}
	return a
}

// wantFailure fails the test unless the answer is Elasticsearch's envelope of a failure of that type.
func (a answer) wantFailure(status int, kind string) answer {
	a.t.Helper()
	return a.want(status, `{"status": %d, "error": {"type": %q, "root_cause": [{}]}}`, status, kind)
}

func (a answer) value() any { return parse(a.t, a.body) }

// text returns a member of the answer's object, which must be a text that is not empty.
func (a answer) text(name string) string {
	a.t.Helper()
	members, _ := a.value().(map[string]any)
	found, _ := members[name].(string)
	if found == "" {
		a.t.Fatalf("no %s in %s", name, a.body)
	}
	return found
}

func parse(t *testing.T, text []byte) any {
	t.Helper()
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return value
}

// compare says where got lacks what is wanted, or nothing.
func compare(path string, got, want any) string {
	switch want := want.(type) {
	case map[string]any:
		members, ok := got.(map[string]any)
		if !ok && got != nil {
			return path + " is no object"
		}
		for name, value := range want {
			if difference := compare(path+"."+name, members[name], value); difference != "" {
				return difference
			}
		}
	case []any:
		list, _ := got.([]any)
		if len(list) != len(want) {
			return fmt.Sprintf("%s has %d elements, not %d", path, len(list), len(want))
		}
		for i := range want {
			if difference := compare(fmt.Sprintf("%s[%d]", path, i), list[i], want[i]); difference != "" {
				return difference
			}
		}
	default:
		if !reflect.DeepEqual(got, want) {
			return fmt.Sprintf("%s is %v, not %v", path, got, want)
		}
	}
	return ""
}

// encode is the JSON of what a client made of an answer.
func encode(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// fill makes a client's own request of a body.
func fill[R any](t *testing.T, request *R, body string) *R {
	t.Helper()
	if err := json.Unmarshal([]byte(body), request); err != nil {
		t.Fatalf("the client's request: %v: %s", err, body)
	}
	return request
}

// readAll is a low-level client's answer.
func readAll(t *testing.T, status int, body io.ReadCloser) answer {
	t.Helper()
	if body == nil {
		return answer{t, status, nil}
	}
	defer body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{t, status, text}
}

// wire keeps what went over it.
type wire struct {
	mu        sync.Mutex
	requests  []http.Header
	responses []*http.Response
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests, w.responses = append(w.requests, request.Header.Clone()), append(w.responses, response)
	return response, err
}

// last returns the headers of the last request, and of its response.
func (w *wire) last() (request, response http.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests[len(w.requests)-1], w.responses[len(w.responses)-1].Header
}

// count returns how many requests there were.
func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests)
}
