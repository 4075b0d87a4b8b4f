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

// Proxy forwards connections to a server, and can stall some of them without closing them.
type Proxy struct {
	// DSN is the server's DSN with the address of the proxy.
	DSN string

	listener net.Listener
	server   string
	name     []byte

	mu       sync.Mutex
	stalled  bool
	open     []net.Conn
	carrying sync.WaitGroup
}

// NewProxy returns a proxy for a DSN. Stall affects the connections with name in their first message, such as the
// application name. TLS is not supported.
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
	p := &Proxy{
		DSN:      through.String(),
		listener: listener,
		server:   server.Host,
		name:     []byte(name),
	}
	p.carrying.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Stall stops forwarding on the named connections, in both directions, present and future ones.
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
	_ = p.listener.Close() // nothing depends on it any more
	p.mu.Lock()
	for _, c := range p.open {
		_ = c.Close() // the test has ended
	}

	p.mu.Unlock()
	p.carrying.Wait()
}

// track records connections to close at the end.
func (p *Proxy) track(connections ...net.Conn) {
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

		p.track(client, server)
		p.carrying.Go(func() { p.carry(client, server) })
	}
}

// carry reads a connection's first message, which has the application name, and then forwards both directions.
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
