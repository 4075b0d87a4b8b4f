package http_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/http/edge"
)

// hurry is how many times faster than the product's the server of these tests loses patience with its callers.
const hurry = 50

// impatient serves with the product's limits, hurried, on a loopback port.
func impatient(t *testing.T, encrypted bool) (address string, server *http.Server) {
	t.Helper()
	server = newTalkativeServer()
	for _, limit := range []*time.Duration{
		&server.ReadHeaderTimeout, &server.ReadTimeout, &server.WriteTimeout, &server.IdleTimeout,
	} {
		*limit /= hurry
	}

	return listen(t, server, encrypted), server
}

// newTalkativeServer returns a server with the product's limits. It reads each request's body and answers with far more
// than fits the buffers on the way.
func newTalkativeServer() *http.Server {
	return edge.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil || r.URL.Path != "/much" {
			return
		}
		for chunk := make([]byte, 1<<20); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}), slog.New(slog.DiscardHandler))
}

// listen serves on a loopback port until the test ends.
func listen(t *testing.T, server *http.Server, encrypted bool) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	address = listener.Addr().String()
	if encrypted {
		known := httptest.NewUnstartedServer(nil) // for its certificate
		known.StartTLS()
		t.Cleanup(known.Close)
		listener = tls.NewListener(listener, &tls.Config{Certificates: known.TLS.Certificates})
	}
	go server.Serve(listener)            //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() }) //nolint:errcheck // the test is over

	return address
}

// dawdle sends a byte each now and then, whatever comes back.
func dawdle(conn net.Conn, text string, pause time.Duration) {
	for i := 0; ; i++ {
		if _, err := io.WriteString(conn, text[i%len(text):i%len(text)+1]); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// Ensures that slow callers lose their connections when their time is up, however they keep them busy, so that they
// cannot hold many of them for long.
func TestServer_SlowCallers(t *testing.T) {
	t.Parallel()
	const head = "POST / HTTP/1.1\r\nHost: x\r\n"
	for name, each := range map[string]struct {
		encrypted bool
		// first is sent at once, and slowly bit by bit.
		first, slowly string
		limit         func(*http.Server) time.Duration
		// stops is set for a caller that does not read.
		stops bool
	}{
		"silence": {limit: func(s *http.Server) time.Duration { return s.ReadHeaderTimeout }},
		"slow headers": {first: head, slowly: "X-A: b\r\n",
			limit: func(s *http.Server) time.Duration { return s.ReadHeaderTimeout }},
		"slow body": {first: head + "Content-Length: 1000000\r\n\r\n", slowly: "x",
			limit: func(s *http.Server) time.Duration { return s.ReadTimeout }},
		"slow chunks": {first: head + "Transfer-Encoding: chunked\r\n\r\n", slowly: "1\r\nx\r\n",
			limit: func(s *http.Server) time.Duration { return s.ReadTimeout }},
		"slow reader": {first: "GET /much HTTP/1.1\r\nHost: x\r\n\r\n", stops: true,
			limit: func(s *http.Server) time.Duration { return s.WriteTimeout }},
		"idle": {first: "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			limit: func(s *http.Server) time.Duration { return s.IdleTimeout }},
		"half a handshake": {encrypted: true, first: "\x16\x03\x01\x02\x00\x01",
			limit: func(s *http.Server) time.Duration { return s.ReadHeaderTimeout }},
		"a slow handshake": {encrypted: true, first: "\x16\x03\x01\x3f\xff", slowly: "\x01",
			limit: func(s *http.Server) time.Duration { return s.ReadHeaderTimeout }},
		"a silent handshake": {encrypted: true, limit: func(s *http.Server) time.Duration { return s.ReadHeaderTimeout }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, server := impatient(t, each.encrypted)
			limit := each.limit(server)
			began := time.Now()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close() //nolint:errcheck // the test is over
			if err := conn.SetDeadline(began.Add(limit + time.Minute)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, each.first); err != nil {
				t.Fatal(err)
			}
			if each.slowly != "" {
				go dawdle(conn, each.slowly, limit/20)
			}
			if each.stops {
				if _, err := conn.Read(make([]byte, 1)); err != nil { // the answer has begun
					t.Fatal(err)
				}
				waitUntilIdle(t, server)
			} else {
				_, err = io.Copy(io.Discard, conn)
			}
			took := time.Since(began)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() || took < limit*9/10 {
				t.Errorf("the connection was open for %s (%v); the limit is %s", took, err, limit)
			}
			t.Logf("open for %s, which is %s for the product", took.Round(time.Millisecond),
				(took * hurry).Round(time.Second/10))
		})
	}
}

// waitUntilIdle waits until a server has no active connection. A client that does not read cannot see its end.
func waitUntilIdle(t *testing.T, server *http.Server) {
	t.Helper()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Ensures that headers without an end are refused.
func TestServer_HeadersWithoutEnd(t *testing.T) {
	t.Parallel()

	// The limit on time is the product's, so that the limit on length comes first on a busy machine too.
	address := listen(t, newTalkativeServer(), false)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the test is over
	//nolint:errcheck // it is cut off
	go io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 1<<20))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if errors.Is(err, syscall.ECONNRESET) {
		return // the connection was closed before all was sent, which can take the answer along
	}
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it is not read
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered with %s", response.Status)
	}
}
