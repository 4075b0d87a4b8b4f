package saml

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/authn/identity"
)

// Ensures that the reason why no rule gives a role names the user, the attributes that came and what was looked for,
// shows values of nothing that rules do not look at, stays on one line and is bounded.
func TestNoRole(t *testing.T) {
	realm := Realm{
		Attributes: Attributes{Groups: "memberOf", DN: "entryDN"},
		RoleMappings: RoleMappings{Rules: []Rule{
			{ByGroups, "admins", []identity.Role{identity.PlatformAdmin}},
			{ByUsername, "root*", []identity.Role{identity.PlatformAdmin}},
		}},
	}
	reason := func(attributes map[string][]string) string {
		t.Helper()
		_, err := profileOf(realm, Subject{NameID: "erin", Attributes: attributes})
		var refused *RefusedError
		if !errors.As(err, &refused) {
			t.Fatal(err)
		}
		return refused.Reason
	}
	t.Run("what came", func(t *testing.T) {
		got := reason(map[string][]string{"memberOf": {"Admins", "staff"}, "ssn": {"078-05-1120"}})
		want := `no rule gives the user "erin" a role; attributes that came: "memberOf", "ssn"; user names looked for: "root*"; ` +
			`groups in the attribute "memberOf": "Admins", "staff", looked for: "admins"`
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	})
	t.Run("very much", func(t *testing.T) {
		attributes := map[string][]string{"memberOf": {}}
		for i := range 1500 {
			attributes["memberOf"] = append(attributes["memberOf"], fmt.Sprint(i, strings.Repeat("ü", 500)))
			attributes[fmt.Sprint("a", i, strings.Repeat("x", 500))] = nil
		}
		if got := reason(attributes); len(got) > maxReason+len("…") || !strings.Contains(got, "and 1481 more") {
			t.Errorf("%d bytes: %s", len(got), got)
		}
	})
	t.Run("another line", func(t *testing.T) {
		if got := reason(map[string][]string{
			"memberOf": {"a\nlevel=ERROR msg=forged"}, "b\r\n": nil,
		}); strings.ContainsAny(got, "\r\n") {
			t.Errorf("%q", got)
		}
	})
}
