package http_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// manyKeys is how many keys one request changes.
const manyKeys = 10_000

// crowdedKeys is a server and its store, with a user bob that has many keys.
type crowdedKeys struct {
	handler http.Handler
	store   *store.Store
	header  http.Header
	ids     []string
}

func newCrowdedKeys(b *testing.B, dsn string) crowdedKeys {
	b.Helper()

	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}

	a, err := app.Open(b.Context(), settings(dsn, slog.New(slog.DiscardHandler), time.Now))
	must(err)
	b.Cleanup(func() { must(a.Close()) })
	_, err = a.Users.Add(b.Context(), user.New{
		Name:     "bob",
		Roles:    []string{string(identity.PlatformAdmin)},
		Password: bobPassword,
	})
	must(err)
	st, err := store.Open(b.Context(), dsn, time.Now)
	must(err)
	b.Cleanup(func() { must(st.Close()) })
	k := crowdedKeys{handler: a.Handler, store: st, ids: make([]string, manyKeys)}
	must(st.Update(b.Context(), func(tx *store.Tx) error {
		for i := range k.ids {
			k.ids[i] = fmt.Sprintf("%020d", i*7919%manyKeys) // in no order
			if err := tx.Keys.Insert(store.APIKey{
				ID:           k.ids[i],
				UserName:     "bob",
				Description:  "k",
				SecretDigest: fmt.Sprintf("%064d", i),
			}); err != nil {
				return err
			}
		}
		return nil
	}))

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth("bob", bobPassword)
	k.header = http.Header{"Content-Type": {"application/json"}, "Authorization": r.Header["Authorization"]}
	return k
}

// change is what the benchmarks of the store write; the version makes it another one each time.
func (k crowdedKeys) change(tx *store.Tx, version int) error {
	metadata := fmt.Sprintf(`{"version":%d}`, version)
	return tx.Keys.Update(k.ids, store.KeyChange{
		Metadata:  &metadata,
		LimitedBy: "l",
		Creator:   "c",
		Version:   1,
	})
}

// What it costs to change 10,000 keys in one request: with the bare database doing the same, without and with the audit
// trail; and what it costs if there is nothing to change, or no such key.
func BenchmarkBulkUpdate10k(b *testing.B) {
	send := func(k crowdedKeys, query, body string) {
		if answer := serve(k.handler, http.MethodPost, bulkURL+query, body, k.header); answer.Code != http.StatusOK {
			b.Fatalf("answered %d %s", answer.Code, answer.Body)
		}
	}

	ids := func(k crowdedKeys) string { return `{"ids":` + asJSON(k.ids) }
	for _, c := range []struct {
		name string
		run  func(b *testing.B, k crowdedKeys, version int)
	}{
		{"store", func(b *testing.B, k crowdedKeys, version int) {
			if err := k.store.Update(b.Context(), func(tx *store.Tx) error { return k.change(tx, version) }); err != nil {
				b.Fatal(err)
			}
		}},
		{"store with audit", func(b *testing.B, k crowdedKeys, version int) {
			err := k.store.Update(b.Context(), func(tx *store.Tx) error {
				if err := k.change(tx, version); err != nil {
					return err
				}
				return audit.RecordEach(b.Context(), tx, audit.KeyUpdated, k.ids, audit.Details{
					"user":     "bob",
					"metadata": "replaced",
				})
			})
			if err != nil {
				b.Fatal(err)
			}
		}},
		{"handler", func(_ *testing.B, k crowdedKeys, version int) {
			send(k, "", ids(k)+fmt.Sprintf(`,"metadata":{"version":%d}}`, version))
		}},
		{"handler dry run",
			func(_ *testing.B, k crowdedKeys, _ int) { send(k, "?dry_run", ids(k)+`,"metadata":{"version":0}}`) }},
		{"handler noop", func(_ *testing.B, k crowdedKeys, _ int) { send(k, "", ids(k)+`}`) }},
		{"handler unknown", func(_ *testing.B, k crowdedKeys, _ int) {
			unknown := make([]string, manyKeys)
			for i := range unknown {
				unknown[i] = "x" + k.ids[i]
			}
			k.ids = unknown
			send(k, "", ids(k)+`}`)
		}},
	} {
		for database, dsn := range map[string]func(*testing.B) string{
			"sqlite":   func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "bench.db") },
			"postgres": func(b *testing.B) string { return postgrestest.DSN(b) },
		} {
			b.Run(c.name+"/"+database, func(b *testing.B) {
				k := newCrowdedKeys(b, dsn(b))
				c.run(b, k, -1) // the first request also warms up the caches
				b.ReportAllocs()
				for version := 0; b.Loop(); version++ {
					c.run(b, k, version)
				}
				b.ReportMetric(float64(b.N)*manyKeys/b.Elapsed().Seconds(), "keys/s")
			})
		}
	}
}
