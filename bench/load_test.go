package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Ensures that a load counts answers, and fails with an answer that is not a success or has no length.
func TestPut(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		failure string
	}{
		"success": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "well") //nolint:errcheck // the client notices
		}, ""},
		"refused": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "401"},
		"no length": {func(w http.ResponseWriter, _ *http.Request) {
			http.NewResponseController(w).Flush() //nolint:errcheck // the client notices
		}, "without a length"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			request := []byte("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
			l, err := put(t.Context(), server.Listener.Addr().String(), request, 10*time.Millisecond)
			if c.failure == "" {
				if err != nil || l.perSecond <= 0 || l.half <= 0 || l.most < l.half {
					t.Errorf("%+v, %v", l, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.failure) {
				t.Errorf("failed with %v, want %q", err, c.failure)
			}
		})
	}
}

// Ensures that ratios are those of each round, and that a spread has the median between the extremes.
func TestSeries(t *testing.T) {
	ratios := series{2, 9, 4, 8}.over(series{1, 3, 1, 1})
	if got, want := ratios.spread("%.1f"), "3.5 (2.0 to 8.0)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := (series{}).spread("%.1f") + (series{}).middle("%.1f"); got != "" {
		t.Errorf("an empty series is %q", got)
	}
}
