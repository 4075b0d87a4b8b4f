package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// factorUser is a user that signs in, gets and uses a second factor, and removes it, again and again.
type factorUser struct {
	balancedUser
	rounds int
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
	var rounds []func(context.Context) error
	for i := range callers {
		c := &factorUser{balancedUser: balancedUser{person{fmt.Sprintf("caller-%d", i), "a passphrase of its own"}, b, sent}}
		r.well(c.password+"\n", "user", "add", c.name, "--role", "ece_deployment_viewer", "--password-stdin")
		everyone = append(everyone, c)
		rounds = append(rounds, func(ctx context.Context) error { return c.round(ctx, t) })
	}
	stop := repeat(t, rounds...)

	replace(both(oldKey, newKey))
	wantRefusal(t, online(both(newKey, oldKey)), "no server has started with the key "+idOf(t, newKey)+
		" as key_encryption_key yet: first restart all servers with it")
	replace(both(newKey, oldKey))
	tooEarly := append(slices.Clip(env), "SALLYPORT_KEY_ENCRYPTION_KEY="+newKey, "SALLYPORT_LOG_LEVEL=error")
	wantMistake(t, run(t, invocation{args: []string{"serve", "--listen", "127.0.0.1:0"}, env: tooEarly}),
		"SALLYPORT_KEY_ENCRYPTION_KEY is not the key that this database is encrypted with")

	r.well("", "signing-key", "rotate")
	rotated := online(r.env)
	if want := "the key " + idOf(t, oldKey) + " is no longer needed"; rotated.code != 0 ||
		!strings.Contains(rotated.stdout, want) {
		t.Errorf("exit code %d, %s%s; want %q", rotated.code, rotated.stdout, rotated.stderr, want)
	}
	wantSilence(t, rotated.stdout+rotated.stderr, oldKey, newKey, databasePassword)
	replace(append(slices.Clip(env), "SALLYPORT_KEY_ENCRYPTION_KEY="+newKey))
	stop()

	finished := 0
	for _, c := range everyone {
		if c.rounds == 0 {
			t.Errorf("%s finished no round", c.name)
		}
		finished += c.rounds
	}
	t.Logf("%d requests in %d rounds, none failed", sent.Load(), finished)
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
