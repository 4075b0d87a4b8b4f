package store

import (
	"path/filepath"
	"testing"
	"time"
)

// Ensures that commits wait for the disk, but for those of a temporary store.
func TestOpenTemporary(t *testing.T) {
	const off, full = 0, 2
	for name, c := range map[string]struct {
		open func(dsn string) (*Store, error)
		want int
	}{
		"durable":   {func(dsn string) (*Store, error) { return Open(t.Context(), dsn, time.Now) }, full},
		"temporary": {func(dsn string) (*Store, error) { return OpenTemporary(t.Context(), dsn, time.Now) }, off},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := c.open("sqlite:" + filepath.Join(t.TempDir(), "test.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // nothing to lose

			var got int
			if err := s.writer.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&got); err != nil || got != c.want {
				t.Errorf("synchronous is %d, %v; want %d", got, err, c.want)
			}
		})
	}
	if _, err := OpenTemporary(t.Context(), "postgres://localhost/x", time.Now); err == nil {
		t.Error("a temporary store on PostgreSQL is opened")
	}
}
