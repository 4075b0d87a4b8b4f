package interop

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elastic/cloud-sdk-go/pkg/api/apierror"
	"github.com/elastic/cloud-sdk-go/pkg/auth"
	"github.com/elastic/cloud-sdk-go/pkg/client/authentication"
	"github.com/elastic/cloud-sdk-go/pkg/client/users"
	"github.com/elastic/cloud-sdk-go/pkg/models"
	"github.com/go-openapi/runtime"
)

const adminPassword = "chosen by the test"

// serveStore starts a server of its own on a store, and returns its URL.
func serveStore(t *testing.T, store string, environment ...string) string {
	t.Helper()
	environment = append(environment, "SALLYPORT_ADMIN_PASSWORD="+adminPassword, "SALLYPORT_ADMIN_LISTEN=",
		"SALLYPORT_READONLY_PASSWORD="+adminPassword+", too",
		"SALLYPORT_KEY_ENCRYPTION_KEY="+base64.StdEncoding.EncodeToString(make([]byte, 32)))
	p := newServer(environment, "serve", "--listen", "127.0.0.1:0", "--store", store)
	found, err := p.start(p.log.listen(`msg=serving url=(\S+)`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	return found[1]
}

// Ensures that the client knows that an operation needs elevated permissions, with the reason.
func TestCloud_Elevation(t *testing.T) {
	url := serveStore(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), "SALLYPORT_ELEVATION_POLICY=always")
	c := newCloudAt(t, url, must(auth.NewUserLogin("admin", adminPassword)))
	name := "joe"
	security := &models.UserSecurity{Password: "a long passphrase", Roles: []string{"ece_deployment_viewer"}}
	_, err := c.V1API.Users.CreateUser(users.NewCreateUserParams().
		WithBody(&models.User{UserName: &name, Security: security}), c.AuthWriter)
	var answer *runtime.APIError
	if !errors.As(err, &answer) || !answer.IsCode(449) {
		t.Errorf("the error is %T: %v; want 449", err, err)
	}
	if text := apierror.Wrap(err).Error(); !strings.Contains(text, apierror.ErrMissingElevatedPermissions.Error()) {
		t.Errorf("the client understands %s", text)
	}
	_, err = c.V1API.Users.GetUser(users.NewGetUserParams().WithUserName(name), c.AuthWriter)
	refused[*users.GetUserNotFound](c, err, "user.not_found") // the refused operation had no effect
}

// Ensures that the client signs in at a server without an authentication cluster, and that it has its types for the
// refusals of such a server, and of one that lost its cluster.
func TestCloud_ClusterFails(t *testing.T) {
	signIn := &models.LoginRequest{Username: new(string), Password: new(string)}
	*signIn.Username, *signIn.Password = "admin", adminPassword
	asForm := func(o *runtime.ClientOperation) { o.ConsumesMediaTypes = []string{runtime.URLencodedFormMime} }

	t.Run("501", func(t *testing.T) {
		const code = "authc.no_authentication_cluster"
		c := newCloudAt(t, serveStore(t, "none"), auth.APIKey("x"))
		own := c.V1API.Authentication
		signedIn, err := own.Login(authentication.NewLoginParams().WithBody(signIn), nil)
		if err != nil || *signedIn.Payload.Token == "" {
			t.Fatalf("the built-in user is not signed in: %v, %v", signedIn, err)
		}
		refused[*authentication.SamlInitNotImplemented](c, own.SamlInit(authentication.NewSamlInitParams(), nil), code)
		err = own.SamlCallback(authentication.NewSamlCallbackParams().WithSAMLResponse("eA=="), nil, asForm)
		refused[*authentication.SamlCallbackNotImplemented](c, err, code)
	})

	t.Run("502", func(t *testing.T) {
		const code = "authc.authentication_cluster_error"
		path := filepath.Join(t.TempDir(), "test.db")
		c := newCloudAt(t, serveStore(t, "sqlite:"+path), must(auth.NewUserLogin("admin", adminPassword)))
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		own := c.V1API.Authentication
		_, err := own.Login(authentication.NewLoginParams().WithBody(signIn), nil)
		refused[*authentication.LoginBadGateway](c, err, code)
		_, err = own.RefreshToken(authentication.NewRefreshTokenParams(), c.AuthWriter)
		refused[*authentication.RefreshTokenBadGateway](c, err, code)
		_, err = own.Logout(authentication.NewLogoutParams(), c.AuthWriter)
		refused[*authentication.LogoutBadGateway](c, err, code)
	})
}
