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

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// place is a server with a few connections. A request to /wait is answered once the test says so.
type place struct {
	*testing.T
	limit   *Limit
	client  *tls.Config
	waiting chan struct{}
	proceed chan struct{}
}

func newPlace(t *testing.T, most int, encrypted bool) *place {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{T: t, limit: New(listener, most), waiting: make(chan struct{}), proceed: make(chan struct{})}
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			p.waiting <- struct{}{}
			<-p.proceed
		}
	})}
	p.limit.Watch(server)
	listener = p.limit
	if encrypted {
		known := httptest.NewUnstartedServer(nil) // for its certificate
		known.StartTLS()
		t.Cleanup(known.Close)
		listener = tls.NewListener(listener, &tls.Config{Certificates: known.TLS.Certificates})
		p.client = &tls.Config{InsecureSkipVerify: true}
	}
	go server.Serve(listener)            //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() }) //nolint:errcheck // the test is over
	return p
}

// caller is a connection to a place.
type caller struct {
	*place
	net.Conn
	reader *bufio.Reader
}

// connect makes a connection, which a place that has none left may not take.
func (p *place) connect() caller {
	p.Helper()
	conn, err := net.DialTimeout("tcp", p.limit.Addr().String(), patience)
	if err != nil {
		p.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		p.Fatal(err)
	}
	if p.client != nil {
		conn = tls.Client(conn, p.client)
	}
	p.Cleanup(func() { conn.Close() }) //nolint:errcheck // the test is over
	return caller{p, conn, bufio.NewReader(conn)}
}

func (c caller) send(path string) {
	c.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		c.Fatal(err)
	}
}

func (c caller) wantAnswer() {
	c.Helper()
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.Fatal(err)
	}
	response.Body.Close() //nolint:errcheck // it is empty
}

func (c caller) wantClosed() {
	c.Helper()
	var timeout net.Error
	if _, err := c.reader.ReadByte(); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		c.Fatalf("the connection is open (%v)", err)
	}
}

// waitForIdle waits until the server has noticed that so many connections idle, which is after it has answered.
func (p *place) waitForIdle(count int) {
	p.Helper()
	idle := func() int {
		p.limit.mu.Lock()
		defer p.limit.mu.Unlock()
		return p.limit.idle.Len()
	}
	for deadline := time.Now().Add(patience); idle() != count; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.Fatalf("%d connections idle; want %d", idle(), count)
		}
	}
}

// Ensures that a new connection takes the place of the one that has idled longest, with TLS and without, and that one at
// work keeps its own.
func TestLimit_IdleMakesRoom(t *testing.T) {
	t.Parallel()
	for _, encrypted := range []bool{false, true} {
		p := newPlace(t, 4, encrypted)
		busy, first, second := p.connect(), p.connect(), p.connect()
		busy.send("/wait")
		<-p.waiting
		for i, c := range []caller{second, first} { // so the second idles longer
			c.send("/")
			c.wantAnswer()
			p.waitForIdle(i + 1)
		}
		third := p.connect() // the fourth, after which a place is to be left for the next
		third.send("/")
		third.wantAnswer()
		second.wantClosed()
		first.send("/")
		first.wantAnswer()
		p.proceed <- struct{}{}
		busy.wantAnswer()
	}
}

// Ensures that connections that are all at work keep others waiting until one has its answer, and not longer.
func TestLimit_WorkKeepsOthersWaiting(t *testing.T) {
	t.Parallel()
	p := newPlace(t, 1, false)
	busy := p.connect()
	busy.send("/wait")
	<-p.waiting
	other := p.connect()
	other.send("/wait")
	select {
	case <-p.waiting:
		t.Fatal("more connections are served than there may be")
	case <-time.After(50 * time.Millisecond):
	}
	p.proceed <- struct{}{}
	busy.wantAnswer()
	<-p.waiting
	busy.wantClosed()
	p.proceed <- struct{}{}
	other.wantAnswer()
}

// Ensures that closing ends the wait for a connection to end, and leaves that alone.
func TestLimit_Close(t *testing.T) {
	t.Parallel()
	p := newPlace(t, 1, false)
	busy := p.connect()
	busy.send("/wait")
	<-p.waiting
	failed := make(chan error)
	go func() {
		_, err := p.limit.Accept()
		failed <- err
	}()
	if err := p.limit.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v; want net.ErrClosed", err)
	}
	p.proceed <- struct{}{}
	busy.wantAnswer()
}
