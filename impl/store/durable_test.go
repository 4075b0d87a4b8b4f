package store

import (
	"path/filepath"
	"testing"
	"time"
)

// Ensures that the commits of a database file wait for the disk.
func TestOpen_Durable(t *testing.T) {
	const full = 2
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // nothing to lose

	var got int
	if err := s.writer.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&got); err != nil || got != full {
		t.Errorf("synchronous is %d, %v; want %d", got, err, full)
	}
}
