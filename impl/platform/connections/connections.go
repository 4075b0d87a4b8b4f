// Package connections limits how many connections a server has open, so that callers cannot exhaust its memory or its
// file descriptors. At the limit, the connection that has been idle longest is closed for a new one. Only connections
// with a request in progress make new ones wait, for a time that the server's timeouts bound.
package connections

import (
	"container/list"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Listener is a listener that limits the number of its open connections. It is safe for concurrent use.
type Listener struct {
	net.Listener
	// slots holds an element for each open connection, and one for the connection that Accept waits for.
	slots chan struct{}
	// closed is closed by Close. It ends the wait for a slot.
	closed chan struct{}
	close  func() error

	mu sync.Mutex
	// idle holds the connections without a request in progress, the one that has been idle longest first.
	idle     *list.List
	elements map[net.Conn]*list.Element
	// wanted is true while Accept waits for a connection to be closed.
	wanted bool
}

// New returns a listener with at most limit open connections. Watch must be called before the listener is served.
func New(l net.Listener, limit int) *Listener {
	limited := &Listener{
		Listener: l,
		slots:    make(chan struct{}, limit),
		closed:   make(chan struct{}),
		idle:     list.New(),
		elements: map[net.Conn]*list.Element{},
	}
	limited.close = sync.OnceValue(func() error {
		close(limited.closed)
		return l.Close()
	})
	return limited
}

// Watch sets the server's ConnState hook, which reports idle connections to the listener. The server may serve a TLS
// listener on top of this one.
func (l *Listener) Watch(server *http.Server) { server.ConnState = l.setState }

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	if err := l.acquireSlot(); err != nil {
		return nil, err
	}

	conn, err := l.acceptWithDescriptor()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &countedConn{Conn: conn, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

// descriptorRetryInterval is the time to wait for a file descriptor if there is no idle connection to close.
const descriptorRetryInterval = 20 * time.Millisecond

// acceptWithDescriptor calls the underlying listener's Accept. If the process or the machine has run out of file
// descriptors, it closes idle connections until one is available: their number is below the limit then, so nothing else
// would close them.
func (l *Listener) acceptWithDescriptor() (net.Conn, error) {
	defer l.setWanted(false)
	for {
		conn, err := l.Listener.Accept()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return conn, err
		}

		if l.setWanted(true) {
			continue
		}
		select {
		case <-time.After(descriptorRetryInterval):
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// Close implements net.Listener. Open connections stay open.
func (l *Listener) Close() error { return l.close() }

// acquireSlot waits for a slot, or returns net.ErrClosed. The slot is acquired before a connection arrives, so the last
// one is always reserved for the next connection.
func (l *Listener) acquireSlot() error {
	select {
	case l.slots <- struct{}{}:
		return nil
	default:
	}

	l.setWanted(true)
	defer l.setWanted(false)
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-l.closed:
		return net.ErrClosed
	}
}

// setWanted sets whether a connection must be closed for a new one. If so, it closes the connection that has been idle
// longest, if there is one, and reports whether there was.
func (l *Listener) setWanted(wanted bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.wanted = wanted
	oldest := l.idle.Front()
	if !wanted || oldest == nil {
		return false
	}
	l.closeIdle(oldest.Value.(net.Conn))
	return true
}

// closeIdle closes an idle connection for the one that is wanted. The lock is held.
func (l *Listener) closeIdle(conn net.Conn) {
	l.wanted = false
	l.removeIdle(conn)

	// Closing a TLS connection would send an alert first, and block if the peer does not read.
	if encrypted, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = encrypted.NetConn()
	}
	conn.Close() //nolint:errcheck,gosec // no request is in progress
}

// removeIdle removes a connection from the idle ones. The lock is held.
func (l *Listener) removeIdle(conn net.Conn) {
	if element, ok := l.elements[conn]; ok {
		l.idle.Remove(element)
		delete(l.elements, conn)
	}
}

// setState implements http.Server.ConnState.
func (l *Listener) setState(conn net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.removeIdle(conn)
	switch {
	case state != http.StateIdle:
	case l.wanted:
		l.closeIdle(conn)
	default:
		l.elements[conn] = l.idle.PushBack(conn)
	}
}

// countedConn is a connection that holds a slot until it is closed.
type countedConn struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// CloseWrite lets net/http finish sending a response before it closes a connection with a partly read request.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
