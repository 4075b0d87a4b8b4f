// Package connections bounds how many connections a server has open, so that callers cannot use up its memory or its
// files. Where all are taken, one that idles makes room: only those that are at work keep others waiting, and timeouts
// bound how long.
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

// Limit is a listener that has a bounded number of connections open.
type Limit struct {
	net.Listener
	slots chan struct{}
	// closed ends the wait for a slot.
	closed chan struct{}
	close  func() error

	mu sync.Mutex
	// idle are connections between two requests, the one that has idled longest first.
	idle     *list.List
	elements map[net.Conn]*list.Element
	// wanted tells that a slot is waited for.
	wanted bool
}

// New returns a listener with at most so many connections open. Watch must be called before it serves.
func New(l net.Listener, most int) *Limit {
	limit := &Limit{
		Listener: l, slots: make(chan struct{}, most), closed: make(chan struct{}), idle: list.New(), elements: map[net.Conn]*list.Element{},
	}
	limit.close = sync.OnceValue(func() error {
		close(limit.closed)
		return l.Close()
	})
	return limit
}

// Watch learns from a server which connections idle. A listener on top of this one, for TLS, makes no difference.
func (l *Limit) Watch(server *http.Server) { server.ConnState = l.changed }

// Accept implements net.Listener.
func (l *Limit) Accept() (net.Conn, error) {
	if err := l.take(); err != nil {
		return nil, err
	}
	conn, err := l.accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &counted{Conn: conn, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

// descriptorsInterval is how long to wait for a file descriptor where no connection idles.
const descriptorsInterval = 20 * time.Millisecond

// accept is the listener's Accept. Where the process or the machine has run out of file descriptors, connections that idle are
// closed until there is one: their number is below the limit then, so nothing else would close them.
func (l *Limit) accept() (net.Conn, error) {
	defer l.want(false)
	for {
		conn, err := l.Listener.Accept()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return conn, err
		}
		if l.want(true) {
			continue
		}
		select {
		case <-time.After(descriptorsInterval):
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// Close implements net.Listener. It leaves the connections open.
func (l *Limit) Close() error { return l.close() }

// take waits for a slot. Who waits for the next connection has one already, so one is always left for it.
func (l *Limit) take() error {
	select {
	case l.slots <- struct{}{}:
		return nil
	default:
	}
	l.want(true)
	defer l.want(false)
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-l.closed:
		return net.ErrClosed
	}
}

// want says whether a slot is waited for, and gives up a connection that idles if there is one. It reports whether there was.
func (l *Limit) want(wanted bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted = wanted
	oldest := l.idle.Front()
	if !wanted || oldest == nil {
		return false
	}
	l.giveUp(oldest.Value.(net.Conn))
	return true
}

// giveUp closes a connection. TLS would first say so to its peer, and wait for one that does not listen.
func (l *Limit) giveUp(conn net.Conn) {
	l.wanted = false
	l.forget(conn)
	if encrypted, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = encrypted.NetConn()
	}
	conn.Close() //nolint:errcheck,gosec // there is nothing to be lost
}

func (l *Limit) forget(conn net.Conn) {
	if element, ok := l.elements[conn]; ok {
		l.idle.Remove(element)
		delete(l.elements, conn)
	}
}

func (l *Limit) changed(conn net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(conn)
	switch {
	case state != http.StateIdle:
	case l.wanted:
		l.giveUp(conn)
	default:
		l.elements[conn] = l.idle.PushBack(conn)
	}
}

// counted is a connection that has a slot until it is closed.
type counted struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// CloseWrite lets a server send an answer to its end before it closes the connection on a request that it did not read.
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
