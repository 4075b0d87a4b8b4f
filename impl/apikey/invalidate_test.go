package apikey_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/fault"
)

func TestInvalidate_SelectionRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, alice)
	caller := w.caller(t, "alice")
	for name, c := range map[string]struct {
		selection apikey.Selection
		want      string
	}{
		"nothing":             {apikey.Selection{}, "One of [api key id(s), api key name, username, realm name] must be"},
		"no ids":              {apikey.Selection{IDs: []string{}}, "Field [ids] cannot be an empty array"},
		"blank id":            {apikey.Selection{IDs: []string{"a", " "}}, "got blank id at index position: [1]"},
		"id and name":         {apikey.Selection{IDs: []string{"a"}, Name: "n"}, "only one of [api key id(s), api key name]"},
		"id and user":         {apikey.Selection{IDs: []string{"a"}, UserName: "u"}, "username or realm name must not be"},
		"one's own of a user": {apikey.Selection{Owned: true, UserName: "u"}, "when invalidating owned API keys"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Invalidate(t.Context(), caller, c.selection)
			if !fault.Has(err, fault.RequestInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestInvalidate(t *testing.T) {
	t.Parallel()
	var none fault.Code
	for name, c := range map[string]struct {
		by        string
		selection func(keys map[string]apikey.Credential) apikey.Selection
		want      string
		code      fault.Code
	}{
		"ids, one unknown and one twice": {"alice", byIDs("bob-1", "alice-1", "bob-1", "unknown"), "alice-1 bob-1", none},
		"a name":                         {"alice", fixed(apikey.Selection{Name: "bob-1"}), "bob-1", none},
		"the beginning of names":         {"alice", fixed(apikey.Selection{Name: "bob-*"}), "bob-1 bob-2", none},
		"a user":                         {"alice", fixed(apikey.Selection{UserName: "bob"}), "bob-1 bob-2", none},
		"one's own":                      {"bob", fixed(apikey.Selection{Owned: true}), "bob-1 bob-2", none},
		"one's own by name":              {"bob", fixed(apikey.Selection{Owned: true, Name: "*-1"}), "", none},
		"one's own by id":                {"bob", byOwnIDs("bob-1", "alice-1"), "bob-1", none},
		"without permission, an id":      {"bob", byIDs("bob-1"), "", fault.PermissionDenied},
		"without permission, a user":     {"bob", fixed(apikey.Selection{UserName: "alice"}), "", fault.PermissionDenied},

		// Elasticsearch's privileges do not reach users with platform roles.
		"an administrator's, by id":      {"alice", byIDs("alice-1", "admin-1"), "", fault.PermissionDenied},
		"an administrator's, by user":    {"alice", fixed(apikey.Selection{UserName: "admin"}), "", fault.PermissionDenied},
		"all, passing over admin's":      {"alice", fixed(apikey.Selection{Name: "*"}), "alice-1 bob-1 bob-2", none},
		"names, passing over admin's":    {"alice", fixed(apikey.Selection{Name: "a*"}), "alice-1", none},
		"an administrator's, by another": {"root", byIDs("admin-1", "bob-1"), "admin-1 bob-1", none},
		"all, by an administrator":       {"root", fixed(apikey.Selection{Name: "*"}), "admin-1 alice-1 bob-1 bob-2", none},
		"an administrator's own":         {"admin", fixed(apikey.Selection{Owned: true}), "admin-1", none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := admin
			root.Name = "root"
			w := newWorld(t, apikey.Settings{}, alice, bob, admin, root)
			keys, names := map[string]apikey.Credential{}, map[string]string{}
			for _, name := range []string{"alice-1", "bob-1", "bob-2", "admin-1"} {
				owner, _, _ := strings.Cut(name, "-")
				keys[name] = w.newKey(t, owner, name)
				names[keys[name].ID] = name
			}

			invalidated, err := w.Invalidate(t.Context(), w.caller(t, c.by), c.selection(keys))
			wantCode(t, err, c.code)
			var got []string
			for _, id := range invalidated {
				got = append(got, names[id])
			}
			slices.Sort(got)
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("invalidated are %q, want %q", text, c.want)
			}
			for name, key := range keys {
				_, _, err := w.Verify(t.Context(), key.Encoded())
				if slices.Contains(got, name) != (err != nil) {
					t.Errorf("%s is used: %v", name, err)
				}
			}
		})
	}
}

// fixed selects the same keys whatever their ids are.
func fixed(sel apikey.Selection) func(map[string]apikey.Credential) apikey.Selection {
	return func(map[string]apikey.Credential) apikey.Selection { return sel }
}

// byIDs selects keys, named by their names; for a name without a key it is the id.
func byIDs(names ...string) func(map[string]apikey.Credential) apikey.Selection {
	return func(keys map[string]apikey.Credential) apikey.Selection {
		var sel apikey.Selection
		for _, name := range names {
			if key, found := keys[name]; found {
				name = key.ID
			}
			sel.IDs = append(sel.IDs, name)
		}
		return sel
	}
}

func byOwnIDs(names ...string) func(map[string]apikey.Credential) apikey.Selection {
	return func(keys map[string]apikey.Credential) apikey.Selection {
		sel := byIDs(names...)(keys)
		sel.Owned = true
		return sel
	}
}
