package apikey_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/query"
	"github.com/sallyport/sallyport/impl/store"
)

// pile is a store with many keys: of a hundred users, one of whom has ten keys with names of their own.
type pile struct {
	*apikey.Service
	store *store.Store
	now   time.Time
}

// The statements that fill a store, in SQL of both databases. Every second key expires, and every fiftieth is
// invalidated.
const (
	fillUsers = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
		INSERT INTO users (name, builtin, enabled, roles, full_name, email, password_hash, created_at, updated_at)
		SELECT 'user-' || i, FALSE, TRUE, '[]', '', '', '', 1, 1 FROM n`
	fillCreators = `INSERT INTO documents (id, body) SELECT 'creator-' || name, '{"principal":"' || name ||
		'","realm":"' || CASE WHEN name LIKE '%7' THEN 'corp' ELSE 'default_native' END || '","realm_type":"x"}' FROM users`
	fillKeys = `WITH RECURSIVE n(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1)
		INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at, invalidated_at, assigned,
			limited_by, creator, metadata, version)
		SELECT 'k' || (i * 7919 % 1000003),
			'user-' || CASE WHEN i < 10 THEN 99 ELSE i % 99 END,
			CASE WHEN i < 10 THEN 'solo-' ELSE 'key-' END || i,
			'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
			1790000000000 + i * 1000,
			CASE WHEN i % 2 = 0 THEN 0 ELSE 1890000000000 + (i * 7919 % 1000003) * 1000 END,
			CASE WHEN i % 50 = 0 THEN 1790000000000 + i * 1000 ELSE 0 END, '', '',
			'creator-user-' || CASE WHEN i < 10 THEN 99 ELSE i % 99 END,
			'{"team":"' || (i % 1000) || '","environment":"production"}', 1 FROM n`
)

// heap opens a store with a number of keys.
func heap(t testing.TB, dsn string, keys int, log *slog.Logger) *pile {
	t.Helper()
	p := &pile{now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	var err error
	if p.store, err = store.Open(t.Context(), dsn, func() time.Time { return p.now }); err != nil {
		t.Fatal(err)
	}
	p.Service = apikey.NewService(p.store, apikey.Settings{}, log)
	t.Cleanup(func() {
		p.Close()
		if err := p.store.Close(); err != nil {
			t.Error(err)
		}
	})

	driver, name := "pgx", dsn
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, name = "sqlite", path
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // its work is committed
	run := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	run(fillUsers)
	run(fillCreators)
	run(fillKeys, keys)
	if driver == "pgx" { // as autovacuum does
		run("VACUUM ANALYZE api_keys")
		run("ANALYZE documents")
	}
	return p
}

// growing is a call that is measured.
type growing struct {
	name string
	call func(ctx context.Context, p *pile) (int, error)
	// flat reports whether the call allocates as much at any number of keys.
	flat bool
}

func get(filter apikey.Filter) func(context.Context, *pile) (int, error) {
	caller := access.Subject{Principal: identity.Principal{User: "user-99"}}
	return func(ctx context.Context, p *pile) (int, error) {
		count := 0
		for views, err := range p.Find(ctx, caller, filter, false) {
			if err != nil {
				return 0, err
			}
			count += len(views)
		}
		return count, nil
	}
}

func search(body string) func(context.Context, *pile) (int, error) {
	return func(ctx context.Context, p *pile) (int, error) {
		parsed, err := query.Keys.Parse(any(decoded(body)), p.now)
		if err != nil {
			return 0, err
		}
		found, err := p.Query(ctx, access.Subject{}, parsed, true, false)
		if err != nil {
			return 0, err
		}
		_, err = found.Aggregations(false)
		return found.Total, err
	}
}

func listAll(ctx context.Context, p *pile) (int, error) {
	count := 0
	for _, err := range p.ListAll(ctx) {
		if err != nil {
			return 0, err
		}
		count++
	}
	return count, nil
}

const (
	ofUser = `{"term":{"username":"user-7"}}`
	valid  = `{"term":{"invalidated":false}}`
	byUser = `{"query":` + ofUser + `,`
)

// both returns a request with two clauses and other members.
func both(a, b string, members ...string) string {
	query := `"query":{"bool":{"filter":[` + a + `,` + b + `]}}`
	return `{` + strings.Join(append(members, query), ",") + `}`
}

// growths are the calls that are measured. user-7 has a hundredth of the keys.
var growths = []growing{
	{"get: name", get(apikey.Filter{Name: "key-77"}), true},
	{"get: name*", get(apikey.Filter{Name: "solo-*"}), true},
	{"get: id", get(apikey.Filter{ID: "k7919"}), true},
	{"get: username", get(apikey.Filter{UserName: "user-99"}), true},
	{"get: owner, active_only", get(apikey.Filter{Owned: true, Active: true}), true},
	{"get: name*, realm_name", get(apikey.Filter{Name: "solo-*", RealmName: "default_native"}), true},
	{"query: name", search(`{"query":{"term":{"name":"key-77"}}}`), true},
	{"query: name* and invalidated", search(both(`{"prefix":{"name":"solo-"}}`, valid)), true},
	{"query: username, by creation", search(byUser + `"sort":{"creation":"desc"}}`), true},
	{"query: username, by name", search(byUser + `"sort":"name"}`), true},
	{"query: username and invalidated, by expiration", search(both(ofUser, valid, `"sort":"expiration"`)), true},
	{"query: username, search_after", search(byUser +
		`"sort":["creation","_doc"],"search_after":[1790000500000,"1790000500000:k"]}`), true},
	{"query: all, by creation", search(`{"sort":{"creation":"desc"}}`), true},
	{"query: all, by name", search(`{"sort":"name"}`), true},
	{"query: all, by expiration, search_after", search(`{"sort":"expiration","search_after":[1890000500000]}`), true},
	{"query: name* (a ninth), by creation", search(`{"query":{"prefix":{"name":"key-7"}},"sort":"creation"}`), true},
	{"query: not invalidated, by creation", search(`{"query":` + valid + `,"sort":{"creation":"desc"}}`), true},
	{"query: expiration range (a twentieth), by expiration", search(
		`{"query":{"range":{"expiration":{"gte":1890000000000,"lt":1890100000000}}},"sort":"expiration"}`), true},
	{"query: realm_name (a tenth), by creation", search(
		`{"query":{"term":{"realm_name":"corp"}},"sort":"creation"}`), true},
	{"query: all, aggregated by username", search(`{"size":0,"aggs":{"u":{"terms":{"field":"username"}}}}`), true},
	{"scan: metadata", search(`{"query":{"term":{"metadata.team":"7"}},"sort":"creation"}`), false},
	{"scan: all, aggregated by expiration", search(`{"size":0,"aggs":{"e":{"date_range":{"field":"expiration",` +
		`"ranges":[{"to":"now"},{"from":"now"}]}}}}`), false},
	{"get: all", get(apikey.Filter{}), false},
	{"list: all", listAll, false},
}

// measured is what a call took: the fastest time, because others use the machine, and the allocations of the last call.
type measured struct {
	took           time.Duration
	bytes, objects uint64
	answer         int
}

func measure(t testing.TB, p *pile, g growing, rounds int) (m measured) {
	t.Helper()
	started := time.Now()
	for round := range rounds + 1 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		n, err := g.call(t.Context(), p)
		if err != nil {
			t.Errorf("%s: %v", g.name, err)
			return m
		}
		if took := time.Since(began); round <= 1 || took < m.took { // the first one fills caches
			m.took = took
		}
		m.answer = n
		runtime.ReadMemStats(&after)
		m.bytes, m.objects = after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs
		if time.Since(started) > 5*time.Second {
			break
		}
	}
	return m
}

// Ensures that what a call allocates follows from the answer, and not from what is stored.
func TestGrowth(t *testing.T) {
	databases(t, func(t *testing.T, dsn string) {
		few := heap(t, dsn, 1_000, slog.New(slog.DiscardHandler))
		many := heap(t, another(t, dsn), 20_000, slog.New(slog.DiscardHandler))
		for _, g := range growths {
			if !g.flat {
				continue
			}
			t.Run(g.name, func(t *testing.T) {
				before, after := measure(t, few, g, 1), measure(t, many, g, 1)
				if after.answer == 0 || after.objects > 2*before.objects+500 {
					t.Errorf("%d objects allocated at 1,000 keys, %d at 20,000; %d found", before.objects, after.objects,
						after.answer)
				}
			})
		}
	})
}

// maxLive bounds what a call that reads many keys holds at one time, in bytes. The garbage it makes is not bounded.
const maxLive = 8 << 20

// Ensures that a list of many keys, and a query that reads all of them, hold little memory at one time.
func TestGrowth_Memory(t *testing.T) {
	keys := 50_000
	if os.Getenv("SALLYPORT_TEST_THOROUGH") == "1" {
		keys = 500_000
	}
	databases(t, func(t *testing.T, dsn string) {
		p := heap(t, dsn, keys, slog.New(slog.DiscardHandler))
		for _, c := range []growing{
			{name: "get: all", call: get(apikey.Filter{})},
			{name: "get: active_only", call: get(apikey.Filter{Active: true})},
			{name: "get: name*", call: get(apikey.Filter{Name: "key-*"})},
			{name: "get: realm_name", call: get(apikey.Filter{RealmName: "default_native"})},
			{name: "query: metadata", call: search(`{"query":{"term":{"metadata.team":"7"}},"sort":"creation"}`)},
			{name: "query: all metadata, a page", call: search(`{"query":{"term":{"metadata.environment":"production"}}}`)},
			{name: "query: wildcard", call: search(`{"query":{"wildcard":{"name":"*-1*"}},"sort":"realm_name"}`)},
			{name: "query: aggregated by expiration", call: search(`{"size":0,"aggs":{"e":{"date_range":{` +
				`"field":"expiration","ranges":[{"to":"now"},{"from":"now"}]}}}}`)},
		} {
			t.Run(c.name, func(t *testing.T) {
				count := 0
				live := liveBytes(func() {
					var err error
					if count, err = c.call(t.Context(), p); err != nil {
						t.Error(err)
					}
				})
				t.Logf("%d keys of %d, %.1f MiB live", count, keys, float64(live)/(1<<20))
				if count == 0 || live > maxLive {
					t.Errorf("%d keys, and %d bytes live at one time", count, live)
				}
			})
		}
	})
}

// liveBytes returns how much more memory is in use while f runs than before, at the most. It collects garbage often,
// and counts what is left each time.
func liveBytes(f func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	live := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	runtime.GC()
	before := live()

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f()
	}()
	most := before
	for {
		select {
		case <-ended:
			return most - before
		case <-time.After(time.Millisecond):
			most = max(most, live())
		}
	}
}

// Ensures that a query that reads many keys says so in the log, without values.
func TestQuery_ScanLogged(t *testing.T) {
	var log strings.Builder
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	p := heap(t, dsn, 10_000, slog.New(slog.NewTextHandler(&log, nil)))
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"indexed": {`{"query":{"term":{"username":"user-7"}}}`, ""},
		"scanned": {`{"query":{"wildcard":{"username":"*-7"}}}`, "rows=10000 matched=100"},
	} {
		t.Run(name, func(t *testing.T) {
			log.Reset()
			if _, err := search(c.body)(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if got := log.String(); !strings.Contains(got, c.want) || c.want == "" && got != "" ||
				strings.Contains(got, "-7") {
				t.Errorf("logged %q", got)
			}
		})
	}
}

// TestGrowth_Table prints the table of docs/explanation/performance.md.
func TestGrowth_Table(t *testing.T) {
	if os.Getenv("SALLYPORT_TEST_THOROUGH") != "1" {
		t.Skip("a measurement, which takes minutes: set SALLYPORT_TEST_THOROUGH=1")
	}
	sizes := []int{1_000, 10_000, 100_000, 1_000_000}
	databases(t, func(t *testing.T, dsn string) {
		rows := make([]string, len(growths))
		for _, size := range sizes {
			p := heap(t, another(t, dsn), size, slog.New(slog.DiscardHandler))
			t.Logf("%d keys", size)
			for i, g := range growths {
				m := measure(t, p, g, 20)
				rows[i] += fmt.Sprintf(" %.2f ms, %.2f MB (%d) |", m.took.Seconds()*1e3, float64(m.bytes)/1e6, m.answer)
			}
		}
		for i, g := range growths {
			t.Logf("| %s |%s", g.name, rows[i])
		}
	})
}
