package apikey_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/query"
)

// shown returns the names of keys, sorted.
func shown(views []apikey.View) string {
	var names []string
	for _, v := range views {
		names = append(names, v.Description)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestFind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, alice, bob)
	first, old := w.newKey(t, "bob", "first"), w.newKey(t, "bob", "old")
	ownOfRealm := apikey.Filter{Owned: true, RealmName: "r"}
	itself := apikey.Filter{ID: first.ID}
	w.newKey(t, "bob", "fifth")
	w.newKey(t, "alice", "first-of-alice")
	if err := w.Delete(t.Context(), apikey.Ref{User: "bob", ID: old.ID}); err != nil {
		t.Fatal(err)
	}
	all, own, key := w.caller(t, "alice"), w.caller(t, "bob"), w.keyCaller(t, first)

	for name, c := range map[string]struct {
		by     access.Subject
		filter apikey.Filter
		limits bool
		want   string
		code   fault.Code
	}{
		"all keys":                    {by: all, want: "fifth first first-of-alice old"},
		"active keys":                 {by: all, filter: apikey.Filter{Active: true}, want: "fifth first first-of-alice"},
		"a name":                      {by: all, filter: apikey.Filter{Name: "first"}, want: "first"},
		"the beginning of a name":     {by: all, filter: apikey.Filter{Name: "fi*"}, want: "fifth first first-of-alice"},
		"an id":                       {by: all, filter: apikey.Filter{ID: first.ID}, want: "first"},
		"an unknown id":               {by: all, filter: apikey.Filter{ID: "unknown"}, want: ""},
		"a user's":                    {by: all, filter: apikey.Filter{UserName: "bob"}, want: "fifth first old"},
		"one's own":                   {by: own, filter: apikey.Filter{Owned: true}, want: "fifth first old"},
		"one's own, by an id":         {by: own, filter: apikey.Filter{ID: first.ID, Owned: true}, want: "first"},
		"another user's, refused":     {by: own, filter: apikey.Filter{UserName: "alice"}, code: fault.PermissionDenied},
		"all keys, refused":           {by: own, code: fault.PermissionDenied},
		"a key itself":                {by: key, filter: itself, want: "first"},
		"a key itself and its limits": {by: key, filter: itself, limits: true, code: fault.PermissionDenied},
		"another key, refused":        {by: key, filter: apikey.Filter{ID: old.ID}, code: fault.PermissionDenied},
		"id and name":                 {by: all, filter: apikey.Filter{ID: "a", Name: "b"}, code: fault.RequestInvalid},
		"id and user":                 {by: all, filter: apikey.Filter{ID: "a", UserName: "b"}, code: fault.RequestInvalid},
		"one's own and a realm":       {by: all, filter: ownOfRealm, code: fault.RequestInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			views, err := w.Find(t.Context(), c.by, c.filter, c.limits)
			wantCode(t, err, c.code)
			if got := shown(views); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFind_TooMuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, alice)
	caller, first := w.caller(t, "alice"), w.newKey(t, "alice", "k")
	w.fill(t, "alice", 513, `{"m":"`+strings.Repeat("a", 64<<10)+`"}`)

	if _, err := w.Find(t.Context(), caller, apikey.Filter{ID: first.ID}, false); err != nil {
		t.Errorf("one key: %v", err)
	}
	if _, err := w.Find(t.Context(), caller, apikey.Filter{}, false); !fault.Has(err, fault.InvalidData) {
		t.Errorf("all keys: %v", err)
	}
}

func TestQuery_Callers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, alice, bob)
	first := w.create(t, w.caller(t, "bob"), apikey.Creation{Name: "first", Metadata: map[string]any{"team": "a"}})
	w.newKey(t, "bob", "second")
	w.newKey(t, "alice", "third")
	all, own, key := w.caller(t, "alice"), w.caller(t, "bob"), w.keyCaller(t, first)
	query := func(kind string, body map[string]any) any {
		return map[string]any{"query": map[string]any{kind: body}}
	}

	for name, c := range map[string]struct {
		by     access.Subject
		body   any
		limits bool
		want   string
		code   fault.Code
	}{
		"all keys":                 {by: all, want: "first second third"},
		"all keys, limited to own": {by: own, want: "first second"},
		"a key sees itself":        {by: key, want: "first"},
		"a key and its limits":     {by: key, limits: true, code: fault.PermissionDenied},
		"by metadata":              {by: all, body: query("term", map[string]any{"metadata.team": "a"}), want: "first"},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := w.Query(t.Context(), c.by, parsedQuery(t, c.body), c.limits)
			wantCode(t, err, c.code)
			var views []apikey.View
			for _, hit := range found.Page {
				views = append(views, hit.View)
			}
			if got := shown(views); got != c.want || found.Total != len(views) {
				t.Errorf("got %q of %d, want %q", got, found.Total, c.want)
			}
		})
	}
}

// parsedQuery returns a query in the types of strictjson.Decode in its parsed form.
func parsedQuery(t *testing.T, body any) *query.Request {
	t.Helper()
	parsed, err := query.Keys.Parse(body, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
