package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// The columns of the table of faults: kinds of operations.
const (
	reading    = iota
	repeatable // twice has the effect of once
	creating   // must not be sent again once it may have been carried out
	carrying   // as creating, with credentials in the body
)

// operation is an operation with an object of its own.
type operation struct {
	kind int
	id   string // in the contract
	// prepare, if it is there, makes the object with the help of a client without faults.
	prepare func(ctx context.Context, c *client.Client, name string) (string, error)
	call    func(ctx context.Context, c *client.Client, name string) error
	// effects counts the effects of the operation on the server.
	effects func(ctx context.Context, c *client.Client, name string) (int, error)
}

var operations = map[string]operation{
	"list keys": {kind: reading, id: "get-api-keys", call: func(ctx context.Context, c *client.Client, _ string) error {
		for _, err := range c.Keys(ctx) {
			return err
		}
		return errors.New("there are no keys")
	}},
	"query keys": {kind: reading, id: "security-query-api-keys",
		call: func(ctx context.Context, c *client.Client, _ string) error {
			for _, err := range c.QueryKeys(ctx, gen.QueryAPIKeysRequest{}) {
				return err
			}
			return errors.New("there are no keys")
		}},
	"create key": {kind: creating, id: "create-api-key", effects: keysNamed,
		call: func(ctx context.Context, c *client.Client, name string) error {
			_, err := c.CreateKey(ctx, name, 0)
			return err
		}},
	"create scoped key": {kind: creating, id: "security-create-api-key", effects: keysNamed,
		call: func(ctx context.Context, c *client.Client, name string) error {
			_, err := c.CreateScopedKey(ctx, gen.SecurityCreateAPIKeyRequest{Name: name})
			return err
		}},
	"create scoped key with PUT": {kind: creating, id: "security-create-api-key-put", effects: keysNamed,
		call: func(ctx context.Context, c *client.Client, name string) error {
			_, err := c.API().SecurityCreateAPIKeyPutWithResponse(ctx, nil, gen.SecurityCreateAPIKeyRequest{Name: name})
			return err
		}},
	"grant key with PUT": {kind: carrying, id: "security-grant-api-key-put", effects: keysNamed,
		call: func(ctx context.Context, c *client.Client, name string) error {
			_, err := c.API().SecurityGrantAPIKeyPutWithResponse(ctx, nil, gen.GrantAPIKeyRequest{
				GrantType: new("password"), Username: new("bob"), Password: new(bobPassword),
				APIKey: &gen.GrantedAPIKey{Name: &name},
			})
			return err
		}},
	"create user": {kind: creating, id: "create-user", effects: usersNamed,
		call: func(ctx context.Context, c *client.Client, name string) error {
			_, err := c.CreateUser(ctx, name, "a passphrase of its own", "ece_deployment_viewer")
			return err
		}},
	"update user": {kind: creating, id: "update-user", prepare: makeUser,
		call: func(ctx context.Context, c *client.Client, name string) error {
			_, err := c.UpdateUser(ctx, name, gen.UserPatch{FullName: new("Changed")})
			return err
		},
		effects: func(ctx context.Context, c *client.Client, name string) (int, error) {
			u, err := c.User(ctx, name)
			if err != nil || u.FullName == nil {
				return 0, err
			}
			return 1, nil
		}},
	"put role": {kind: repeatable, id: "security-put-role",
		call: func(ctx context.Context, c *client.Client, name string) error {
			_, err := c.API().SecurityPutRoleWithResponse(ctx, name, nil, gen.RoleDescriptor{})
			return err
		},
		effects: func(ctx context.Context, c *client.Client, name string) (int, error) {
			_, err := c.API().SecurityGetRoleWithResponse(ctx, name, nil)
			if client.IsNotFound(err) {
				return 0, nil
			}
			return 1, err
		}},
	"delete user": {kind: repeatable, id: "delete-user", prepare: makeUser,
		call: func(ctx context.Context, c *client.Client, name string) error { return c.DeleteUser(ctx, name) },
		effects: func(ctx context.Context, c *client.Client, name string) (int, error) {
			n, err := usersNamed(ctx, c, name)
			return 1 - n, err
		}},
	"delete key": {kind: repeatable, id: "delete-api-key",
		prepare: func(ctx context.Context, c *client.Client, name string) (string, error) {
			key, err := c.CreateKey(ctx, name, 0)
			return key.ID, err
		},
		call: func(ctx context.Context, c *client.Client, id string) error { return c.DeleteKey(ctx, id) },
		effects: func(ctx context.Context, c *client.Client, id string) (int, error) {
			_, err := c.Key(ctx, id)
			if client.IsNotFound(err) {
				return 1, nil
			}
			return 0, err
		}},
}

func makeUser(ctx context.Context, c *client.Client, name string) (string, error) {
	_, err := c.CreateUser(ctx, name, "a passphrase of its own", "ece_deployment_viewer")
	return name, err
}

func keysNamed(ctx context.Context, c *client.Client, name string) (int, error) {
	n := 0
	for key, err := range c.Keys(ctx) {
		if err != nil {
			return 0, err
		}
		if key.Description == name {
			n++
		}
	}
	return n, nil
}

func usersNamed(ctx context.Context, c *client.Client, name string) (int, error) {
	_, err := c.User(ctx, name)
	if client.IsNotFound(err) {
		return 0, nil
	}
	return 1, err
}

const always = 1_000

// faultTable has for each fault what the caller of an operation sees, and how often the operation took effect, by kind
// of operation. The caller sees ok, or the status of the error, 0 if there was no answer, with a question mark if the
// operation may have taken effect.
var faultTable = []struct {
	name  string
	fault injection
	want  [4]string
}{
	{"no fault", spoiled(pass, 1), [4]string{"ok", "ok 1", "ok 1", "ok 1"}},
	{"502 in place of the server", answered(502, once), [4]string{"ok", "ok 1", "502? 0", "502? 0"}},
	{"502 after the work", answered(502, handled, once), [4]string{"ok", "ok 1", "502? 1", "502? 1"}},
	{"502 always", answered(502), [4]string{"502", "502? 0", "502? 0", "502? 0"}},
	{"504 after the work", answered(504, handled, once), [4]string{"ok", "ok 1", "504? 1", "504? 1"}},
	{"504 after the work, always", answered(504, handled), [4]string{"504", "504? 1", "504? 1", "504? 1"}},
	{"503 of the server", spoiled(refusal(503, "root.overloaded", 1), 1), [4]string{"ok", "ok 1", "ok 1", "ok 1"}},
	{"503 of the server, always", spoiled(refusal(503, "root.overloaded", 1), always),
		[4]string{"503", "503 0", "503 0", "503 0"}},
	{"503 of a proxy", answered(503, once), [4]string{"ok", "ok 1", "503? 0", "503? 0"}},
	{"503 of a proxy after the work", answered(503, handled, once), [4]string{"ok", "ok 1", "503? 1", "503? 1"}},
	{"429", spoiled(refusal(429, "root.too_many_requests", 2), 1), [4]string{"ok", "ok 1", "ok 1", "ok 1"}},
	{"429 of a proxy", answered(429, once), [4]string{"ok", "ok 1", "ok 1", "ok 1"}},
	{"429 for an hour", spoiled(refusal(429, "root.too_many_requests", 3600), 1),
		[4]string{"429", "429 0", "429 0", "429 0"}},
	{"500 in place of the server", answered(500, once), [4]string{"500", "500? 0", "500? 0", "500? 0"}},
	{"500 after the work", answered(500, handled, once), [4]string{"500", "500? 1", "500? 1", "500? 1"}},
	{"connection lost before the work", lost(once), [4]string{"ok", "ok 1", "0? 0", "0? 0"}},
	{"connection lost after the work", lost(handled, once), [4]string{"ok", "ok 1", "0? 1", "0? 1"}},
	{"connection lost after the work, always", lost(handled), [4]string{"0", "0? 1", "0? 1", "0? 1"}},
	{"connection lost within the answer", cut(once), [4]string{"ok", "ok 1", "0? 1", "0? 1"}},
	{"no answer in time", spoiled(delay, 1), [4]string{"ok", "ok 1", "0? 1", "0? 1"}},
	{"another server's page", spoiled(status(200, "Content-Type", "text/html"), 1),
		[4]string{"200", "200? 0", "200? 0", "200? 0"}},
	{"redirect", spoiled(status(307, "Location", "https://elsewhere.example/"), 1),
		[4]string{"307", "307 0", "307 0", "307 0"}},
	{"session ended", spoiled(unauthorized, 1), [4]string{"ok", "ok 1", "ok 1", "401 0"}},
	{"session ended, always", spoiled(unauthorized, always), [4]string{"401", "401 0", "401 0", "401 0"}},
}

func TestFaults(t *testing.T) {
	w := newWorld(t)
	admin := w.bob()
	if _, err := admin.CreateKey(t.Context(), "first", 0); err != nil {
		t.Fatal(err)
	}

	for i, f := range faultTable {
		t.Run(f.name, func(t *testing.T) {
			for name, op := range operations {
				t.Run(name, func(t *testing.T) {
					object := "object-" + strconv.Itoa(i) + "-" + strings.ReplaceAll(name, " ", "-")
					c := w.client(w.faulty, client.WithPassword("bob", bobPassword))
					if got := op.run(t, admin, object, func(ctx context.Context, object string) error {
						f.fault(w, op.id)
						defer w.endFaults()
						return op.call(ctx, c, object)
					}); got != f.want[op.kind] {
						t.Errorf("got %q; want %q", got, f.want[op.kind])
					}
				})
			}
		})
	}
}

// run carries an operation out, and returns what its caller sees and what the server holds.
func (op operation) run(
	t *testing.T, admin *client.Client, object string, call func(context.Context, string) error,
) string {
	t.Helper()
	ctx := t.Context()
	if op.prepare != nil {
		var err error
		if object, err = op.prepare(ctx, admin, object); err != nil {
			t.Fatal(err)
		}
	}
	seen := describe(t, call(ctx, object))
	if op.effects == nil {
		return seen
	}
	effects, err := op.effects(ctx, admin, object)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(seen, " ", effects)
}

// describe returns what a caller sees, and fails unless that is nil or an *Error without secrets.
func describe(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "ok"
	}
	var e *client.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *Error: %v", err, err)
	}
	if text := fmt.Sprintf("%v %+v %#v", err, err, *e); strings.Contains(text, bobPassword) ||
		strings.Contains(text, "eyJ") || strings.Contains(text, "elsewhere") {
		t.Errorf("the error has a secret: %s", text)
	}
	if e.Attempts == 0 || e.Attempts > client.MaxRetries+1 || e.RequestID == "" {
		t.Errorf("%d attempts at request %q", e.Attempts, e.RequestID)
	}
	text := strconv.Itoa(e.Status)
	if client.IsUncertain(err) {
		text += "?"
	}
	return text
}

// Ensures that a request is repeated, whatever it is, if no connection could be established: the server cannot have got
// it.
func TestFaults_NoConnection(t *testing.T) {
	w := newWorld(t)
	admin := w.bob()
	if _, err := admin.CreateKey(t.Context(), "first", 0); err != nil {
		t.Fatal(err)
	}
	for name, op := range operations {
		t.Run(name, func(t *testing.T) {
			var refused atomic.Int32
			dialer := &http.Transport{DialContext: func(ctx context.Context, network, at string) (net.Conn, error) {
				if refused.Add(1)%2 == 1 {
					return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
				}
				return new(net.Dialer).DialContext(ctx, network, at)
			}, DisableKeepAlives: true}
			c := w.client(w.direct, client.WithPassword("bob", bobPassword), client.WithTransport(dialer))
			want := "ok 1"
			if op.kind == reading {
				want = "ok"
			}
			got := op.run(t, admin, "refused-"+strings.ReplaceAll(name, " ", "-"),
				func(ctx context.Context, object string) error { return op.call(ctx, c, object) })
			if got != want {
				t.Errorf("got %q; want %q", got, want)
			}
		})
	}
}

// Ensures that a large creation is not repeated after 503 of the server, which can refuse a large answer after the
// work.
func TestFaults_LargeRequest(t *testing.T) {
	w := newWorld(t)
	admin := w.bob()
	shedLate := func(f *faults, rw http.ResponseWriter, r *http.Request) {
		f.carryOut(r)
		refusal(503, "root.overloaded", 1)(f, rw, r)
	}
	create := operation{effects: keysNamed}
	got := create.run(t, admin, "large", func(ctx context.Context, name string) error {
		c := w.client(w.faulty, client.WithPassword("bob", bobPassword))
		w.faults.set(shedLate, 1, "")
		metadata := gen.FreeObject{"note": strings.Repeat("x", 20_000)}
		_, err := c.CreateScopedKey(ctx, gen.SecurityCreateAPIKeyRequest{Name: name, Metadata: &metadata})
		return err
	})
	if want := "503? 1"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

// Ensures that a server with a certificate that the client does not trust gets no request, and no second attempt.
func TestFaults_Certificate(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewUnstartedServer(w.faults)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	c := w.client(server.URL, client.WithAPIKey("a2V5"))
	w.faults.set(pass, 0, "")
	err := errorOf(c.CreateKey(t.Context(), "x", 0))
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Attempts != 1 || e.Uncertain || len(w.pauses) != 0 ||
		len(w.faults.requests()) != 0 {
		t.Errorf("%v; want one attempt without an effect", err)
	}
}

// Ensures that net/http does not repeat a creation by itself on a connection that it keeps.
func TestFaults_KeptConnection(t *testing.T) {
	w := newWorld(t)
	admin := w.bob()
	for name, op := range operations {
		if op.kind != creating && op.kind != carrying {
			continue
		}
		t.Run(name, func(t *testing.T) {
			kept := &http.Transport{}
			defer kept.CloseIdleConnections()
			c := w.client(w.faulty, client.WithPassword("bob", bobPassword), client.WithTransport(kept))
			w.faults.set(pass, 0, "")
			w.callAgain(c)
			object := "kept-" + strings.ReplaceAll(name, " ", "-")
			got := op.run(t, admin, object, func(ctx context.Context, object string) error {
				w.faults.set(pass, 0, "")
				w.server.Fail(op.id, sallyporttest.Drop(), handled, once)
				return op.call(ctx, c, object)
			})
			if seen := w.faults.requests(); got != "0? 1" || len(seen) != 1 {
				t.Errorf("got %q after %q; want one request with its effect", got, seen)
			}
		})
	}
}
