package postgrestest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Proxy stands between programs and a server, and can stop to carry what some connections say, without ending them.
type Proxy struct {
	// DSN is the server's, through the proxy.
	DSN string

	listener net.Listener
	server   string
	name     []byte

	mu       sync.Mutex
	stalled  bool
	open     []net.Conn
	carrying sync.WaitGroup
}

// NewProxy returns a proxy for a DSN that can stall those connections that begin with a name in them, such as that of the
// application. It does not know TLS.
func NewProxy(t testing.TB, dsn, name string) *Proxy {
	t.Helper()
	server, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	through := *server
	through.Host = listener.Addr().String()
	p := &Proxy{DSN: through.String(), listener: listener, server: server.Host, name: []byte(name)}
	p.carrying.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Stall stops what the named connections say, in both directions, now and in the future.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = true
}

func (p *Proxy) isStalled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stalled
}

func (p *Proxy) close() {
	_ = p.listener.Close() // it has been of use
	p.mu.Lock()
	for _, c := range p.open {
		_ = c.Close() // whoever uses it is at its end
	}
	p.mu.Unlock()
	p.carrying.Wait()
}

// remember has connections closed at the end.
func (p *Proxy) remember(connections ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, connections...)
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.server)
		if err != nil {
			_ = client.Close() // the client will see
			continue
		}
		p.remember(client, server)
		p.carrying.Go(func() { p.carry(client, server) })
	}
}

// carry reads a connection's first words, which have the application's name, and then carries both directions.
func (p *Proxy) carry(client, server net.Conn) {
	first := make([]byte, 4096)
	n, err := client.Read(first)
	if err != nil {
		_ = server.Close() // nothing was said
		return
	}
	named := bytes.Contains(first[:n], p.name)
	p.carrying.Go(func() { p.copy(client, server, named) })
	if named && p.isStalled() {
		return
	}
	_, _ = server.Write(first[:n]) // the next one will fail, too
	p.copy(server, client, named)
}

func (p *Proxy) copy(to, from net.Conn, named bool) {
	defer to.Close() //nolint:errcheck // the other side has ended
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if named && p.isStalled() {
			_, _ = io.Copy(io.Discard, from) // until it ends
			return
		}
		if err != nil {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
