package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elastic/cloud-sdk-go/pkg/api"
	"github.com/elastic/cloud-sdk-go/pkg/api/apierror"
	"github.com/elastic/cloud-sdk-go/pkg/api/userapi"
	"github.com/elastic/cloud-sdk-go/pkg/auth"
	"github.com/elastic/cloud-sdk-go/pkg/client/accounts"
	"github.com/elastic/cloud-sdk-go/pkg/client/authentication"
	"github.com/elastic/cloud-sdk-go/pkg/client/user_role_assignments"
	"github.com/elastic/cloud-sdk-go/pkg/client/users"
	"github.com/elastic/cloud-sdk-go/pkg/models"
	"github.com/go-openapi/runtime"
	"github.com/go-openapi/strfmt"
)

// cloud is a caller of ECE's official client.
type cloud struct {
	*testing.T
	*api.API
}

// creating serializes the creation of clients, which sets a variable of their package.
var creating sync.Mutex

// newCloud returns a client with credentials; those of *auth.UserLogin begin a session.
func newCloud(t *testing.T, credentials auth.Writer) cloud {
	t.Helper()
	return newCloudAt(t, served.url, credentials)
}

// newCloudAt is newCloud for another server than the one that the tests share.
func newCloudAt(t *testing.T, url string, credentials auth.Writer) cloud {
	t.Helper()
	creating.Lock()
	defer creating.Unlock()
	c, err := api.NewAPI(api.Config{
		Client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		AuthWriter:  credentials,
		Host:        url,
		ErrorDevice: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	return cloud{t, c}
}

// newSession signs in with a password.
func newSession(t *testing.T, user, password string) (cloud, *auth.UserLogin) {
	t.Helper()
	login, err := auth.NewUserLogin(user, password)
	if err != nil {
		t.Fatal(err)
	}
	return newCloud(t, login), login
}

// must fails the test if an operation failed, or if the client's own validation refuses the answer.
func (c cloud) must(payload any, err error) {
	c.Helper()
	if err != nil {
		c.Fatal(apierror.Wrap(err))
	}
	if model, ok := payload.(interface {
		Validate(formats strfmt.Registry) error
	}); ok {
		if err := model.Validate(strfmt.Default); err != nil {
			c.Fatalf("%T is not valid: %v", payload, err)
		}
	}
}

// refused fails the test unless the error is of the type that the client has for the refusal, with the code.
func refused[E error](c cloud, err error, code string) {
	c.Helper()
	var typed E
	if !errors.As(err, &typed) {
		c.Errorf("the error is %T: %v; want %T", err, err, typed)
	}
	if wrapped := apierror.Wrap(err); wrapped == nil || !strings.Contains(wrapped.Error(), code) {
		c.Errorf("the error is %v; want %s", wrapped, code)
	}
	if reply, ok := any(typed).(interface {
		GetPayload() *models.BasicFailedReply
	}); ok {
		c.must(reply.GetPayload(), nil)
	}
}

// newUser creates a user, and deletes it at the end of the test.
func (c cloud) newUser(beginning string, roles ...string) userapi.CreateParams {
	c.Helper()
	params := userapi.CreateParams{
		API:      c.API,
		UserName: fmt.Sprintf("%s-%d", beginning, runs.Add(1)),
		Password: []byte("a long passphrase"),
		Roles:    roles,
	}
	u, err := userapi.Create(params)
	c.must(u, err)
	c.Cleanup(func() {
		if err := userapi.Delete(userapi.DeleteParams{API: c.API, UserName: params.UserName}); err != nil {
			c.Error(err)
		}
	})
	return params
}

// newKey creates a key of the caller, and returns it with a client that uses it.
func (c cloud) newKey(body models.CreateAPIKeyRequest) (*models.APIKeyResponse, cloud) {
	c.Helper()
	made, err := c.V1API.Authentication.CreateAPIKey(
		authentication.NewCreateAPIKeyParams().WithBody(&body), c.AuthWriter)
	c.must(nil, err)
	c.must(made.Payload, nil)
	return made.Payload, newCloud(c.T, auth.APIKey(made.Payload.Key))
}

// Ensures that ECE's official client reads and changes the account.
func TestCloud_Account(t *testing.T) {
	c, _ := newSession(t, served.user, served.password)
	own := c.V1API.Accounts
	region := api.WithRegion(t.Context(), "ece-region")

	trusting, distrusting := true, false
	put := func(trust *models.AccountTrustSettings) bool {
		changed, err := own.UpdateCurrentAccount(accounts.NewUpdateCurrentAccountParamsWithContext(region).
			WithBody(&models.AccountUpdateRequest{Trust: trust}), c.AuthWriter)
		c.must(nil, err)
		c.must(changed.Payload, nil)
		return *changed.Payload.Trust.TrustAll
	}
	if put(&models.AccountTrustSettings{TrustAll: &distrusting}) || !put(nil) ||
		!put(&models.AccountTrustSettings{TrustAll: &trusting}) {
		t.Error("PUT does not set what it is given, and the default for nothing")
	}

	for patch, want := range map[string]bool{`{"trust":{"trust_all":false}}`: false, `{"trust":null}`: true} {
		changed, err := own.PatchCurrentAccount(
			accounts.NewPatchCurrentAccountParamsWithContext(region).WithBody(patch), c.AuthWriter)
		c.must(nil, err)
		c.must(changed.Payload, nil)
		read, err := own.GetCurrentAccount(accounts.NewGetCurrentAccountParamsWithContext(region), c.AuthWriter)
		c.must(nil, err)
		c.must(read.Payload, nil)
		if *changed.Payload.Trust.TrustAll != want || *read.Payload.Trust.TrustAll != want {
			t.Errorf("after %s trust_all is %t", patch, !want)
		}
	}

	_, err := own.PatchCurrentAccount(
		accounts.NewPatchCurrentAccountParamsWithContext(region).WithBody(`{"trust":1}`), c.AuthWriter)
	refused[*runtime.APIError](c, err, "root.invalid_data")
}

// Ensures that ECE's official client manages users, and sends one back as it was read.
func TestCloud_Users(t *testing.T) {
	c, _ := newSession(t, served.user, served.password)
	params := c.newUser("cloud", "ece_platform_viewer", "ece_deployment_viewer")
	own := newCloud(t, must(auth.NewUserLogin(params.UserName, string(params.Password))))

	read, err := userapi.Get(userapi.GetParams{API: c.API, UserName: params.UserName})
	c.must(read, err)
	me, err := userapi.GetCurrent(userapi.GetCurrentParams{API: own.API})
	c.must(me, err)
	all, err := userapi.List(userapi.ListParams{API: c.API, IncludeDisabled: true})
	c.must(all, err)
	if !slices.ContainsFunc(all.Users, func(u *models.User) bool { return *u.UserName == params.UserName }) {
		t.Error("the user is not listed")
	}

	changed, err := userapi.Update(userapi.UpdateParams{
		API: c.API, UserName: params.UserName, FullName: "Cloud", Email: "cloud@example.com",
		Roles: []string{"ece_platform_viewer"},
	})
	c.must(changed, err)
	changed, err = userapi.UpdateCurrent(userapi.UpdateParams{
		API: own.API, UserName: params.UserName, FullName: "Own", Roles: []string{"ece_platform_viewer"},
	})
	c.must(changed, err)
	if changed.FullName != "Own" || changed.Email != "cloud@example.com" {
		t.Errorf("the user is %+v", changed)
	}

	me, err = userapi.GetCurrent(userapi.GetCurrentParams{API: own.API})
	c.must(me, err)
	me.FullName = "Read and changed"
	body := string(must(json.Marshal(me)))
	back, err := own.V1API.Users.UpdateCurrentUser(users.NewUpdateCurrentUserParams().WithBody(body), own.AuthWriter)
	c.must(nil, err)
	c.must(back.Payload, nil)
	sent, err := c.V1API.Users.UpdateUser(users.NewUpdateUserParams().WithUserName(params.UserName).
		WithBody(string(must(json.Marshal(back.Payload)))), c.AuthWriter)
	c.must(nil, err)
	if sent.Payload.FullName != me.FullName || !slices.Equal(sent.Payload.Security.Roles, me.Security.Roles) {
		t.Errorf("the user that was sent back is %+v", sent.Payload)
	}

	for _, enabled := range []bool{false, true} {
		u, err := userapi.Enable(userapi.EnableParams{API: c.API, UserName: params.UserName, Enabled: enabled})
		c.must(u, err)
		if *u.Security.Enabled != enabled {
			t.Errorf("enabled is %t", !enabled)
		}
	}
}

// Ensures that refusals about users are of the client's types, with ECE's codes.
func TestCloud_UsersRefused(t *testing.T) {
	c, _ := newSession(t, served.user, served.password)
	params := c.newUser("cloud", "ece_deployment_viewer")
	own := newCloud(t, must(auth.NewUserLogin(params.UserName, string(params.Password))))

	create := func(name string, security *models.UserSecurity) error {
		_, err := c.V1API.Users.CreateUser(users.NewCreateUserParams().
			WithBody(&models.User{UserName: &name, Security: security}), c.AuthWriter)
		return err
	}
	security := &models.UserSecurity{Password: "a long passphrase", Roles: []string{"ece_deployment_viewer"}}
	refused[*users.CreateUserConflict](c, create(params.UserName, security), "user.user_name.conflict")
	refused[*users.CreateUserBadRequest](c, create("a:b", security), "user.user_name.invalid")
	refused[*users.CreateUserBadRequest](c, create("x", &models.UserSecurity{}), "user.roles.invalid")

	update := func(name, body string) error {
		_, err := c.V1API.Users.UpdateUser(users.NewUpdateUserParams().WithUserName(name).WithBody(body), c.AuthWriter)
		return err
	}
	refused[*users.UpdateUserNotFound](c, update("zoe", `{}`), "user.not_found")
	refused[*users.UpdateUserBadRequest](c, update("admin", `{}`), "user.cannot_modify")
	refused[*users.UpdateUserBadRequest](c, update(params.UserName, `{"builtin":true}`), "user.restricted_field")
	_, err := own.V1API.Users.UpdateCurrentUser(users.NewUpdateCurrentUserParams().
		WithBody(`{"security":{"roles":["ece_platform_admin"]}}`), own.AuthWriter)
	refused[*users.UpdateCurrentUserBadRequest](c, err, "user.roles.forbidden")

	_, err = c.V1API.Users.GetUser(users.NewGetUserParams().WithUserName("zoe"), c.AuthWriter)
	refused[*users.GetUserNotFound](c, err, "user.not_found")
	_, err = c.V1API.Users.DeleteUser(users.NewDeleteUserParams().WithUserName("zoe"), c.AuthWriter)
	refused[*users.DeleteUserNotFound](c, err, "user.not_found")
	_, err = c.V1API.Users.DeleteUser(users.NewDeleteUserParams().WithUserName("admin"), c.AuthWriter)
	refused[*users.DeleteUserBadRequest](c, err, "user.cannot_modify")
	_, err = own.V1API.Users.GetUsers(users.NewGetUsersParams(), own.AuthWriter)
	refused[*runtime.APIError](c, err, "root.unauthorized.rbac")
}

// Ensures that role assignments are refused by the client's types, with ECE's codes.
func TestCloud_RoleAssignments(t *testing.T) {
	c, _ := newSession(t, served.user, served.password)
	role := "ece_platform_viewer"
	some := &models.RoleAssignments{Platform: []*models.PlatformRoleAssignment{{RoleID: &role}}}
	own, force := c.V1API.UserRoleAssignments, true
	for _, body := range []*models.RoleAssignments{some, {}} {
		_, added := own.AddRoleAssignments(user_role_assignments.NewAddRoleAssignmentsParams().
			WithUserID(served.user).WithBody(body), c.AuthWriter)
		_, removed := own.RemoveRoleAssignments(user_role_assignments.NewRemoveRoleAssignmentsParams().
			WithUserID(served.user).WithForce(&force).WithBody(body), c.AuthWriter)
		if body != some {
			c.must(nil, added)
			c.must(nil, removed)
			continue
		}
		const code = "role_assignments.unauthorized_role_assignments"
		refused[*user_role_assignments.AddRoleAssignmentsForbidden](c, added, code)
		refused[*user_role_assignments.RemoveRoleAssignmentsForbidden](c, removed, code)
	}
	_, err := own.AddRoleAssignments(user_role_assignments.NewAddRoleAssignmentsParams().
		WithUserID("zoe").WithBody(some), c.AuthWriter)
	refused[*user_role_assignments.AddRoleAssignmentsBadRequest](c, err, "role_assignments.invalid_target_user_id")
	_, err = own.RemoveRoleAssignments(user_role_assignments.NewRemoveRoleAssignmentsParams().
		WithUserID("zoe").WithBody(some), newCloud(t, auth.APIKey("bm86bm8=")).AuthWriter)
	refused[*user_role_assignments.RemoveRoleAssignmentsUnauthorized](c, err, "root.unauthorized")
}

// Ensures that ECE's official client creates keys, also with empty role assignments, which it sends as null; reads,
// uses and deletes them, as their owner and as an administrator.
func TestCloud_Keys(t *testing.T) {
	c, _ := newSession(t, served.user, served.password)
	params := c.newUser("keys", "ece_deployment_viewer")
	own := newCloud(t, must(auth.NewUserLogin(params.UserName, string(params.Password))))
	mine, all := own.V1API.Authentication, c.V1API.Authentication

	description := "of the client"
	var ids []string
	for range 5 {
		key, with := own.newKey(models.CreateAPIKeyRequest{
			Description: &description, Expiration: "3h",
			RoleAssignments: &models.RoleAssignments{Project: &models.ProjectRoleAssignments{}},
		})
		u, err := userapi.GetCurrent(userapi.GetCurrentParams{API: with.API})
		c.must(u, err)
		ids = append(ids, *key.ID)
	}

	one, err := mine.GetAPIKey(authentication.NewGetAPIKeyParams().WithAPIKeyID(ids[0]), own.AuthWriter)
	c.must(nil, err)
	c.must(one.Payload, nil)
	his, err := all.GetUserAPIKey(authentication.NewGetUserAPIKeyParams().
		WithUserID(params.UserName).WithAPIKeyID(ids[0]), c.AuthWriter)
	c.must(nil, err)
	c.must(his.Payload, nil)

	_, err = mine.DeleteAPIKey(authentication.NewDeleteAPIKeyParams().WithAPIKeyID(ids[0]), own.AuthWriter)
	c.must(nil, err)
	_, err = mine.DeleteAPIKeys(authentication.NewDeleteAPIKeysParams().
		WithBody(&models.DeleteAPIKeysRequest{Keys: ids[1:2]}), own.AuthWriter)
	c.must(nil, err)
	_, err = all.DeleteUserAPIKey(authentication.NewDeleteUserAPIKeyParams().
		WithUserID(params.UserName).WithAPIKeyID(ids[2]), c.AuthWriter)
	c.must(nil, err)
	_, err = all.DeleteUsersAPIKeys(authentication.NewDeleteUsersAPIKeysParams().
		WithBody(&models.DeleteUsersAPIKeysRequest{
			UserAPIKeys: []*models.UserAPIKey{{UserID: &params.UserName, APIKeyID: &ids[3]}},
		}), c.AuthWriter)
	c.must(nil, err)

	list, err := mine.GetAPIKeys(authentication.NewGetAPIKeysParams(), own.AuthWriter)
	c.must(nil, err)
	c.must(list.Payload, nil)
	of, err := all.GetUserAPIKeys(authentication.NewGetUserAPIKeysParams().WithUserID(params.UserName), c.AuthWriter)
	c.must(nil, err)
	c.must(of.Payload, nil)
	every, err := all.GetUsersAPIKeys(authentication.NewGetUsersAPIKeysParams(), c.AuthWriter)
	c.must(nil, err)
	c.must(every.Payload, nil)
	if len(list.Payload.Keys) != 1 || *list.Payload.Keys[0].ID != ids[4] || len(of.Payload.Keys) != 1 {
		t.Errorf("left are %v and %v", list.Payload, of.Payload)
	}
	_, err = all.DeleteUserAPIKeys(authentication.NewDeleteUserAPIKeysParams().
		WithUserID(params.UserName), c.AuthWriter)
	c.must(nil, err)

	_, err = mine.GetAPIKey(authentication.NewGetAPIKeyParams().WithAPIKeyID(ids[4]), own.AuthWriter)
	refused[*authentication.GetAPIKeyNotFound](c, err, "api_keys.key_not_found")
	_, err = mine.DeleteAPIKey(authentication.NewDeleteAPIKeyParams().WithAPIKeyID(ids[4]), own.AuthWriter)
	refused[*authentication.DeleteAPIKeyNotFound](c, err, "api_keys.key_not_found")
	_, err = all.GetUserAPIKeys(authentication.NewGetUserAPIKeysParams().WithUserID("zoe"), c.AuthWriter)
	refused[*authentication.GetUserAPIKeysNotFound](c, err, "api_keys.user_not_found")
	_, err = all.GetUserAPIKey(authentication.NewGetUserAPIKeyParams().
		WithUserID(params.UserName).WithAPIKeyID("x"), c.AuthWriter)
	refused[*authentication.GetUserAPIKeyNotFound](c, err, "api_keys.key_not_found")
	_, err = all.DeleteUserAPIKey(authentication.NewDeleteUserAPIKeyParams().
		WithUserID(params.UserName).WithAPIKeyID("x"), c.AuthWriter)
	refused[*authentication.DeleteUserAPIKeyNotFound](c, err, "api_keys.key_not_found")
	_, err = all.DeleteUserAPIKeys(authentication.NewDeleteUserAPIKeysParams().
		WithUserID("zoe"), c.AuthWriter)
	refused[*authentication.DeleteUserAPIKeysNotFound](c, err, "api_keys.user_not_found")

	for _, body := range []models.CreateAPIKeyRequest{
		{Description: &description, Expiration: "1w"},
		{Description: &description, RoleAssignments: &models.RoleAssignments{
			Platform: []*models.PlatformRoleAssignment{{RoleID: &description}},
		}},
	} {
		_, err := mine.CreateAPIKey(authentication.NewCreateAPIKeyParams().WithBody(&body), own.AuthWriter)
		refused[*authentication.CreateAPIKeyBadRequest](c, err, "api_keys.invalid_input")
	}
}

// Ensures that ECE's official client signs in and out, refreshes its token, and reads how to sign in.
func TestCloud_Sessions(t *testing.T) {
	c, login := newSession(t, served.user, served.password)
	own := c.V1API.Authentication
	info, err := own.GetAuthenticationInfo(authentication.NewGetAuthenticationInfoParams(), c.AuthWriter)
	c.must(nil, err)
	c.must(info.Payload, nil)
	methods, err := own.Methods(authentication.NewMethodsParams(), nil)
	c.must(nil, err)
	c.must(methods.Payload, nil)

	first := login.Holder.Token()
	if err := login.RefreshTokenOnce(c.V1API); err != nil || login.Holder.Token() == first {
		t.Errorf("the token is not refreshed: %v", err)
	}
	wrong := "wrong"
	_, err = own.Login(authentication.NewLoginParams().
		WithBody(&models.LoginRequest{Username: &served.user, Password: &wrong}), nil)
	refused[*authentication.LoginUnauthorized](c, err, "root.unauthenticated")
	_, err = own.Login(authentication.NewLoginParams().WithBody(&models.LoginRequest{
		Username: &served.user, Password: &served.password, LoginState: &models.LoginState{Path: "/deployments"},
	}), nil)
	if _, redirected := errors.AsType[*authentication.LoginFound](err); !redirected {
		t.Errorf("a login with a path is answered with %v", err)
	}
	const noRealm = "authc.no_authentication_cluster"
	refused[*authentication.SamlInitNotImplemented](c, own.SamlInit(authentication.NewSamlInitParams(), nil), noRealm)
	// Browsers send this form. The client sends it with the media type of JSON, unless its caller asks for a form.
	response := authentication.NewSamlCallbackParams().WithSAMLResponse("eA==")
	refused[*runtime.APIError](c, own.SamlCallback(response, nil), "root.unsupported_media_type")
	asForm := func(o *runtime.ClientOperation) { o.ConsumesMediaTypes = []string{runtime.URLencodedFormMime} }
	refused[*authentication.SamlCallbackNotImplemented](c, own.SamlCallback(response, nil, asForm), noRealm)

	_, err = own.Logout(authentication.NewLogoutParams(), c.AuthWriter)
	c.must(nil, err)
	_, err = own.RefreshToken(authentication.NewRefreshTokenParams(), c.AuthWriter)
	refused[*authentication.RefreshTokenUnauthorized](c, err, "root.unauthorized")
}

// Ensures that a client that refreshes its token again and again keeps its session, while 8 workers use it for 10 s.
func TestCloud_Workers(t *testing.T) {
	_, login := newSession(t, served.user, served.password)
	const workers, duration = 8, 10 * time.Second
	clients := make([]cloud, workers)
	for i := range clients { // a client changes itself for some operations, so each worker has its own
		clients[i] = newCloud(t, login)
	}
	loop, err := startRefreshing(clients[0], login)
	if err != nil {
		t.Fatal(err)
	}
	defer loop.stop()

	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := c.work(fmt.Sprintf("worker-%d-%d", i, n)); err != nil {
					t.Error(apierror.Wrap(err))
					return
				}
			}
		})
	}
	all.Wait()
	if log := loop.log.String(); log != "" {
		t.Errorf("the refresh loop wrote %s", log)
	}
	if loop.first == login.Holder.Token() {
		t.Error("the token was not refreshed")
	}
}

// work reads the caller, and creates, reads and deletes a key.
func (c cloud) work(description string) error {
	if _, err := userapi.GetCurrent(userapi.GetCurrentParams{API: c.API}); err != nil {
		return err
	}
	own := c.V1API.Authentication
	made, err := own.CreateAPIKey(authentication.NewCreateAPIKeyParams().
		WithBody(&models.CreateAPIKeyRequest{Description: &description}), c.AuthWriter)
	if err != nil {
		return err
	}
	id := *made.Payload.ID
	read, err := own.GetAPIKey(authentication.NewGetAPIKeyParams().WithAPIKeyID(id), c.AuthWriter)
	if err != nil {
		return err
	}
	if err := read.Payload.Validate(strfmt.Default); err != nil {
		return err
	}
	_, err = own.DeleteAPIKey(authentication.NewDeleteAPIKeyParams().WithAPIKeyID(id), c.AuthWriter)
	return err
}
