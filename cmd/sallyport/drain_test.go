package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Ensures that after SIGTERM a request in progress is answered, no new connection is accepted, and the program exits
// with 0.
func TestServe_Drains(t *testing.T) {
	t.Parallel()
	s := serveStore(t, newStore(t), "SALLYPORT_ADMIN_PASSWORD=chosen by hand")
	admin := person{"admin", "chosen by hand"}
	address := strings.TrimPrefix(s.url, "http://")
	const body = `{"trust": {"trust_all": false}}`
	conn, reader := begin(t, address, "PUT "+accountPath, admin.basic(), len(body))
	write(t, conn, body[:len(body)/2])

	s.signal(syscall.SIGTERM)
	s.waitFor(regexp.MustCompile(`finishing requests in progress`))
	waitUntilRefused(t, address)
	if s.over() {
		t.Fatal("the program ended before the request in progress was answered")
	}

	write(t, conn, body[len(body)/2:])
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // the connection goes with it
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(answer), `"trust_all":false`) {
		t.Errorf("answered with %s %s (%v); want 200", response.Status, answer, err)
	}
	if code := s.wait(); code != 0 {
		t.Errorf("exit code %d; want 0", code)
	}
}

// Ensures that SIGHUP does not stop the server: tools for log rotation and certificate renewal send it.
func TestServe_Hangup(t *testing.T) {
	t.Parallel()
	s := serveStore(t, newStore(t))
	for range 2 {
		s.signal(syscall.SIGHUP)
		s.waitFor(regexp.MustCompile(`"level":"INFO","msg":"SIGHUP ignored`))
	}
	s.want(http.StatusOK, http.MethodGet, authPath+"/methods", "", "")
	s.stop()
}

// Ensures that a server with a drain delay is not ready before it stops to serve, on old and new connections, and
// that idle connections do not delay its exit.
func TestServe_DrainDelay(t *testing.T) {
	t.Parallel()
	s := serveStore(t, newStore(t), "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", "SALLYPORT_DRAIN_DELAY=5s",
		"SALLYPORT_ADMIN_PASSWORD=chosen by hand")
	admin := s.adminListener()
	lasting := &http.Client{Timeout: patience, Transport: &http.Transport{MaxConnsPerHost: 1}}
	ask := func() {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+authPath+"/methods", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := lasting.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() //nolint:errcheck // read to its end
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK ||
			response.Close {
			t.Errorf("answered with %s (%v); the connection ends: %t", response.Status, err, response.Close)
		}
	}
	ask()
	s.signal(syscall.SIGTERM)
	s.waitFor(regexp.MustCompile(`not ready, still serving`))
	admin.want(http.StatusServiceUnavailable, http.MethodGet, "/readyz", "", "")
	ask()
	s.want(http.StatusOK, http.MethodGet, authPath+"/methods", "", "")
	if code := s.wait(); code != 0 {
		t.Errorf("exit code %d; want 0", code)
	}
}

// Ensures that a request in progress on the admin listener is answered before the exit.
func TestShutDownAdmin(t *testing.T) {
	t.Parallel()
	asked, proceed := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-proceed
	}))
	t.Cleanup(s.Close)
	answered := make(chan error)
	go func() {
		response, err := http.Get(s.URL)
		if err == nil {
			response.Body.Close() //nolint:errcheck // empty
		}
		answered <- err
	}()
	<-asked
	s.Config.RegisterOnShutdown(func() { close(proceed) })
	if err := shutDownAdmin(t.Context(), s.Config); err != nil {
		t.Error(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

// begin sends the head of a request with Expect: 100-continue, and returns when the server waits for the body.
func begin(t *testing.T, address, operation, authorization string, length int) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() }) //nolint:errcheck // the test is over
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	head := http.Header{
		"Authorization": {authorization}, "Content-Type": {"application/json"}, "Expect": {"100-continue"},
	}
	var text strings.Builder
	text.WriteString(operation + " HTTP/1.1\r\nHost: " + address + "\r\nContent-Length: " + strconv.Itoa(length) + "\r\n")
	if err := head.Write(&text); err != nil {
		t.Fatal(err)
	}
	write(t, conn, text.String()+"\r\n")
	reader := bufio.NewReader(conn)
	line, err := reader.ReadString('\n')
	if err != nil || !strings.Contains(line, " 100 ") {
		t.Fatalf("the server answers %q (%v) to the head of a request; want 100", line, err)
	}
	if _, err := reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return conn, reader
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func waitUntilRefused(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", address, patience)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			conn.Close() //nolint:errcheck // nothing was sent
		}
	}
	t.Fatal("connections are still accepted")
}
