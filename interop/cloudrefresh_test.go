package interop

import (
	"bytes"
	"os"
	"sync"
	"time"

	"github.com/elastic/cloud-sdk-go/pkg/auth"
)

// refreshing is the client's loop that refreshes the token of a session.
type refreshing struct {
	// first is the token at the start.
	first     string
	log       lockedLog
	interrupt chan os.Signal
}

// startRefreshing starts the loop.
func startRefreshing(c cloud, login *auth.UserLogin) (*refreshing, error) {
	r := &refreshing{first: login.Holder.Token(), interrupt: make(chan os.Signal, 1)}
	return r, login.RefreshToken(auth.RefreshTokenParams{
		Client:           c.V1API,
		Frequency:        50 * time.Millisecond,
		ErrorDevice:      &r.log,
		InterruptChannel: r.interrupt,
	})
}

func (r *refreshing) stop() { r.interrupt <- os.Interrupt }

// lockedLog is a writer for several goroutines.
type lockedLog struct {
	mu      sync.Mutex
	written bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedLog) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written.Write(text)
}

// String returns what was written.
func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written.String()
}

// must returns a value that cannot fail to be made.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
