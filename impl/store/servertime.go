package store

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// ServerTime switches the store to the clock of the database server, if there is one, and returns that clock.
// Processes that share a database then agree on what has expired, even if their own clocks differ. It must be called
// before the first transaction.
func (s *Store) ServerTime() func() time.Time {
	if s.server != nil {
		s.now = s.server.time
	}
	return s.now
}

// serverClock is a server's clock: its time when a connection was made, plus the time that has passed since. It is
// safe for concurrent use.
type serverClock struct {
	// local only measures elapsed time, which time.Now does even while the machine's clock is set.
	local func() time.Time

	mu sync.Mutex
	// server and at are the same moment on either clock.
	server, at time.Time
}

// time returns the current time of the server's clock.
func (c *serverClock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server.Add(c.local().Sub(c.at))
}

// read reads the server's clock on a new connection.
func (c *serverClock) read(ctx context.Context, connection *pgx.Conn) error {
	began := c.local()
	var server time.Time
	if err := connection.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&server); err != nil {
		return err
	}
	c.adjust(server, began, c.local().Sub(began))
	return nil
}

// adjust applies a reading, unless it differs by at most its own uncertainty, so that time does not jitter.
func (c *serverClock) adjust(server, began time.Time, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := began.Add(took / 2)
	if off := server.Sub(c.server.Add(at.Sub(c.at))); off.Abs() > took || c.at.IsZero() {
		c.server, c.at = server, at
	}
}
