package edge

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// newLimitedServer answers 204 to every request within the limits of NewServer.
func newLimitedServer(t *testing.T) *httptest.Server {
	t.Helper()

	server := httptest.NewUnstartedServer(nil)
	server.Config = NewServer(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }),
		slog.New(slog.DiscardHandler),
	)

	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// exchange sends the bytes of a request over HTTP/1.1, and returns the response and its body.
func exchange(t *testing.T, server *httptest.Server, request string) (*http.Response, string) {
	t.Helper()

	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(
		t.Context(),
		"tcp",
		server.Listener.Addr().String(),
	)
	if err != nil {
		t.Fatal(err)
	}

	defer conn.Close() //nolint:errcheck // the answer was read
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}

	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}

	defer response.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}

	return response, string(body)
}

// Ensures that a header of HTTP/1.1 may be as long as docs/reference/limits.md says, to the byte, and that the limit
// holds for HTTP/2 too.
func TestServer_HeaderLimit(t *testing.T) {
	t.Parallel()

	server := newLimitedServer(t)
	for size, want := range map[int]int{
		maxHeader:     http.StatusNoContent,
		maxHeader + 1: http.StatusRequestHeaderFieldsTooLarge,
	} {
		t.Run(fmt.Sprintf("HTTP/1.1, %d bytes", size), func(t *testing.T) {
			t.Parallel()
			const before, after = "GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", "\r\n\r\n"
			long := strings.Repeat("a", size-len(before)-len(after))
			if r, _ := exchange(t, server, before+long+after); r.StatusCode != want {
				t.Errorf("answered with %d; want %d", r.StatusCode, want)
			}
		})
	}

	const others = 500 // bytes for the other fields
	for size, served := range map[int]bool{maxHeader - headerSlack - others: true, maxHeader: false} {
		t.Run(fmt.Sprintf("HTTP/2, %d bytes", size), func(t *testing.T) {
			t.Parallel()

			// A refused header ends its connection, which the cases would share if they shared the server.
			server := newLimitedServer(t)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}

			request.Header.Set("X-Long", strings.Repeat("a", size))
			response, err := server.Client().Do(request)
			if err == nil {
				response.Body.Close() //nolint:errcheck // it is empty
			}
			if got := err == nil && response.StatusCode == http.StatusNoContent; got != served {
				t.Errorf("answered with %v (%v); served %v", response, err, served)
			}
			if err == nil && response.ProtoMajor != 2 {
				t.Errorf("answered over %s", response.Proto)
			}
		})
	}
}

// Ensures that an expectation that is not 100-continue is answered as docs/divergences.md says, before any work is
// done.
func TestServer_Expectation(t *testing.T) {
	t.Parallel()

	server := newLimitedServer(t)
	for name, test := range map[string]struct {
		expect string
		status int
	}{
		"unknown":      {"foo", http.StatusExpectationFailed},
		"100-continue": {"100-continue", http.StatusNoContent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r, body := exchange(
				t,
				server,
				"POST / HTTP/1.1\r\nHost: x\r\nExpect: "+test.expect+"\r\nContent-Length: 0\r\n\r\n",
			)
			if r.StatusCode != test.status || body != "" {
				t.Errorf("answered with %d %q; want %d and no body", r.StatusCode, body, test.status)
			}
			if test.status == http.StatusExpectationFailed && !r.Close {
				t.Error("the connection stays open")
			}
		})
	}
}
