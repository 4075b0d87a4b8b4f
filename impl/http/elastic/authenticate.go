package elastic

import (
	"context"
	"encoding/json"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/authz/access"
)

func (a *API) callerOperations() []operation {
	return []operation{
		row[none, gen.Authentication]{
			operations: []string{"security-authenticate"},
			read:       readNothing,
			open:       "callers may see their own identity",
			do:         a.authenticate,
			show:       okay[gen.Authentication],
		},
		row[none, access.UserPrivileges]{
			operations: []string{"security-get-user-privileges"},
			read:       readNothing,
			open:       "callers may see their own privileges",
			do: func(_ context.Context, caller call, _ none) (access.UserPrivileges, error) {
				return caller.UserPrivileges()
			},
			show: showUserPrivileges,
		},
		row[privilegeCheck, access.CheckResult]{
			operations: []string{
				"security-has-privileges", "security-has-privileges-get",
				"security-has-user-privileges", "security-has-user-privileges-get",
			},
			read:      readPrivilegeCheck,
			authorize: ownPrivileges,
			do: func(ctx context.Context, caller call, in privilegeCheck) (access.CheckResult, error) {
				return a.Access.HasPrivileges(ctx, caller.Subject, in.check)
			},
			show: showPrivilegeCheck,
		},
	}
}

func (a *API) authenticate(ctx context.Context, caller call, _ none) (gen.Authentication, error) {
	if caller.Method == identity.ServiceToken {
		return showServiceAccount(caller.Principal), nil
	}
	u, err := a.Users.Profile(ctx, caller.User)
	if err != nil {
		return gen.Authentication{}, err
	}
	return showAuthentication(caller.Subject, u)
}

// authenticationTypes are Elasticsearch's names of the methods of authentication.
var authenticationTypes = map[identity.Method]gen.AuthenticationType{
	identity.Basic:   gen.AuthenticationTypeRealm,
	identity.Session: gen.AuthenticationTypeToken,
	identity.APIKey:  gen.AuthenticationTypeAPIKey,
}

func showAuthentication(s access.Subject, u user.User) (gen.Authentication, error) {
	metadata, err := userMetadata(u)
	if err != nil {
		return gen.Authentication{}, err
	}

	shown := gen.Authentication{
		Username:            u.Name,
		Roles:               s.RoleNames(),
		FullName:            givenText(u.FullName, u.EmptyFullName),
		Email:               givenText(u.Email, u.EmptyEmail),
		Metadata:            metadata,
		Enabled:             u.Enabled,
		AuthenticationRealm: showRealm(s.By.HomeRealm()),
		LookupRealm:         showRealm(u.HomeRealm()),
		AuthenticationType:  authenticationTypes[s.By.Method],
	}
	if s.By.Method == identity.APIKey {
		shown.AuthenticationRealm = showRealm(identity.KeyRealm)
	}

	if s.Method == identity.APIKey {
		shown.Roles, shown.LookupRealm, shown.Metadata = []string{}, showRealm(identity.KeyRealm), gen.FreeObject{}
		shown.APIKey = &gen.AuthenticationAPIKey{ID: s.Key.ID, Name: s.Key.Name, ManagedBy: gen.KeyManagerElasticsearch}
	}

	return shown, nil
}

// showServiceAccount describes a service account as a caller (Elasticsearch's texts).
func showServiceAccount(p identity.Principal) gen.Authentication {
	return gen.Authentication{
		Username:            p.User,
		Roles:               []string{},
		FullName:            givenText("Service account - "+p.User, false),
		Metadata:            gen.FreeObject{"_elastic_service_account": true},
		Enabled:             true,
		AuthenticationRealm: showRealm(identity.ServiceRealm),
		LookupRealm:         showRealm(identity.ServiceRealm),
		AuthenticationType:  gen.AuthenticationTypeToken,
		Token:               &gen.AuthenticationToken{Name: p.Token.Name, Type: "_service_account_index"},
	}
}

func showRealm(r identity.Realm) gen.RealmInformation {
	return gen.RealmInformation{Name: r.Name, Type: r.Type}
}

// userMetadata returns a user's metadata. It marks built-in users as reserved, as Elasticsearch does.
func userMetadata(u user.User) (gen.FreeObject, error) {
	if u.Builtin {
		return gen.FreeObject{"_reserved": true}, nil
	}
	return showMetadata(u.Metadata)
}

// showMetadata returns a stored JSON object, or {} for none. Numbers keep their notation.
func showMetadata(text string) (gen.FreeObject, error) {
	if text == "" {
		return gen.FreeObject{}, nil
	}

	var members map[string]json.RawMessage
	err := json.Unmarshal([]byte(text), &members)
	shown := make(gen.FreeObject, len(members))
	for name := range members {
		shown[name] = members[name]
	}

	return shown, err
}
