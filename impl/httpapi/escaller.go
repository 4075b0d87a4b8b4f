package httpapi

import (
	"context"
	"encoding/json"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/authz/access"
)

// SecurityAuthenticate implements server.StrictServerInterface.
func (h *handlers) SecurityAuthenticate(ctx context.Context, _ server.SecurityAuthenticateRequestObject) (server.SecurityAuthenticateResponseObject, error) {
	subject := subjectOf(ctx)
	u, err := h.Users.Get(ctx, subject.User)
	if err != nil {
		return nil, err
	}
	shown, err := showAuthentication(subject, u)
	return server.SecurityAuthenticate200JSONResponse{CallerJSONResponse: server.CallerJSONResponse(shown)}, err
}

// authenticationTypes are Elasticsearch's names of how callers authenticated.
var authenticationTypes = map[identity.Method]server.AuthenticationType{
	identity.Basic: server.AuthenticationTypeRealm, identity.Session: server.AuthenticationTypeToken, identity.APIKey: server.AuthenticationTypeAPIKey,
}

func showAuthentication(s access.Subject, u user.User) (server.Authentication, error) {
	metadata, err := userMetadata(u)
	if err != nil {
		return server.Authentication{}, err
	}
	shown := server.Authentication{
		Username: u.Name, Roles: s.RoleNames(), FullName: optional(u.FullName), Email: optional(u.Email), Metadata: metadata, Enabled: u.Enabled,
		AuthenticationRealm: showRealm(s.By.HomeRealm()), LookupRealm: showRealm(u.HomeRealm()),
		AuthenticationType: authenticationTypes[s.By.Method],
	}
	if s.By.Method == identity.APIKey {
		shown.AuthenticationRealm = showRealm(identity.KeyRealm)
	}
	if s.Method == identity.APIKey {
		shown.Roles, shown.LookupRealm, shown.Metadata = []string{}, showRealm(identity.KeyRealm), server.FreeObject{}
		shown.APIKey = &server.AuthenticationAPIKey{ID: s.Key.ID, Name: s.Key.Name, ManagedBy: server.KeyManagerElasticsearch}
	}
	return shown, nil
}

func showRealm(r identity.Realm) server.RealmInformation {
	return server.RealmInformation{Name: r.Name, Type: r.Type}
}

// userMetadata marks users who come with the server, as Elasticsearch does.
func userMetadata(u user.User) (server.FreeObject, error) {
	if u.Builtin {
		return server.FreeObject{"_reserved": true}, nil
	}
	return showMetadata(u.Metadata)
}

// showMetadata shows a stored JSON object, or {} for none. Numbers go through as they are written.
func showMetadata(text string) (server.FreeObject, error) {
	if text == "" {
		return server.FreeObject{}, nil
	}
	var members map[string]json.RawMessage
	err := json.Unmarshal([]byte(text), &members)
	shown := make(server.FreeObject, len(members))
	for name := range members {
		shown[name] = members[name]
	}
	return shown, err
}
