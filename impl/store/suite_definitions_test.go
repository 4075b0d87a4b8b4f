package store_test

import (
	"fmt"

	"github.com/sallyport/sallyport/impl/store"
)

// documents: equal texts share one document, and texts are returned byte for byte.
func documents(s *suite) {
	s.view(func(tx *store.Tx) error {
		_, err := tx.Documents.Get("nothing")
		s.is(err, store.ErrNotFound)
		return nil
	})

	texts := []string{"", `{"a":"Ω"}`, `{"a":"Ω" }`}
	ids := make([]string, len(texts))
	for range 2 {
		s.update(func(tx *store.Tx) error {
			for i, text := range texts {
				id, err := tx.Documents.Put([]byte(text))
				if err != nil {
					return err
				}
				if ids[i] != "" {
					equal(s, "the id of an equal text", id, ids[i])
				}

				ids[i] = id
			}

			return nil
		})
	}

	if ids[1] == ids[2] {
		s.Error("two texts have one id")
	}

	s.view(func(tx *store.Tx) error {
		for i, id := range ids {
			body, err := tx.Documents.Get(id)
			if err != nil {
				return err
			}
			equal(s, "the text", string(body), texts[i])
		}

		return nil
	})
}

// roles: the first write creates a role, later ones replace it.
func roles(s *suite) {
	s.update(func(tx *store.Tx) error {
		for i, name := range []string{"b", "a,Ω", "c", "b"} {
			created, err := tx.Roles.Put(store.Role{Name: name, Descriptor: fmt.Sprint("{", i, "}")})
			if err != nil {
				return err
			}
			equal(s, fmt.Sprint("whether the put ", i, " made a role"), created, i < 3)
		}

		return nil
	})

	s.view(func(tx *store.Tx) error {
		_, err := tx.Roles.Find("nothing")
		s.is(err, store.ErrNotFound)
		one, err := tx.Roles.Find("b")
		if err != nil {
			return err
		}

		equal(s, "the replaced role", one, store.Role{Name: "b", Descriptor: "{3}"})
		every, err := tx.Roles.All()
		if err != nil {
			return err
		}

		some, err := tx.Roles.ByNames([]string{"c", "nothing", "b", "c"})
		equal(s, "all roles", fmt.Sprint(every), "[{a,Ω {1}} {b {3}} {c {2}}]")
		equal(s, "some roles", fmt.Sprint(some), "[{b {3}} {c {2}}]")
		return err
	})

	s.once("the deletion", func(tx *store.Tx) (bool, error) { return tx.Roles.Delete("b") })
	s.once("making the role again", func(tx *store.Tx) (bool, error) { return tx.Roles.Put(store.Role{Name: "b"}) })
}

// applicationPrivileges: application and name together are the key.
func applicationPrivileges(s *suite) {
	s.update(func(tx *store.Tx) error {
		for i, p := range []store.ApplicationPrivilege{
			{Application: "b", Name: "x"},
			{Application: "a", Name: "y", Actions: []string{"data:read/*", `"`}},
			{Application: "a", Name: "x", Actions: []string{"old"}, Metadata: "{}"},
			{Application: "a", Name: "x", Actions: []string{"new"}, Metadata: `{"a":1}`},
		} {
			created, err := tx.ApplicationPrivileges.Put(p)
			if err != nil {
				return err
			}
			equal(s, fmt.Sprint("whether the put ", i, " made a privilege"), created, i < 3)
		}

		return nil
	})

	s.listPrivileges(`[{"a" "x" ["new"] "{\"a\":1}"} {"a" "y" ["data:read/*" "\""] ""} {"b" "x" [] ""}]`)
	s.once("the deletion", func(tx *store.Tx) (bool, error) { return tx.ApplicationPrivileges.Delete("a", "x") })
	s.listPrivileges(`[{"a" "y" ["data:read/*" "\""] ""} {"b" "x" [] ""}]`)
}

// listPrivileges fails the test unless these are the privileges.
func (s *suite) listPrivileges(want string) {
	s.Helper()
	s.view(func(tx *store.Tx) error {
		list, err := tx.ApplicationPrivileges.All()
		equal(s, "the privileges", fmt.Sprintf("%q", list), want)
		return err
	})
}

// roleMappings: the first write creates a mapping, later ones replace it; the sums leave out the one that is written.
func roleMappings(s *suite) {
	s.update(func(tx *store.Tx) error {
		for i, m := range []store.RoleMapping{
			{Name: "b", Enabled: true, Rules: "old", Cost: 1},
			{Name: "a", Roles: []string{"x", `"`}, Rules: `{"a":1}`, Metadata: "{}", Cost: 2},
			{Name: "b", Enabled: true, Rules: "new", Metadata: "{}", Cost: 4},
		} {
			created, err := tx.RoleMappings.Put(m)
			if err != nil {
				return err
			}
			equal(s, fmt.Sprint("whether the put ", i, " made a mapping"), created, i < 2)
		}
		return nil
	})

	s.view(func(tx *store.Tx) error {
		list, err := tx.RoleMappings.All()
		equal(s, "the mappings", fmt.Sprint(list), `[{a false [x "] {"a":1} {} 2} {b true [] new {} 4}]`)
		return err
	})
	s.view(func(tx *store.Tx) error {
		enabled, err := tx.RoleMappings.Enabled()
		equal(s, "the enabled mappings", fmt.Sprint(enabled), "[{b true [] new  4}]")
		if err != nil {
			return err
		}

		for _, c := range []struct {
			name        string
			count, cost int
		}{{"a", 1, 4}, {"b", 1, 2}, {"c", 2, 6}} {
			count, cost, err := tx.RoleMappings.Others(c.name)
			if err != nil {
				return err
			}
			equal(s, "the mappings beside "+c.name, fmt.Sprint(count, cost), fmt.Sprint(c.count, c.cost))
		}
		return nil
	})

	s.once("the deletion", func(tx *store.Tx) (bool, error) { return tx.RoleMappings.Delete("a") })
	s.once("the last deletion", func(tx *store.Tx) (bool, error) { return tx.RoleMappings.Delete("b") })
	s.view(func(tx *store.Tx) error {
		count, cost, err := tx.RoleMappings.Others("")
		equal(s, "what is left", fmt.Sprint(count, cost), "0 0")
		return err
	})
}

// serviceTokens: account and name together are the key, and a token is never replaced.
func serviceTokens(s *suite) {
	first := store.ServiceToken{Account: "a/x", Name: "n", SecretDigest: "1"}
	s.update(func(tx *store.Tx) error {
		s.is(tx.ServiceTokens.Insert(first), nil)
		s.is(tx.ServiceTokens.Insert(store.ServiceToken{Account: "a/x", Name: "m", SecretDigest: "2"}), nil)
		s.is(tx.ServiceTokens.Insert(store.ServiceToken{Account: "a/y", Name: "n", SecretDigest: "3"}), nil)
		s.is(tx.ServiceTokens.Insert(store.ServiceToken{Account: "a/x", Name: "n", SecretDigest: "4"}), store.ErrExists)
		return nil
	})

	s.view(func(tx *store.Tx) error {
		_, err := tx.ServiceTokens.Find("a/y", "m")
		s.is(err, store.ErrNotFound)
		found, err := tx.ServiceTokens.Find("a/x", "n")
		equal(s, "the token", found, first)
		if err != nil {
			return err
		}

		names, err := tx.ServiceTokens.Names("a/x")
		equal(s, "the names", fmt.Sprint(names), "[m n]")
		return err
	})

	s.once("the deletion", func(tx *store.Tx) (bool, error) { return tx.ServiceTokens.Delete("a/x", "n") })
	s.view(func(tx *store.Tx) error {
		_, err := tx.ServiceTokens.Find("a/x", "n")
		s.is(err, store.ErrNotFound)
		_, err = tx.ServiceTokens.Find("a/y", "n")
		return err
	})
}

// profiles: a user has at most one, which is shown with the user as it is now, and ends with the user.
func profiles(s *suite) {
	first := store.Profile{UID: "u_1", Enabled: true, SynchronizedAt: s.moment(), Labels: `{"a":1}`, Data: `{"b":2}`,
		User: store.User{Name: "alice"}}
	second := first
	second.UID = "u_2"
	s.update(func(tx *store.Tx) error {
		s.is(tx.Users.Insert(alice()), nil)
		s.is(tx.Profiles.Insert(first), nil)
		s.is(tx.Profiles.Insert(second), store.ErrExists)
		_, err := tx.Profiles.OfUser("bob")
		s.is(err, store.ErrNotFound)
		return nil
	})

	s.view(func(tx *store.Tx) error {
		found, err := tx.Profiles.OfUser("alice")
		equal(s, "the profile", fmt.Sprintln(found.UID, found.Enabled, found.SynchronizedAt.Equal(s.moment()), found.Version,
			found.Labels, found.Data, found.User.FullName), `u_1 true true 0 {"a":1} {"b":2} Alice Ω`+"\n")
		return err
	})
	changed := first
	changed.Enabled, changed.Data = false, `{}`
	s.update(func(tx *store.Tx) error { return tx.Profiles.Update(changed) })
	s.view(func(tx *store.Tx) error {
		for _, data := range []bool{true, false} {
			list, err := tx.Profiles.ByUIDs([]string{"u_1", "u_2", "u_1", "\x00"}, data)
			if err != nil {
				return err
			}
			equal(s, "the profiles", fmt.Sprintln(len(list), list[0].Version, list[0].Enabled, list[0].Data), "1 1 false {}\n")
		}
		uids, err := tx.Profiles.UIDs([]string{"bob", "alice", "alice"})
		equal(s, "the ids", fmt.Sprint(uids), "map[alice:u_1]")
		return err
	})

	outlines := func() string {
		var found []store.ProfileOutline
		s.view(func(tx *store.Tx) error {
			return tx.Profiles.EachEnabled(func(o store.ProfileOutline) { found = append(found, o) })
		})
		if len(found) == 0 {
			return ""
		}
		o := found[0]
		return fmt.Sprint(len(found), " ", o.UID, " ", o.UserName, " ", o.FullName, " ", o.Email, " ", o.Labels)
	}
	equal(s, "without the disabled one", outlines(), "")
	s.update(func(tx *store.Tx) error { return tx.Profiles.Update(first) })
	equal(s, "the enabled one", outlines(), `1 u_1 alice Alice Ω alice@example.com {"a":1}`)

	s.once("the deletion of the user", func(tx *store.Tx) (bool, error) { return tx.Users.Delete("alice") })
	equal(s, "after the deletion", outlines(), "")
	s.update(func(tx *store.Tx) error {
		s.is(tx.Users.Insert(alice()), nil)
		s.is(tx.Profiles.Insert(second), nil)
		return nil
	})
	s.own(many)
	s.once("the deletion of a user with many keys", func(tx *store.Tx) (bool, error) { return tx.Users.Delete("alice") })
	s.update(func(tx *store.Tx) error {
		s.is(tx.Users.Insert(alice()), nil)
		_, err := tx.Profiles.OfUser("alice")
		s.is(err, store.ErrNotFound)
		return nil
	})
}
