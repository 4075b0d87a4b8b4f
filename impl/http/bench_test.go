package http_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// bench is a whole server with a user, a session and a key.
type bench struct {
	handler    http.Handler
	keys       *apikey.Service
	token, key string
}

func newBench(b *testing.B, cost secret.Cost) bench {
	b.Helper()
	return newCachedBench(b, newDSN(b), cost, store.MaxLifetime)
}

// newCachedBench is newBench on a database, with a time to live of cached credentials.
func newCachedBench(b testing.TB, dsn string, cost secret.Cost, lifetime time.Duration) bench {
	b.Helper()

	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}

	s := settings(dsn, slog.New(slog.DiscardHandler), time.Now)
	s.Hashing, s.CacheLifetime = cost, lifetime
	a, err := app.Open(b.Context(), s)
	must(err)
	b.Cleanup(func() { must(a.Close()) })

	_, err = a.Users.Add(b.Context(), user.New{
		Name:     "alice",
		Roles:    []string{string(identity.PlatformAdmin)},
		Password: alicePassword,
	})
	must(err)
	_, key, err := a.Keys.CreatePlain(b.Context(), identity.Principal{User: "alice"}, "bench", nil)
	must(err)
	body := fmt.Sprintf(`{"username":"alice","password":%q}`, alicePassword)
	var token struct{ Token string }
	r := serve(a.Handler, http.MethodPost, loginPath, body, http.Header{"Content-Type": {"application/json"}})
	must(json.Unmarshal(r.Body.Bytes(), &token))
	return bench{
		handler: a.Handler,
		keys:    a.Keys,
		token:   token.Token,
		key:     key.Encoded(),
	}
}

func (x bench) run(b *testing.B, method, path, body, authorization string) {
	b.Helper()

	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		recorder := httptest.NewRecorder()
		x.handler.ServeHTTP(recorder, r)
		if recorder.Code != http.StatusOK {
			b.Fatalf("answered %d %s", recorder.Code, recorder.Body)
		}
	}
}

// What an authenticated read costs, through the whole handler.
func BenchmarkGetAccount(b *testing.B) {
	x := newBench(b, secret.DefaultCost)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+alicePassword))
	for credential, value := range map[string]string{
		"session": "Bearer " + x.token,
		"key":     "ApiKey " + x.key,
		"basic":   basic,
	} {
		b.Run(credential, func(b *testing.B) {
			x.run(b, http.MethodGet, "/api/v1/account", "", value)
		})
	}
}

// What a request with a body costs, in a transaction of the writer that finds nothing to change.
func BenchmarkPutAccount(b *testing.B) {
	x := newBench(b, cheap)
	x.run(b, http.MethodPut, "/api/v1/account", `{"trust":{"trust_all":true}}`, "Bearer "+x.token)
}

// What a sign-in costs, with the hashing of a server and with next to none.
func BenchmarkLogin(b *testing.B) {
	body := fmt.Sprintf(`{"username":"alice","password":%q}`, alicePassword)
	for hashing, cost := range map[string]secret.Cost{"argon2id": secret.DefaultCost, "cheap": cheap} {
		x := newBench(b, cost)
		b.Run(hashing, func(b *testing.B) {
			x.run(b, http.MethodPost, loginPath, body, "")
		})
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
	}{
		"right":   {x.key, true},
		"wrong":   {encode(id + ":" + secret.Text(16)), false},
		"unknown": {encode(secret.Text(15) + ":" + secret.Text(16)), false},
	} {
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

// BenchmarkLoginFailed compares the time of a failed login of an unknown user with that of a known one: it reports the
// medians of logins in random order, and their ratio, which should be 1.
func BenchmarkLoginFailed(b *testing.B) {
	x := newBench(b, secret.DefaultCost)
	h := x.handler
	guess := func(name string) time.Duration {
		began := time.Now()
		r := serve(h, http.MethodPost, loginPath, `{"username":"`+name+`","password":"wrong"}`,
			http.Header{"Content-Type": {"application/json"}})
		if r.Code != http.StatusUnauthorized {
			b.Fatalf("answered %d %s", r.Code, r.Body)
		}
		return time.Since(began)
	}

	var unknown, wrong []time.Duration
	for b.Loop() {
		// In random order: the garbage of one guess is collected during the next, so a fixed order would favour one.
		if rand.IntN(2) == 0 {
			unknown, wrong = append(unknown, guess("unknown")), append(wrong, guess("alice"))
		} else {
			wrong, unknown = append(wrong, guess("alice")), append(unknown, guess("unknown"))
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
