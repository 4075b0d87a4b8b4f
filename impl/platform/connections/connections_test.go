package connections

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// timeout bounds the time that a test waits for an event that must occur.
const timeout = 30 * time.Second

// testServer is a server with a limit of a few connections. A request to /wait sends to waiting, and is answered after
// a send to proceed.
type testServer struct {
	*testing.T
	limited *Listener
	client  *tls.Config
	waiting chan struct{}
	proceed chan struct{}
}

func newTestServer(t *testing.T, limit int, encrypted bool) *testServer {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	p := &testServer{
		T:       t,
		limited: New(listener, limit),
		waiting: make(chan struct{}),
		proceed: make(chan struct{}),
	}
	server := &http.Server{ReadHeaderTimeout: timeout,
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wait" {
				p.waiting <- struct{}{}
				<-p.proceed
			}
		})}
	p.limited.Watch(server)

	listener = p.limited
	if encrypted {
		withCertificate := httptest.NewUnstartedServer(nil)
		withCertificate.StartTLS()
		t.Cleanup(withCertificate.Close)
		listener = tls.NewListener(listener, &tls.Config{Certificates: withCertificate.TLS.Certificates})
		p.client = &tls.Config{InsecureSkipVerify: true}
	}

	go server.Serve(listener)            //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() }) //nolint:errcheck // the test is over
	return p
}

// testConn is a client's connection to a testServer.
type testConn struct {
	*testServer
	net.Conn
	reader *bufio.Reader
}

// connect dials the server. At its limit the server may not accept the connection.
func (p *testServer) connect() testConn {
	p.Helper()
	conn, err := net.DialTimeout("tcp", p.limited.Addr().String(), timeout)
	if err != nil {
		p.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		p.Fatal(err)
	}
	if p.client != nil {
		conn = tls.Client(conn, p.client)
	}
	p.Cleanup(func() { conn.Close() }) //nolint:errcheck // the test is over
	return testConn{p, conn, bufio.NewReader(conn)}
}

func (c testConn) send(path string) {
	c.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		c.Fatal(err)
	}
}

func (c testConn) wantAnswer() {
	c.Helper()
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.Fatal(err)
	}
	response.Body.Close() //nolint:errcheck // it is empty
}

func (c testConn) wantClosed() {
	c.Helper()
	var failure net.Error
	if _, err := c.reader.ReadByte(); err == nil || errors.As(err, &failure) && failure.Timeout() {
		c.Fatalf("the connection is open (%v)", err)
	}
}

// waitForIdle waits until the listener counts the given number of idle connections. A connection becomes idle only
// after its response was sent.
func (p *testServer) waitForIdle(count int) {
	p.Helper()
	idle := func() int {
		p.limited.mu.Lock()
		defer p.limited.mu.Unlock()
		return p.limited.idle.Len()
	}
	for deadline := time.Now().Add(timeout); idle() != count; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.Fatalf("%d connections are idle; want %d", idle(), count)
		}
	}
}

// Ensures that a new connection replaces the one that has been idle longest, with TLS and without, and that a
// connection with a request in progress stays open.
func TestListener_IdleClosedForNew(t *testing.T) {
	t.Parallel()
	for name, encrypted := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			p := newTestServer(t, 4, encrypted)
			busy, first, second := p.connect(), p.connect(), p.connect()
			busy.send("/wait")
			<-p.waiting
			for i, c := range []testConn{second, first} { // the second is idle longer
				c.send("/")
				c.wantAnswer()
				p.waitForIdle(i + 1)
			}

			// The fourth connection takes the slot that is reserved for the next one.
			third := p.connect()
			third.send("/")
			third.wantAnswer()
			second.wantClosed()

			first.send("/")
			first.wantAnswer()
			p.proceed <- struct{}{}
			busy.wantAnswer()
		})
	}
}

// Ensures that at the limit, with requests in progress on all connections, a new one waits until a response was sent.
func TestListener_AllBusy(t *testing.T) {
	t.Parallel()

	p := newTestServer(t, 1, false)
	busy := p.connect()
	busy.send("/wait")
	<-p.waiting

	other := p.connect()
	other.send("/wait")
	select {
	case <-p.waiting:
		t.Fatal("more connections than the limit are served")
	case <-time.After(50 * time.Millisecond):
	}

	p.proceed <- struct{}{}
	busy.wantAnswer()
	<-p.waiting
	busy.wantClosed()
	p.proceed <- struct{}{}
	other.wantAnswer()
}

// Ensures that Close ends the wait for a slot, and leaves open connections open.
func TestListener_Close(t *testing.T) {
	t.Parallel()

	p := newTestServer(t, 1, false)
	busy := p.connect()
	busy.send("/wait")
	<-p.waiting

	failed := make(chan error)
	go func() {
		_, err := p.limited.Accept()
		failed <- err
	}()
	if err := p.limited.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v; want net.ErrClosed", err)
	}

	p.proceed <- struct{}{}
	busy.wantAnswer()
}
