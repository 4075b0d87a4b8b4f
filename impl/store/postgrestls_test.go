package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that connections to another machine are encrypted unless the DSN says otherwise, and that the refusal names
// the settings.
func TestPostgres_Unprotected(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	t.Setenv("PGHOST", "192.0.2.1") // reserved for documentation (RFC 5737)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing is to be connected to
	for dsn, refused := range map[string]bool{
		"postgres://u:hunter2@192.0.2.1/x":                         true,
		"postgres://u:hunter2@db.example/x":                        true,
		"postgres://u:hunter2@127.0.0.1,db.example/x":              true,
		"postgres:///x?user=u&password=hunter2":                    true,
		"postgres://u:hunter2@192.0.2.1/x?sslmode=disable":         false,
		"postgres://u:hunter2@db.example/x?sslmode=verify-full":    false,
		"postgres://u:hunter2@127.0.0.1:1/x":                       false,
		"postgres://u:hunter2@[::1]:1/x":                           false,
		"postgres://u:hunter2@localhost:1/x":                       false,
		"postgres:///x?host=/var/run/none&user=u&password=hunter2": false,
	} {
		st, err := store.Open(ctx, dsn, time.Now)
		if err == nil {
			t.Fatalf("%s: opened: %v", dsn, st.Close())
		}
		if got := strings.Contains(err.Error(), "sslmode=verify-full to the DSN"); got != refused ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
	t.Setenv("PGSSLMODE", "disable")
	_, err := store.Open(ctx, "postgres://u@192.0.2.1/x", time.Now)
	if err == nil || strings.Contains(err.Error(), "to the DSN") {
		t.Errorf("by PGSSLMODE: %v", err)
	}
}
