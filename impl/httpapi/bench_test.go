package httpapi_test

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/account"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/httpapi"
	"github.com/sallyport/sallyport/impl/platform/metrics"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// bench is a whole program with a user, a session and a key.
type bench struct {
	deps       httpapi.Deps
	keys       *apikey.Service
	token, key string
}

func newBench(b *testing.B, cost secret.Cost) bench {
	b.Helper()
	return newCachedBench(b, newDSN(b), cost, 0)
}

// newCachedBench is newBench on a database, with credentials that are remembered so long.
func newCachedBench(b *testing.B, dsn string, cost secret.Cost, lifetime time.Duration) bench {
	b.Helper()
	ctx := b.Context()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	st, err := store.Open(ctx, dsn, time.Now)
	must(err)
	b.Cleanup(func() { must(st.Close()) })
	st.Follow(lifetime, slog.New(slog.DiscardHandler))
	sealer, err := secret.NewSealer(secret.NewKey())
	must(err)
	sessions, err := session.New(ctx, st, sealer, session.Settings{Idle: 12 * time.Hour, Absolute: 12 * time.Hour, Grace: time.Second})
	must(err)
	guesses := attempts.NewCounter(attempts.DefaultPolicy, nil)
	users, keys, accounts := user.NewService(st, secret.NewHasher(cost), guesses), apikey.NewService(st, apikey.Settings{}, slog.New(slog.DiscardHandler)), account.NewService(st)
	must(accounts.Bootstrap(ctx))
	_, err = users.Add(ctx, user.New{Name: "alice", Roles: []string{string(identity.PlatformAdmin)}, Password: alicePassword})
	must(err)
	b.Cleanup(keys.Close) // before the store
	authn := authn.NewService(st, users, keys, sessions, time.Now)
	token, err := authn.Login(ctx, "alice", alicePassword)
	must(err)
	_, key, err := keys.CreatePlain(ctx, identity.Principal{User: "alice"}, "bench", nil)
	must(err)
	return bench{
		deps: httpapi.Deps{
			Accounts: accounts, Auth: authn, Keys: keys, Users: users,
			Elevation: elevation.NewService(st, sessions, guesses, sealer, elevation.DefaultSettings, time.Now), Log: slog.New(slog.DiscardHandler),
			Limits: httpapi.NewLimits(0), Observe: metrics.New().Request,
		},
		keys: keys, token: token.Value, key: key.Encoded(),
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
	x := newBench(b, secret.DefaultCost)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+alicePassword))
	for credential, value := range map[string]string{"session": "Bearer " + x.token, "key": "ApiKey " + x.key, "basic": basic} {
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

// Whether a guess at somebody who does not exist is told apart by its time: the medians of guesses in random turns, and
// their ratio, which is to be 1.
func BenchmarkLoginFailed(b *testing.B) {
	x := newBench(b, secret.DefaultCost)
	h, err := httpapi.New(x.deps)
	if err != nil {
		b.Fatal(err)
	}
	guess := func(name string) time.Duration {
		began := time.Now()
		r := serve(h, http.MethodPost, loginPath, `{"username":"`+name+`","password":"wrong"}`, http.Header{"Content-Type": {"application/json"}})
		if r.Code != http.StatusUnauthorized {
			b.Fatalf("answered %d %s", r.Code, r.Body)
		}
		return time.Since(began)
	}
	var unknown, wrong []time.Duration
	for b.Loop() {
		// In random order: the garbage of one guess is collected during the next, so a fixed order would favour one.
		if rand.IntN(2) == 0 {
			unknown, wrong = append(unknown, guess("nobody")), append(wrong, guess("alice"))
		} else {
			wrong, unknown = append(wrong, guess("alice")), append(unknown, guess("nobody"))
		}
	}
	b.ReportMetric(float64(median(unknown).Microseconds()), "µs/unknown")
	b.ReportMetric(float64(median(wrong).Microseconds()), "µs/wrong")
	b.ReportMetric(float64(median(unknown))/float64(median(wrong)), "ratio")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
