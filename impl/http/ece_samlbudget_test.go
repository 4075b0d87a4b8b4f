package http_test

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// newSAMLHandler is a server with a realm, without a network.
func newSAMLHandler(tb testing.TB) http.Handler {
	tb.Helper()
	s := settings(newDSN(tb), slog.New(slog.DiscardHandler), func() time.Time { return noon })
	s.Realms = realms(tb, samltest.New(noon), realm("corporate", viewers, "allow_idp_initiated: true"))
	a, err := app.Open(tb.Context(), s)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := a.Close(); err != nil {
			tb.Error(err)
		}
	})
	return a.Handler
}

// budget is the processor time that a refusal of what is over the limit may take.
var budget = 50 * time.Millisecond

// runs is how often each refusal is tried; the best counts.
var runs = 7

// leeway is how many times that a body that fits the limit may take. It is a few milliseconds; but all that this
// process does meanwhile is counted.
const leeway = 10

// processorTime is what this process has used.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// Ensures that bodies that are too large are refused in less than 50 ms of processor time, and those that fit with as
// much in them as they can have at a bounded price, whether their length is declared or not. No other test may use the
// processor meanwhile.
func TestSAML_Budget(t *testing.T) {
	h := newSAMLHandler(t)
	form := func(xml string) string {
		return "SAMLResponse=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(xml)))
	}
	start := `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="a">`
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"20 MB": {"SAMLResponse=" + strings.Repeat("A", 20<<20), http.StatusRequestEntityTooLarge},
		"400,000 elements": {form(start + strings.Repeat("<a/>", 400_000) + "</samlp:Response>"),
			http.StatusRequestEntityTooLarge},
		"as many as fit":     {form(start + strings.Repeat("<a/>", 160_000)), http.StatusUnauthorized},
		"as deep as fits":    {form(strings.Repeat("<a>", 160_000)), http.StatusUnauthorized},
		"as many attributes": {form("<a " + strings.Repeat(`a="" `, 140_000)), http.StatusUnauthorized},
		"as long a text":     {form(start + strings.Repeat("a", 750_000) + "</samlp:Response>"), http.StatusUnauthorized},
		"as many entities": {form(start + strings.Repeat("&lt;", 160_000) + "</samlp:Response>"),
			http.StatusUnauthorized},
		"as many fields":        {strings.Repeat("a&", 500_000), http.StatusBadRequest},
		"as many percent signs": {"SAMLResponse=" + strings.Repeat("%41", 349_000), http.StatusUnauthorized},
	} {
		for _, declared := range []bool{true, false} {
			best := time.Hour
			for range runs {
				r := httptest.NewRequest(http.MethodPost, callbackPath, strings.NewReader(c.body))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				if !declared {
					r.ContentLength = -1
				}
				recorder := httptest.NewRecorder()
				before := processorTime(t)
				h.ServeHTTP(recorder, r)
				best = min(best, processorTime(t)-before)
				if recorder.Code != c.status {
					t.Errorf("%s: %d %s, want %d", name, recorder.Code, recorder.Body, c.status)
				}
			}
			t.Logf("%s (length declared: %t): %s", name, declared, best)
			limit := budget
			if c.status != http.StatusRequestEntityTooLarge {
				limit *= leeway
			}
			if best >= limit {
				t.Errorf("%s takes %s", name, best)
			}
		}
	}
}

// Ensures that no form breaks the callback: whatever comes is refused, and nothing gets a session.
func FuzzCallback(f *testing.F) {
	idp := samltest.New(noon)
	for i, c := range samltest.Cases() {
		answer := c.Make(idp, requestOf(waiting{id: "fuzz"}, noon))
		if len(answer) < 16<<10 && i%7 == 0 {
			f.Add("SAMLResponse=" + url.QueryEscape(answer) + "&RelayState=r")
		}
	}
	for _, seed := range []string{"", "SAMLResponse", "SAMLResponse=%", "SAMLResponse=&SAMLResponse=", "a=b",
		"SAMLResponse=PGEvPg==&RelayState=%00", "\xff=\xff", "SAMLResponse=PGE+&RelayState=;"} {
		f.Add(seed)
	}
	h := newSAMLHandler(f)
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Cookie": {binding + "1=x"}}
	f.Fuzz(func(t *testing.T, body string) {
		got := serve(h, http.MethodPost, callbackPath, body, header)
		if got.Code < http.StatusBadRequest || got.Code >= http.StatusInternalServerError {
			t.Errorf("%q is answered with %d: %s", body, got.Code, got.Body)
		}
	})
}
