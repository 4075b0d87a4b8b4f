package http_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pquerna/otp/totp"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
)

// needElevation are the operations that ECE asks elevated permissions for.
var needElevation = []string{
	"create-api-key", "create-user", "delete-api-key", "delete-api-keys", "delete-user", "delete-user-api-key",
	"delete-user-api-keys",
	"delete-users-api-keys", "update-user",
}

// needElevationToo are the operations of Elasticsearch's that ask for them: all that make or change keys, users and
// roles.
var needElevationToo = []string{
	"security-bulk-delete-roles", "security-bulk-put-roles", "security-bulk-update-api-keys",
	"security-change-password", "security-change-password-post", "security-clone-api-key", "security-clone-api-key-put",
	"security-create-api-key", "security-create-api-key-put", "security-create-cross-cluster-api-key",
	"security-create-service-token", "security-create-service-token-put", "security-create-service-token-unnamed",
	"security-delete-application-privileges", "security-delete-role", "security-delete-role-mapping",
	"security-delete-service-token",
	"security-delete-user", "security-disable-user",
	"security-disable-user-post",
	"security-enable-user", "security-enable-user-post", "security-grant-api-key", "security-grant-api-key-put",
	"security-invalidate-api-keys",
	"security-put-privileges", "security-put-privileges-post", "security-put-role", "security-put-role-mapping",
	"security-put-role-mapping-post", "security-put-role-post",
	"security-put-user", "security-put-user-post",
	"security-update-api-key", "security-update-cross-cluster-api-key",
}

// allNeedElevation are both, in order.
var allNeedElevation = slices.Sorted(slices.Values(slices.Concat(needElevation, needElevationToo)))

// factsOfElevation ensures that exactly the operations listed above require elevated permissions: of callers with a
// second factor that are not elevated, and never of an API key. The refusal links to where to get them.
func (w *world) factsOfElevation(all map[call]result) {
	w.Helper()

	asked := map[string][]string{} // what admins with a second factor are asked for, by credential
	for c, r := range all {
		if r.outcome != "449" {
			continue
		}
		w.leads(c.operation, r, elevatePath)
		if !c.device || c.credential != "session" && c.credential != "basic" ||
			!slices.Contains(allNeedElevation, c.operation) {
			w.Errorf("%+v is asked for elevated permissions", c)
		}
		if c.role == string(identity.PlatformAdmin) {
			asked[c.credential] = append(asked[c.credential], c.operation)
		}
	}

	for _, credential := range []string{"session", "basic"} {
		if slices.Sort(asked[credential]); !slices.Equal(asked[credential], allNeedElevation) {
			w.Errorf("with %s, elevated permissions are asked for\n%v, want\n%v", credential, asked[credential],
				allNeedElevation)
		}
	}
}

const (
	elevatePath = "/api/v1/users/auth/_elevate"
	enrollPath  = "/api/v1/users/auth/totp"
)

// leads ensures that a result asks for elevated permissions, in body and header; Elasticsearch's have no such header.
func (w *world) leads(operation string, r result, path string) {
	w.Helper()

	if slices.Contains(needElevationToo, operation) {
		if r.outcome != "449" || r.link != "" || !strings.Contains(r.body, `"security_exception"`) ||
			!strings.Contains(r.body, path) {
			w.Errorf("got %s, Link %q, %s, want a security_exception that leads to %s", r.outcome, r.link, r.body, path)
		}
		return
	}

	link := "<" + path + `>; rel="https://github.com/sallyport/sallyport#second-factors-and-elevation"`
	if r.outcome != "449" || r.link != link ||
		!strings.Contains(r.body, "root.unauthorized.rbac.elevated_permissions_required") || !strings.Contains(r.body, path) {
		w.Errorf("got %s, Link %q, %s, want 449 and Link %q", r.outcome, r.link, r.body, link)
	}
}

// factsOfRoles ensures that a refusal for the roles names the permission, that admins meet none, that it is the same
// for all credentials, and that without any only what is public is open.
func (w *world) factsOfRoles(all map[call]result) {
	w.Helper()

	public := []string{"get-signing-keys", "login", "methods", "saml-callback", "saml-init", "saml-metadata",
		"saml-single-logout", "saml-token", "sign-in-page"}
	actions := refusals()
	for c, r := range all {
		switch {
		case c.credential == "none":
			if open := r.outcome == "in"; open != slices.Contains(public, c.operation) || !open && r.outcome != "401" {
				w.Errorf("%+v: %s %s", c, r.outcome, r.body)
			}
			continue
		case r.outcome == "403" && c.role == string(identity.PlatformAdmin):
			w.Errorf("%+v is refused: %s", c, r.body)
		case r.outcome == "403" && !strings.Contains(r.body, "lacks the permission "+c.operation+`"`) &&
			!strings.Contains(r.body, actions[c.operation]):
			w.Errorf("%+v: the permission is not named: %s", c, r.body)
		}
		basic := c
		basic.credential = "basic"
		if actions[c.operation] != "" { // elevated permissions are asked for before the roles count
			if r.outcome == "449" {
				continue
			}
			basic.device = false
		}
		if (r.outcome == "403") != (all[basic].outcome == "403") {
			w.Errorf("%+v has other permissions than by Basic: %s", c, r.outcome)
		}
	}
}

// refusals are how Elasticsearch's operations begin to refuse a caller for the roles.
func refusals() map[string]string {
	all := map[string]string{}
	for _, item := range contract.Paths.Map() {
		for _, op := range item.Operations() {
			if action, given := op.Extensions["x-elasticsearch-action"].(string); given {
				all[op.OperationID] = "action [" + action + "] is unauthorized for "
			}
		}
	}

	// It has an action for each type of grant, and here the type is refresh_token.
	all["security-get-token"] = strings.Replace(all["security-get-token"], "token/create", "token/refresh", 1)
	return all
}

// factsOfPermissions ensures that a user's permissions are exactly ECE's operations that the user is let in to.
func (w *world) factsOfPermissions(all map[call]result) {
	w.Helper()

	users := &callers{world: w, made: 1_000_000}
	for _, role := range roleSets {
		me, err := w.client.GetCurrentUserWithResponse(w.Context(), users.make(call{role: role}))
		if err != nil || me.JSON200 == nil {
			w.Fatalf("GET user: %v %v", me, err)
		}
		var open []string
		for _, operation := range slices.Sorted(maps.Keys(routes())) {
			if routes()[operation].elasticsearch() {
				continue
			}
			public := all[call{false, operation, role, "none"}].outcome == "in"
			if !public && all[call{false, operation, role, "basic"}].outcome != "403" {
				open = append(open, operation)
			}
		}
		if shown := *me.JSON200.Security.Permissions; !slices.Equal(shown, open) {
			w.Errorf("%s has the permissions\n%v, and is let in to\n%v", role, shown, open)
		}
	}
}

// asked are the operations that ask a caller for elevated permissions, each with a link to where to go. Those that end
// sessions or change devices are left out.
func (w *world) asked(caller client.RequestEditorFn, link string) []string {
	w.Helper()

	var asked []string
	for operation, route := range routes() {
		if lasting[operation] {
			continue
		}
		response, body := w.do(route.method, route.path, route.body, caller)
		if outcome(response, body) == "449" {
			w.leads(operation, result{outcome(response, body), response.Header.Get("Link"), body}, link)
			asked = append(asked, operation)
		}
	}

	slices.Sort(asked)
	return asked
}

// Ensures that under the policy "always" a caller without a second factor is directed to enroll one, can do so, and is
// admitted once elevated, as is a key that was made then.
func TestPolicy_Always(t *testing.T) {
	t.Parallel()

	w := openTuned(t, func(s *app.Settings) { s.Elevation.Policy = elevation.Always })
	if _, err := w.app.Users.Add(t.Context(), user.New{
		Name:     "bob",
		Roles:    []string{string(identity.PlatformAdmin)},
		Password: bobPassword,
	}); err != nil {
		t.Fatal(err)
	}

	session := bearer(w.login("bob", bobPassword))
	for name, caller := range map[string]client.RequestEditorFn{
		"session":              session,
		"Basic":                bob,
		"the built-in admin's": admin,
	} {
		if asked := w.asked(caller, enrollPath); !slices.Equal(asked, allNeedElevation) {
			t.Errorf("without a second factor, with %s, elevated permissions are asked for %v", name, asked)
		}
	}

	enrolled, err := w.client.EnrollTOTPDeviceWithResponse(t.Context(), session)
	if err != nil || enrolled.JSON201 == nil {
		t.Fatalf("enrollment: %v %v", enrolled, err)
	}
	if asked := w.asked(session, enrollPath); !slices.Equal(asked, allNeedElevation) {
		t.Errorf("with a device that is not confirmed, elevated permissions are asked for %v", asked)
	}

	code, err := totp.GenerateCode(enrolled.JSON201.Secret, w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}

	confirmed, err := w.client.ConfirmTOTPDeviceWithResponse(t.Context(), client.ConfirmTOTPRequest{Token: code}, session)
	if err != nil || confirmed.JSON200 == nil {
		t.Fatalf("confirmation: %v %v", confirmed, err)
	}

	for name, caller := range map[string]client.RequestEditorFn{"session": session, "Basic": bob} {
		if asked := w.asked(caller, elevatePath); !slices.Equal(asked, allNeedElevation) {
			t.Errorf("with a second factor, with %s, elevated permissions are asked for %v", name, asked)
		}
	}

	raised := bearer(w.raise(w.login("bob", bobPassword), confirmed.JSON200.RecoveryCodes[0]))
	key := apiKey(*w.newKey(raised, "a key", "").Key)
	for name, caller := range map[string]client.RequestEditorFn{"elevated session": raised, "key": key} {
		if asked := w.asked(caller, elevatePath); len(asked) > 0 {
			t.Errorf("with the %s, elevated permissions are asked for %v", name, asked)
		}
	}
}

// Ensures that under the policy "never" no caller has to elevate, and that callers still can.
func TestPolicy_Never(t *testing.T) {
	t.Parallel()

	w := openTuned(t, func(s *app.Settings) { s.Elevation.Policy = elevation.Never })
	_, codes, err := w.app.Elevation.Provision(t.Context(), user.Admin)
	if err != nil {
		t.Fatal(err)
	}

	token := w.login(user.Admin, adminPassword)
	for name, caller := range map[string]client.RequestEditorFn{
		"session":    bearer(token),
		"Basic":      admin,
		"readonly's": as(user.Readonly, readonlyPassword),
	} {
		if asked := w.asked(caller, elevatePath); len(asked) > 0 {
			t.Errorf("with %s, elevated permissions are asked for %v", name, asked)
		}
	}

	raised := bearer(w.raise(token, codes[0]))
	me, err := w.client.GetCurrentUserWithResponse(t.Context(), raised)
	if err != nil || me.JSON200 == nil || !me.JSON200.Security.ElevatedPermissions.Enabled {
		t.Errorf("GET user: %v %v", me, err)
	}
	if others := w.readUser(user.Admin).Security.ElevatedPermissions; others.Enabled || others.ExpiresAt != nil {
		t.Errorf("another credential of the user's shows the elevation: %s", asJSON(others))
	}
}
