package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// balancer distributes requests over servers, as a proxy with health checks does. A server that is taken out finishes
// its requests first.
type balancer struct {
	mu      sync.Mutex
	servers []*balanced
	next    int
}

type balanced struct {
	*process
	requests sync.WaitGroup
}

// take returns the next server; the caller must call requests.Done.
func (b *balancer) take() *balanced {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	s := b.servers[b.next%len(b.servers)]
	s.requests.Add(1)
	return s
}

// put adds a server, which is ready.
func (b *balancer) put(p *process) {
	p.t.Helper()
	p.adminListener().want(http.StatusOK, http.MethodGet, "/readyz", "", "")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers = append(b.servers, &balanced{process: p})
}

// retire takes out the oldest server, and stops it after its last request.
func (b *balancer) retire() {
	b.mu.Lock()
	oldest := b.servers[0]
	b.servers = b.servers[1:]
	b.mu.Unlock()
	oldest.requests.Wait()
	oldest.stop()
}

// factorUser is a user that signs in, gets and uses a second factor, and removes it, again and again.
type factorUser struct {
	person
	*balancer
	sent   *atomic.Int64
	rounds int
}

// ask sends a request, and returns a member of the answer. Any other status than the wanted one is a failed request.
func (c *factorUser) ask(
	ctx context.Context, status int, method, path, authorization, body string,
) (map[string]any, error) {
	s := c.take()
	defer s.requests.Done()
	c.sent.Add(1)
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := direct.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != status {
		err = fmt.Errorf("%s %s: %d %s; want %d", method, path, response.StatusCode, text, status)
	}
	var object map[string]any
	return object, errors.Join(err, json.Unmarshal(text, &object))
}

// round is a whole sequence of requests; each depends on a secret that the key-encryption key encrypts.
func (c *factorUser) round(ctx context.Context, t *testing.T) error {
	signedIn, err := c.ask(ctx, http.StatusOK, http.MethodPost, loginPath, "", loginBody(c.person))
	if err != nil {
		return err
	}
	session := fmt.Sprint("Bearer ", signedIn["token"])
	enrolled, err := c.ask(ctx, http.StatusCreated, http.MethodPost, totpPath, session, "")
	if err != nil {
		return err
	}
	d := device{Secret: fmt.Sprint(enrolled["secret"])}
	confirmed, err := c.ask(ctx, http.StatusOK, http.MethodPost, totpPath+"/_confirm", session,
		`{"token": "`+d.code(t)+`"}`)
	if err != nil {
		return err
	}
	codes, _ := confirmed["recovery_codes"].([]any)
	elevated, err := c.ask(ctx, http.StatusOK, http.MethodPost, elevatePath, session,
		fmt.Sprintf(`{"token": "%s"}`, codes[0]))
	if err != nil {
		return err
	}
	session = fmt.Sprint("Bearer ", elevated["token"])
	if _, err := c.ask(ctx, http.StatusOK, http.MethodGet, authPath, session, ""); err != nil {
		return err
	}
	_, err = c.ask(ctx, http.StatusOK, http.MethodDelete, totpPath, session, "")
	c.rounds++
	return err
}

// Ensures that the key-encryption key of two replicas on PostgreSQL is rotated under load without a failed request,
// as the guide says, that what was encrypted before still works, and that a step that is taken too early is refused.
func TestKeyEncryptionKey_RotateOnline(t *testing.T) {
	t.Parallel()
	const callers = 4
	oldKey := base64.StdEncoding.EncodeToString(secret.NewKey())
	newKey := base64.StdEncoding.EncodeToString(secret.NewKey())
	env := append(newReplicas(t).env, "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", "SALLYPORT_KEY_ENCRYPTION_KEY="+oldKey)
	r := newRekeyed(t, env...)
	both := func(current, fallback string) []string {
		return append(slices.Clip(env), "SALLYPORT_KEY_ENCRYPTION_KEY="+current,
			"SALLYPORT_KEY_ENCRYPTION_KEY_FALLBACK="+fallback)
	}
	online := func(env []string) outcome {
		return run(t, invocation{args: []string{"key-encryption-key", "rotate", "--online"}, env: env})
	}

	b, sent := &balancer{}, &atomic.Int64{}
	replace := func(env []string) {
		t.Helper()
		r.env = env
		for range 2 {
			b.put(r.serve())
			if len(b.servers) > 2 {
				b.retire()
			}
		}
	}
	replace(env)

	var everyone []*factorUser
	for i := range callers {
		c := &factorUser{person: person{fmt.Sprintf("caller-%d", i), "a passphrase of its own"}, balancer: b, sent: sent}
		r.well(c.password+"\n", "user", "add", c.name, "--role", "ece_deployment_viewer", "--password-stdin")
		everyone = append(everyone, c)
	}
	stop, running := make(chan struct{}), sync.WaitGroup{}
	for _, c := range everyone {
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := c.round(t.Context(), t); err != nil {
					t.Errorf("%s: %v", c.name, err)
					return
				}
			}
		})
	}

	replace(both(oldKey, newKey))
	wantRefusal(t, online(both(newKey, oldKey)), "no server has started with the key "+idOf(t, newKey)+
		" as key_encryption_key yet: first restart all servers with it")
	replace(both(newKey, oldKey))
	tooEarly := append(slices.Clip(env), "SALLYPORT_KEY_ENCRYPTION_KEY="+newKey, "SALLYPORT_LOG_LEVEL=error")
	wantRefusal(t, run(t, invocation{args: []string{"serve", "--listen", "127.0.0.1:0"}, env: tooEarly}),
		"SALLYPORT_KEY_ENCRYPTION_KEY is not the key that this database is encrypted with")

	r.well("", "signing-key", "rotate")
	rotated := online(r.env)
	if want := "the key " + idOf(t, oldKey) + " is no longer needed"; rotated.code != 0 ||
		!strings.Contains(rotated.stdout, want) {
		t.Errorf("exit code %d, %s%s; want %q", rotated.code, rotated.stdout, rotated.stderr, want)
	}
	wantSilence(t, rotated.stdout+rotated.stderr, oldKey, newKey, databasePassword)
	replace(append(slices.Clip(env), "SALLYPORT_KEY_ENCRYPTION_KEY="+newKey))
	close(stop)
	running.Wait()

	rounds := 0
	for _, c := range everyone {
		if c.rounds == 0 {
			t.Errorf("%s finished no round", c.name)
		}
		rounds += c.rounds
	}
	t.Logf("%d requests in %d rounds, none failed", sent.Load(), rounds)
	r.wantOn(true)
	if listed := r.well("", "key-encryption-key", "list"); strings.Contains(listed, idOf(t, oldKey)) ||
		!strings.Contains(listed, idOf(t, newKey)+"  key_encryption_key") {
		t.Errorf("the keys are\n%s", listed)
	}
}

func idOf(t *testing.T, key string) string {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	return secret.KeyID(data)
}

// Ensures that a rotation that is interrupted or misconfigured is refused with the reason, and that a database with
// secrets of a key that the server does not have starts no server.
func TestKeyEncryptionKey_RotateOnlineRefused(t *testing.T) {
	t.Parallel()
	r, path := onFile(t)
	refused := func(saying string, args ...string) {
		t.Helper()
		wantMistake(t, r.rotate(args...), saying)
	}
	refused("--force and --new-key-file are for stopped servers", "--online", "--force")
	refused("--force and --new-key-file are for stopped servers", "--online", "--new-key-file", "x")
	refused("key_encryption_key_fallback is not set", "--online")

	env, old := slices.Clip(r.env), filepath.Join(t.TempDir(), "old")
	writeFile(t, old, keyText(t, path))
	r.env = append(env, "SALLYPORT_KEY_ENCRYPTION_KEY_FALLBACK_FILE="+old)
	wantMistake(t, run(t, invocation{args: []string{"serve", "--listen", "127.0.0.1:0"}, env: r.env}),
		"key_encryption_key_fallback: this needs key_encryption_key, the key to encrypt with")

	// A server has begun to encrypt with the new key, and the next one is started without it.
	next := base64.StdEncoding.EncodeToString(secret.NewKey())
	both := append(env, "SALLYPORT_KEY_ENCRYPTION_KEY="+next, "SALLYPORT_KEY_ENCRYPTION_KEY_FALLBACK_FILE="+old)
	r.env = both
	r.wantOn(true)
	r.env = append(env, "SALLYPORT_KEY_ENCRYPTION_KEY="+keyText(t, path))
	r.wantRefused("this database has secrets that are encrypted with the key " + idOf(t, next) + ", which is neither " +
		"key_encryption_key, " + idOf(t, keyText(t, path)) + ", nor key_encryption_key_fallback, which is not set")

	r.env = both
	for _, want := range []string{
		"re-encrypted 1 signing keys and 1 second factors", "re-encrypted 0 signing keys and 0 second factors",
	} {
		if o := r.rotate("--online"); o.code != 0 || !strings.Contains(o.stdout, want) {
			t.Errorf("exit code %d, %s%s; want %q", o.code, o.stdout, o.stderr, want)
		}
	}
	r.env = append(env, "SALLYPORT_KEY_ENCRYPTION_KEY="+next)
	r.wantOn(false)
}
