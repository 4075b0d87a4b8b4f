package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// cutName is the application name of the connections that may be cut.
const cutName = "sallyport-cut"

// cutting is the interval between cuts of all connections.
const cutting = 100 * time.Millisecond

// Ensures that if the connections to PostgreSQL are cut repeatedly during changes, no acknowledged change is lost,
// none is applied in part, and none is applied twice.
func TestFault_Cut(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Database(t) + "&application_name=" + cutName // other tests use the same server
	r := serveFleet(t, dsn)
	l, after := r.mix(often(24)), r.mix(2)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var cutter sync.WaitGroup
	cuts := 0
	cutter.Go(func() { cuts = cut(ctx, t, dsn) })
	err := r.run(l, func(int) {})
	stop()
	cutter.Wait()
	if err != nil {
		t.Error(err)
	}
	if len(l.of(acknowledged)) == 0 || cuts < 10 {
		t.Errorf("nothing was tested: %d connections were cut; %s", cuts, l)
	}
	if err := r.run(after, func(int) {}); err != nil || len(after.of(acknowledged)) != len(after.changes) {
		t.Errorf("after it: %s, %v", after, err)
	}
	r.check(l)
	r.check(after)
	t.Logf("%d connections were cut: %s", cuts, l)
}

// cut cuts all other connections to a database until ctx is done, and returns the number of cuts.
func cut(ctx context.Context, t *testing.T, dsn string) (cuts int) {
	connection, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer connection.Close(t.Context()) //nolint:errcheck // not needed any more
	every := time.NewTicker(cutting)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return cuts
		case <-every.C:
		}
		var n int
		err := connection.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()`, cutName).Scan(&n)
		if err != nil {
			t.Error(err)
			return cuts
		}
		cuts += n
	}
}
