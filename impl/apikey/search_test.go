package apikey_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/query"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// databases runs a test on an empty database of each kind.
func databases(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db")) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, postgrestest.DSN(t)) })
}

// another returns the DSN of another empty database of the same kind.
func another(t *testing.T, dsn string) string {
	t.Helper()
	if store.IsPostgres(dsn) {
		return postgrestest.DSN(t)
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "another.db")
}

// warehouse is a store of random keys with the documents that queries should see.
type warehouse struct {
	*apikey.Service
	store *store.Store
	now   time.Time
	// documents are what the queries see, oldest first.
	documents []query.Document
}

// The pools that random keys and queries are made of.
var (
	someNames = []string{"", "a", "ab", "abc", "b", "B", "é", "a\U0010FFFF", "\U0010FFFF", "a*", "a?", `a\b`, "\ud7ff",
		"zz"}
	someUsers  = []string{"alice", "bob", "carol"}
	someRealms = []string{"default_native", "corp", "Corp"}
	someTags   = []string{"x", "y", "1"}
)

// stock opens a store with random keys, and more equal ones of carol's. If they are revoked, it is all at once, and not
// all are swept.
func stock(t *testing.T, dsn string, more int, revoked bool) *warehouse {
	t.Helper()
	w := &warehouse{now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	var err error
	if w.store, err = store.Open(t.Context(), dsn, func() time.Time { return w.now }); err != nil {
		t.Fatal(err)
	}
	w.Service = apikey.NewService(w.store, apikey.Settings{}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		w.Close()
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})

	change := func(f func(*store.Tx) error) {
		t.Helper()
		if err := w.store.Update(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx *store.Tx) error {
		for _, name := range someUsers {
			if err := tx.Users.Insert(store.User{Name: name, Enabled: true}); err != nil {
				return err
			}
		}
		return nil
	})

	r := rand.New(rand.NewPCG(1, 2))
	for batch := range 40 {
		w.now = w.now.Add(time.Duration(1+batch%3) * 12 * time.Hour)
		change(func(tx *store.Tx) error { return w.insert(tx, r, batch, 12) })
		change(func(tx *store.Tx) error { return w.invalidate(tx, r) })
	}
	change(func(tx *store.Tx) error { return w.insertMany(tx, "carol", more) })
	if revoked {
		w.now = w.now.Add(time.Hour)
		change(func(tx *store.Tx) error {
			_, err := tx.Keys.RevokeUser("carol")
			return err
		})
		w.revoke("carol")
	}
	slices.SortFunc(w.documents, func(a, b query.Document) int {
		return cmp.Or(a.Creation.Compare(b.Creation), strings.Compare(a.ID, b.ID))
	})
	return w
}

// insert adds a batch of random keys of one moment.
func (w *warehouse) insert(tx *store.Tx, r *rand.Rand, batch, count int) error {
	for i := range count {
		pick := func(list []string) string { return list[r.IntN(len(list))] }
		d := query.Document{
			ID: fmt.Sprintf("%c%02d%02d", 'a'+rune(r.IntN(26)), batch, i), Name: pick(someNames), Type: condition.Rest,
			UserName: pick(someUsers), RealmName: pick(someRealms), Creation: tx.Now,
		}
		if r.IntN(8) == 0 {
			d.Type = condition.CrossCluster
		}
		if r.IntN(2) == 0 {
			d.Expiration = tx.Now.Add(time.Duration(r.IntN(40)-10) * 12 * time.Hour)
		}
		creator := ""
		if d.RealmName != identity.Native.Name || r.IntN(2) == 0 {
			var err error
			text := fmt.Sprintf(`{"principal":%q,"realm":%q,"realm_type":"x"}`, d.UserName, d.RealmName)
			if creator, err = tx.Documents.Put([]byte(text)); err != nil {
				return err
			}
		}
		metadata := ""
		if r.IntN(2) == 0 {
			metadata = fmt.Sprintf(`{"tag":[%q,%q],"n":%d}`, pick(someTags), pick(someTags), r.IntN(3))
			d.Metadata = func() (map[string]any, error) { return decoded(metadata), nil }
		}
		w.documents = append(w.documents, d)
		err := tx.Keys.Insert(store.APIKey{ID: d.ID, UserName: d.UserName, Description: d.Name, ExpiresAt: d.Expiration,
			Creator: creator, Metadata: metadata, Version: 1, Type: d.Type})
		if err != nil {
			return err
		}
	}
	return nil
}

// insertMany adds equal keys.
func (w *warehouse) insertMany(tx *store.Tx, owner string, count int) error {
	for i := range count {
		d := query.Document{ID: fmt.Sprintf("many-%04d", i), Name: "many", Type: condition.Rest, UserName: owner,
			RealmName: identity.Native.Name, Creation: tx.Now}
		w.documents = append(w.documents, d)
		if err := tx.Keys.Insert(store.APIKey{ID: d.ID, UserName: owner, Description: d.Name}); err != nil {
			return err
		}
	}
	return nil
}

// invalidate invalidates some of the keys.
func (w *warehouse) invalidate(tx *store.Tx, r *rand.Rand) error {
	var ids []string
	for range 3 {
		d := &w.documents[r.IntN(len(w.documents))]
		if !d.Invalidated {
			d.Invalidated, d.Invalidation = true, tx.Now
			ids = append(ids, d.ID)
		}
	}
	_, err := tx.Keys.Invalidate(ids)
	return err
}

// revoke invalidates the documents of a user's keys.
func (w *warehouse) revoke(owner string) {
	for i := range w.documents {
		if d := &w.documents[i]; d.UserName == owner && !d.Invalidated {
			d.Invalidated, d.Invalidation = true, w.now
		}
	}
}

func decoded(text string) map[string]any {
	value, err := strictjson.DecodeStored([]byte(text))
	if err != nil {
		panic(err)
	}
	members, _ := value.(map[string]any)
	return members
}

// draw makes random requests.
type draw struct{ *rapid.T }

func (d draw) of(list ...string) string { return rapid.SampledFrom(list).Draw(d.T, "choice") }

func (d draw) times(n int) int { return rapid.IntRange(0, n).Draw(d.T, "number") }

func (d draw) text() string {
	return d.of(append(append(slices.Clone(someNames), someUsers...), someRealms...)...)
}

func quoted(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(out)
}

func (d draw) keyword() string { return d.of("name", "username", "realm_name", "type") }

func (d draw) date() string {
	return d.of("2026-11-25", "2026-11", "now", "now-3d/d", "2026-12-10T12:00:00.000Z", "2026-12-11T00:00:00Z",
		"1970-01-01")
}

func (d draw) dateField() string { return d.of("creation", "expiration", "invalidation") }

func (d draw) field() string {
	return d.of("name", "username", "realm_name", "type", "creation", "expiration", "invalidation", "invalidated",
		"metadata.tag", "metadata")
}

// query draws a query.
func (d draw) query(depth int) string {
	kinds := []string{"term", "terms", "dateterm", "invalidated", "range", "daterange", "prefix", "wildcard", "exists",
		"ids", "metadata", "simple", "all"}
	if depth > 0 {
		kinds = append(kinds, "bool", "bool", "bool", "bool")
	}
	switch d.of(kinds...) {
	case "term":
		return fmt.Sprintf(`{"term":{%q:{"value":%s,"case_insensitive":%t}}}`, d.keyword(), quoted(d.text()), d.times(5) == 0)
	case "terms":
		return fmt.Sprintf(`{"terms":{%q:[%s,%s]}}`, d.keyword(), quoted(d.text()), quoted(d.text()))
	case "dateterm":
		return fmt.Sprintf(`{"term":{%q:%q}}`, d.dateField(), d.of("2026-11-25", "2026-12", "2026-11-26T00:00:00Z"))
	case "invalidated":
		return `{"term":{"invalidated":` + d.of("true", "false") + `}}`
	case "range":
		return fmt.Sprintf(`{"range":{%q:{%q:%s}}}`, d.keyword(), d.of("gt", "gte", "lt", "lte"), quoted(d.text()))
	case "daterange":
		return fmt.Sprintf(`{"range":{%q:{%q:%q,%q:%q}}}`, d.dateField(), d.of("gt", "gte"), d.date(),
			d.of("lt", "lte"), d.date())
	case "prefix":
		return fmt.Sprintf(`{"prefix":{%q:%s}}`, d.keyword(), quoted(d.text()))
	case "wildcard":
		return fmt.Sprintf(`{"wildcard":{%q:%s}}`, d.keyword(), quoted(d.text()+d.of("", "*", "?", "*b", `\*`)))
	case "exists":
		return fmt.Sprintf(`{"exists":{"field":%q}}`, d.field())
	case "ids":
		return fmt.Sprintf(`{"ids":{"values":[%q,%q,"unknown"]}}`, d.of("a0000", "b0101", "c0203"), d.of("k0101", "m0309"))
	case "metadata":
		return d.of(`{"term":{"metadata.tag":"x"}}`, `{"range":{"metadata.n":{"gte":"1"}}}`)
	case "simple":
		return fmt.Sprintf(`{"simple_query_string":{"query":%s,"fields":[%q,%q],"default_operator":%q}}`,
			quoted(d.text()+d.of("", "*", " ")+d.of("+", "|", " -", " ")+d.text()), d.keyword(), d.keyword(), d.of("and", "or"))
	case "bool":
		return fmt.Sprintf(`{"bool":{"must":[%s],"filter":[%s],"should":[%s],"must_not":[%s]%s}}`, d.list(depth),
			d.list(depth), d.list(depth), d.list(depth), d.of("", "", `,"minimum_should_match":1`, `,"minimum_should_match":2`))
	}
	return `{"match_all":{}}`
}

func (d draw) list(depth int) string {
	parts := make([]string, d.times(2))
	for i := range parts {
		parts[i] = d.query(depth - 1)
	}
	return strings.Join(parts, ",")
}

// sort draws criteria.
func (d draw) sort() string {
	keys := make([]string, d.times(3))
	for i := range keys {
		field := d.of("name", "username", "creation", "expiration", "invalidation", "invalidated", "type", "_doc",
			"realm_name", "metadata.tag")
		missing := ""
		if field != "_doc" && d.times(2) == 0 {
			missing = `,"missing":"_first"`
		}
		keys[i] = fmt.Sprintf(`{%q:{"order":%q%s}}`, field, d.of("asc", "desc"), missing)
	}
	return "[" + strings.Join(keys, ",") + "]"
}

// aggregations draws aggregations.
func (d draw) aggregations() string {
	terms := func() string { return fmt.Sprintf(`{"terms":{"field":%q,"size":20}}`, d.field()) }
	switch d.times(6) {
	case 0:
		return `{"a":` + terms() + `}`
	case 1:
		return fmt.Sprintf(`{"a":{"terms":{"field":%q},"aggs":{"b":%s,"c":{"value_count":{"field":%q}}}}}`,
			d.of("username", "realm_name", "invalidated"), terms(), d.field())
	case 2:
		return fmt.Sprintf(`{"a":{"missing":{"field":%q}},"b":{"cardinality":{"field":%q}}}`, d.field(), d.field())
	case 3:
		return fmt.Sprintf(`{"a":{"filter":%s},"b":{"filters":{"filters":[%s,%s],"other_bucket":true}}}`, d.query(1),
			d.query(0), d.query(0))
	case 4:
		return fmt.Sprintf(`{"a":{"date_range":{"field":%q,"ranges":[{"to":%q},{"from":%q}]}}}`, d.dateField(), d.date(),
			d.date())
	case 5:
		return fmt.Sprintf(`{"a":{"composite":{"size":5,"sources":[{"u":{"terms":{"field":"username"}}},`+
			`{"f":{"terms":{"field":%q,"missing_bucket":true}}}]}}}`, d.field())
	}
	return `{}`
}

// tester is *testing.T or *rapid.T.
type tester interface {
	rapid.TB
	Context() context.Context
}

// outcome is the answer to a request in a form that can be compared.
func outcome(t tester, total int, ids []string, sorts [][]any, aggregations map[string]any) string {
	text, err := json.Marshal([]any{total, ids, sorts, aggregations})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inMemory evaluates a request over the documents.
func (w *warehouse) inMemory(t tester, request *query.Request, owner string) (string, []any) {
	visible := func(yield func(query.Document) bool) {
		for _, d := range w.documents {
			if (owner == "" || d.UserName == owner) && !yield(d) {
				return
			}
		}
	}
	result, err := request.Run(t.Context(), visible)
	if err != nil {
		t.Fatal(err)
	}
	aggregations, err := result.Aggregations(true)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	var sorts [][]any
	var last []any
	for _, hit := range result.Hits {
		ids, sorts, last = append(ids, hit.Document.ID), append(sorts, hit.Sort), hit.Sort
	}
	return outcome(t, result.Total, ids, sorts, aggregations), last
}

// inDatabase evaluates a request by the service.
func (w *warehouse) inDatabase(t tester, request *query.Request, owner string) string {
	caller := access.Subject{Principal: identity.Principal{User: owner}}
	found, err := w.Query(t.Context(), caller, request, owner == "", false)
	if err != nil {
		t.Fatal(err)
	}
	aggregations, err := found.Aggregations(true)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	var sorts [][]any
	for _, hit := range found.Page {
		ids, sorts = append(ids, hit.ID), append(sorts, hit.Sort)
	}
	return outcome(t, found.Total, ids, sorts, aggregations)
}

// Ensures that the database gives the same answer as the evaluation over all documents: ids, order, total and
// aggregations, also of the next page.
func TestQuery_Differential(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more    int
		revoked bool
	}{
		"few":      {},
		"one user": {more: 1_100},  // enough to read the user's keys in the order of the page
		"many":     {more: 10_100}, // enough to read all keys in the order of the page
		"sweeping": {more: 1_001, revoked: true},
	} {
		t.Run(name, func(t *testing.T) {
			databases(t, func(t *testing.T, dsn string) { compareQueries(t, dsn, c.more, c.revoked) })
		})
	}
}

// Ensures that the answers are the same on a database with a locale that orders texts otherwise than their bytes.
func TestQuery_Localized(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]int{"few": 0, "one user": 1_100} {
		t.Run(name, func(t *testing.T) { compareQueries(t, postgrestest.Localized(t), more, false) })
	}
}

// compareQueries compares the answers to random queries with the evaluation over all documents. One user has more keys
// than others.
func compareQueries(t *testing.T, dsn string, more int, revoked bool) {
	t.Helper()
	w := stock(t, dsn, more, revoked)
	decided := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		size, owner := 1+d.times(12), d.of("", "", "carol")
		members := fmt.Sprintf(`"query":%s,"sort":%s,"aggs":%s,"size":%d`, d.query(2), d.sort(), d.aggregations(), size)
		from := fmt.Sprintf(`,"from":%d`, d.times(1)*d.times(30))
		for body, last := members+from, []any(nil); ; body = members + `,"search_after":` + after(last) {
			request, err := query.Keys.Parse(any(decoded(`{`+body+`}`)), w.now)
			if err != nil {
				rt.Fatalf("%s: %v", body, err)
			}
			if plan := request.Plan(); plan.Decided && plan.Segments != nil {
				decided++
			}

			want, next := w.inMemory(rt, request, owner)
			if got := w.inDatabase(rt, request, owner); got != want {
				rt.Fatalf("%s of %q:\n%s; want\n%s", body, owner, got, want)
			}
			if last != nil || len(next) == 0 {
				break
			}
			last = next
		}
	})
	if decided < 20 {
		t.Errorf("the database decided %d requests", decided)
	}
}

func after(sort []any) string {
	text, err := json.Marshal(sort)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Ensures that the database, or the evaluation in memory, decides queries with many clauses: SQLite limits the depth of
// an expression, and each condition on realms reads another table.
func TestQuery_ManyClauses(t *testing.T) {
	t.Parallel()
	repeat := func(count int, clause string) string {
		parts := make([]string, count)
		for i := range parts {
			parts[i] = fmt.Sprintf(clause, i)
		}
		return strings.Join(parts, ",")
	}
	databases(t, func(t *testing.T, dsn string) {
		w := stock(t, dsn, 0, false)
		for name, c := range map[string]struct {
			query   string
			decided bool
		}{
			"or":               {`{"bool":{"should":[{"term":{"name":"a"}},` + repeat(999, `{"term":{"name":"n%d"}}`) + `]}}`, true},
			"and":              {`{"bool":{"must_not":[` + repeat(1000, `{"term":{"name":"n%d"}}`) + `]}}`, true},
			"a few realms":     {`{"bool":{"must_not":[` + repeat(10, `{"term":{"realm_name":"n%d"}}`) + `]}}`, true},
			"many realms":      {`{"bool":{"must_not":[` + repeat(1000, `{"term":{"realm_name":"n%d"}}`) + `]}}`, false},
			"a list":           {`{"terms":{"realm_name":["corp",` + repeat(900, `"n%d"`) + `]}}`, true},
			"many in metadata": {`{"terms":{"metadata.tag":["x",` + repeat(500, `"n%d"`) + `]}}`, false},
			"prefixes":         {`{"bool":{"should":[` + repeat(400, `{"prefix":{"name":"n%d"}}`) + `]}}`, true},
		} {
			t.Run(name, func(t *testing.T) {
				request, err := query.Keys.Parse(any(decoded(`{"query":`+c.query+`,"sort":"expiration"}`)), w.now)
				if err != nil {
					t.Fatal(err)
				}
				if got := request.Plan().Decided; got != c.decided {
					t.Errorf("decided by the database: %t", got)
				}
				if narrowed := request.Plan().Where.Kind != condition.Every; narrowed != c.decided {
					t.Errorf("narrowed by the database: %t", narrowed)
				}
				want, _ := w.inMemory(t, request, "")
				if got := w.inDatabase(t, request, ""); got != want {
					t.Errorf("%s; want\n%s", got, want)
				}
			})
		}
	})
}
