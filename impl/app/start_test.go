package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// raced is set if the race detector is on, which allocates, too.
var raced bool

// The limits are above what was counted when they were set: 1.1 MiB, and 624 for a KiB of the contract. A hash would be
// 19 MiB.
const (
	maxOpenBytes         = 2 << 20
	maxAllocationsPerKiB = 680
)

// Ensures that a server on an existing database starts without work that a request could do later, such as hashing a
// password.
func TestOpen_Allocations(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	s := startSettings(t)
	open := func() uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := Open(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		return after.TotalAlloc - before.TotalAlloc
	}

	open() // creates the database, and parses the contract
	if bytes := open(); bytes > maxOpenBytes {
		t.Errorf("opening an existing database allocates %d bytes; want at most %d", bytes, maxOpenBytes)
	}
}

// Ensures that parsing the contract, the largest part of a start, does not grow faster than the contract.
func TestContract_Allocations(t *testing.T) {
	n := testing.AllocsPerRun(3, func() {
		if _, err := contract.Parse(api.OpenAPI); err != nil {
			t.Fatal(err)
		}
	})
	if perKiB := n / float64(len(api.OpenAPI)) * 1024; perKiB > maxAllocationsPerKiB {
		t.Errorf("parsing the contract makes %.0f allocations per KiB of it; want at most %d", perKiB, maxAllocationsPerKiB)
	}
}

func startSettings(t *testing.T) Settings {
	t.Helper()
	c, err := config.Load(config.Sources{Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	return Settings{
		Store:            "sqlite:" + filepath.Join(t.TempDir(), "test.db"),
		KeyEncryptionKey: secret.NewKey(),
		Builtins:         user.Bootstrap{Keep: func(map[string]string) error { return nil }},
		Sessions:         c.Sessions,
		Elevation:        c.Elevation,
		Keys:             c.Keys,
		CacheLifetime:    c.CacheLifetime,
		SignOn:           c.SignOn,
		Lockout:          c.Lockout,
		AddressFailures:  c.AddressFailures,
		AddressRecovery:  c.AddressRecovery,
		Hashing:          secret.DefaultCost,
		Log:              slog.New(slog.DiscardHandler),
		Now:              time.Now,
	}
}

// Ensures that a start on a store that fails ends with the first error, and does not ask the store for more.
func TestReviewRecords_FirstError(t *testing.T) {
	s := startSettings(t)
	a, err := Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close() //nolint:errcheck // nothing to lose
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := reviewRecords(ctx, a.Keys, a.Roles, a.Users, s.Log); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v; want one error", err)
	}
}

// zeros is a source of bytes that can be predicted.
type zeros struct{}

// Fill implements secret.Generator.
func (zeros) Fill(_ string, p []byte) int64 {
	clear(p)
	return 1
}

// Ensures that a server with records in a file cannot have predictable secrets, and leaves no file.
func TestOpen_PredictableFile(t *testing.T) {
	s := startSettings(t)
	s.Random = secret.NewSource(zeros{})
	if a, err := Open(t.Context(), s); err == nil {
		t.Error("the server is open")
		a.Close() //nolint:errcheck // nothing to lose
	}
	if _, err := os.Stat(strings.TrimPrefix(s.Store, "sqlite:")); err == nil {
		t.Error("there is a database")
	}
}
