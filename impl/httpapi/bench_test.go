package httpapi_test

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/account"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/auth"
	"github.com/sallyport/sallyport/impl/httpapi"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/session"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/user"
)

// bench is a whole program with a user, a session and a key.
type bench struct {
	deps       httpapi.Deps
	keys       *apikey.Service
	token, key string
}

func newBench(b *testing.B, cost secret.Cost) bench {
	b.Helper()
	ctx := b.Context()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	st, err := store.Open(ctx, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), time.Now)
	must(err)
	b.Cleanup(func() { must(st.Close()) })
	sealer, err := secret.NewSealer(secret.NewKey())
	must(err)
	sessions, err := session.New(ctx, st, sealer, session.Settings{Idle: 12 * time.Hour, Absolute: 12 * time.Hour, Grace: time.Second})
	must(err)
	users, keys, accounts := user.NewService(st, secret.NewHasher(cost)), apikey.NewService(st), account.NewService(st)
	must(accounts.Bootstrap(ctx))
	must(users.Add(ctx, user.New{Name: "alice", Roles: []string{string(identity.PlatformAdmin)}, Password: alicePassword}))
	authn := auth.NewService(st, users, keys, sessions)
	token, err := authn.Login(ctx, "alice", alicePassword)
	must(err)
	_, key, err := keys.Create(ctx, identity.Principal{User: "alice"}, "bench", nil)
	must(err)
	return bench{
		deps: httpapi.Deps{Accounts: accounts, Auth: authn, Keys: keys, Log: slog.New(slog.DiscardHandler)},
		keys: keys, token: token.Value, key: key,
	}
}

func (x bench) run(b *testing.B, build func(httpapi.Deps) (http.Handler, error), method, path, body, authorization string) {
	b.Helper()
	h, err := build(x.deps)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		if recorder.Code != http.StatusOK {
			b.Fatalf("answered %d %s", recorder.Code, recorder.Body)
		}
	}
}

var builds = map[string]func(httpapi.Deps) (http.Handler, error){"validated": httpapi.New, "unvalidated": httpapi.NewUnvalidated}

// What an authenticated read costs, through the whole handler.
func BenchmarkGetAccount(b *testing.B) {
	x := newBench(b, cheap)
	for credential, value := range map[string]string{"session": "Bearer " + x.token, "key": "ApiKey " + x.key} {
		for name, build := range builds {
			b.Run(credential+"/"+name, func(b *testing.B) {
				x.run(b, build, http.MethodGet, "/api/v1/account", "", value)
			})
		}
	}
}

// What a request with a body costs, in a transaction of the writer that finds nothing to change.
func BenchmarkPutAccount(b *testing.B) {
	x := newBench(b, cheap)
	for name, build := range builds {
		b.Run(name, func(b *testing.B) {
			x.run(b, build, http.MethodPut, "/api/v1/account", `{"trust":{"trust_all":true}}`, "Bearer "+x.token)
		})
	}
}

// What a sign-in costs, with the hashing of a server and with next to none.
func BenchmarkLogin(b *testing.B) {
	body := fmt.Sprintf(`{"username":"alice","password":%q}`, alicePassword)
	for hashing, cost := range map[string]secret.Cost{"argon2id": secret.DefaultCost, "cheap": cheap} {
		x := newBench(b, cost)
		for name, build := range builds {
			b.Run(hashing+"/"+name, func(b *testing.B) {
				x.run(b, build, http.MethodPost, loginPath, body, "")
			})
		}
	}
}

// What it costs to verify a key that is right, one that is wrong, and one that is unknown.
func BenchmarkVerifyKey(b *testing.B) {
	x := newBench(b, cheap)
	raw, err := base64.StdEncoding.DecodeString(x.key)
	if err != nil {
		b.Fatal(err)
	}
	id, _, _ := strings.Cut(string(raw), ":")
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, c := range map[string]struct {
		key   string
		right bool
	}{"right": {x.key, true}, "wrong": {encode(id + ":" + secret.Text(16)), false}, "unknown": {encode(secret.Text(15) + ":" + secret.Text(16)), false}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := x.keys.Verify(b.Context(), c.key); (err == nil) != c.right {
					b.Fatal(err)
				}
			}
		})
	}
}
