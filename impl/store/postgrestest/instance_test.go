package postgrestest_test

import (
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Ensures that an instance stopped cleanly or by a crash does not accept connections, and restarts at the same
// address with its data.
func TestInstance(t *testing.T) {
	t.Parallel()
	i := postgrestest.NewInstance(t)
	for _, how := range []syscall.Signal{postgrestest.Fast, postgrestest.Immediate} {
		connection := connect(t, i.DSN())
		if _, err := connection.Exec(t.Context(),
			"CREATE TABLE IF NOT EXISTS kept (); INSERT INTO kept DEFAULT VALUES"); err != nil {
			t.Fatal(err)
		}

		i.Stop(t, how)
		if err := connection.Ping(t.Context()); err == nil {
			t.Errorf("%v: a connection outlives the server", how)
		}

		if other, err := pgx.Connect(t.Context(), i.DSN()); err == nil {
			t.Errorf("%v: it answers", how)
			other.Close(t.Context()) //nolint:errcheck // it should not be
		}

		i.Start(t)
	}

	connection := connect(t, i.DSN())
	defer connection.Close(t.Context()) //nolint:errcheck // it has read
	var kept int
	if err := connection.QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&kept); err != nil || kept != 2 {
		t.Errorf("%d rows are left (%v); want 2", kept, err)
	}
}
