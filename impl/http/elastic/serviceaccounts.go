package elastic

import (
	"context"
	"strings"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/servicetoken"
	"github.com/sallyport/sallyport/impl/authz/serviceaccount"
)

func (a *API) serviceOperations() []operation {
	return []operation{
		row[serviceSelection, gen.ServiceAccountsInformation]{
			operations: []string{
				"security-get-service-accounts", "security-get-service-accounts-namespace",
				"security-get-service-accounts-service",
			},
			read: func(r request) (serviceSelection, error) {
				return serviceSelection{r.params["namespace"], r.params["service"]}, nil
			},
			do:   listServiceAccounts,
			show: okay[gen.ServiceAccountsInformation],
		},
		row[string, gen.ServiceCredentialsInformation]{
			operations: []string{"security-get-service-credentials"},
			read:       func(r request) (string, error) { return tokenID(r).Account, nil },
			do:         a.listServiceTokens,
			show:       okay[gen.ServiceCredentialsInformation],
		},
		row[servicetoken.ID, gen.CreateServiceTokenResponse]{
			operations: []string{"security-create-service-token", "security-create-service-token-put"},
			read:       readTokenID,
			check:      func(id servicetoken.ID) error { return servicetoken.CheckName(id.Name) },
			do:         a.createServiceToken,
			show:       okay[gen.CreateServiceTokenResponse],
		},
		row[servicetoken.ID, gen.CreateServiceTokenResponse]{
			operations: []string{"security-create-service-token-unnamed"},
			read:       readTokenID,
			do:         a.createServiceToken,
			show:       okay[gen.CreateServiceTokenResponse],
		},
		row[servicetoken.ID, bool]{
			operations: []string{"security-delete-service-token"},
			read:       readTokenID,
			do: func(ctx context.Context, caller call, id servicetoken.ID) (bool, error) {
				return a.Tokens.Delete(ctx, principals(caller), id)
			},
			show: showDeleted,
		},
	}
}

// serviceSelection selects service accounts; an empty member selects all.
type serviceSelection struct{ namespace, service string }

func listServiceAccounts(_ context.Context, _ call, s serviceSelection) (gen.ServiceAccountsInformation, error) {
	shown := gen.ServiceAccountsInformation{}
	for name, descriptor := range serviceaccount.All() {
		namespace, service, _ := strings.Cut(name, "/")
		if s.namespace != "" && s.namespace != namespace || s.service != "" && s.service != service {
			continue
		}
		d, err := showDescriptor(descriptor)
		if err != nil {
			return nil, err
		}
		shown[name] = gen.ServiceAccountInformation{RoleDescriptor: d}
	}
	return shown, nil
}

func (a *API) listServiceTokens(
	ctx context.Context, _ call, account string,
) (gen.ServiceCredentialsInformation, error) {
	names, err := a.Tokens.Names(ctx, account)
	tokens := make(gen.ServiceTokensInformation, len(names))
	for _, name := range names {
		tokens[name] = gen.EmptyResponse{}
	}
	return gen.ServiceCredentialsInformation{
		ServiceAccount: account,
		Count:          len(names),
		Tokens:         tokens,
		NodesCredentials: gen.ServiceNodesCredentials{
			NodeCounts: gen.NodeCounts{Total: 1, Successful: 1},
			FileTokens: gen.EmptyResponse{},
		},
	}, err
}

// tokenID returns the token that a path names.
func tokenID(r request) servicetoken.ID {
	return servicetoken.ID{Account: r.params["namespace"] + "/" + r.params["service"], Name: r.params["name"]}
}

func readTokenID(r request) (servicetoken.ID, error) { return tokenID(r), nil }

func (a *API) createServiceToken(
	ctx context.Context, caller call, id servicetoken.ID,
) (gen.CreateServiceTokenResponse, error) {
	id, value, err := a.Tokens.Create(ctx, principals(caller), id)
	return gen.CreateServiceTokenResponse{Created: true, Token: gen.ServiceToken{Name: id.Name, Value: value}}, err
}

// principals are the authenticated caller, and the user that it acts as.
func principals(caller call) []identity.Principal {
	return []identity.Principal{caller.By, caller.Principal}
}
