// Package logging writes the program's log: slog's formats, encoded without allocations and written in batches.
package logging

import (
	"io"
	"sync"
	"time"
)

// Delay is the maximum time for which a Buffer holds a line while its destination accepts writes.
const Delay = 20 * time.Millisecond

// bufferSize is the size in bytes from which lines are written at once.
const bufferSize = 32 << 10

// Buffer is a writer that collects lines and writes them together, in one system call. If the destination blocks, so do
// writers once the buffer is full; it does not grow. It is safe for concurrent use.
type Buffer struct {
	to io.Writer

	mu   sync.Mutex
	held []byte
	// timer flushes the held lines.
	timer  *time.Timer
	closed bool
}

// NewBuffer returns a buffer for a destination. The caller closes it before the program ends.
func NewBuffer(to io.Writer) *Buffer {
	b := &Buffer{to: to, held: make([]byte, 0, bufferSize)}
	b.timer = time.AfterFunc(Delay, b.Flush)
	return b
}

// Write implements io.Writer for whole lines. It returns no error of the destination for lines that it holds: a log
// has no other place to report it.
func (b *Buffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	if len(b.held)+len(line) > cap(b.held) {
		b.flush()
	}
	if b.closed || len(line) > cap(b.held) {
		return b.to.Write(line)
	}
	if len(b.held) == 0 {
		b.timer.Reset(Delay)
	}
	b.held = append(b.held, line...)
	return len(line), nil
}

// Flush writes the held lines.
func (b *Buffer) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
}

// flush writes the held lines, and drops them if that fails, so that they are not held forever.
func (b *Buffer) flush() {
	if len(b.held) > 0 {
		_, _ = b.to.Write(b.held)
		b.held = b.held[:0]
	}
}

// Close writes the held lines. Later lines are written at once.
func (b *Buffer) Close() {
	b.timer.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
	b.closed = true
}
