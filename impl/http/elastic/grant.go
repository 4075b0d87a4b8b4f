package elastic

import (
	"context"

	"github.com/sallyport/sallyport/impl/fault"
)

func (a *API) grantOperation() operation {
	return row[grant, createdKey]{
		operations: []string{"security-grant-api-key", "security-grant-api-key-put"},
		read:       readGrant,
		check: func(g grant) error {
			return fault.Invalid(append(g.proxy.Problems(), g.key.Problems(a.Names)...))
		},
		do:   a.grantKey,
		show: showCreatedKey,
	}
}

// grantKey creates a key for the user with the credentials in the request.
func (a *API) grantKey(ctx context.Context, _ call, g grant) (createdKey, error) {
	p, err := a.Auth.Represented(ctx, g.proxy)
	if fault.Has(err, fault.RepresentedInvalid) {
		err = fault.Wrap(fault.PermissionDenied, err, "Failed to authenticate api key grant")
	}
	if err != nil {
		return createdKey{}, err
	}
	// A key never needs a second factor, so a user that has one must have used it: a password alone is not enough.
	if err := a.Elevation.Require(p); err != nil {
		return createdKey{}, err
	}

	owner, err := a.Access.Subject(ctx, p)
	if err != nil {
		return createdKey{}, err
	}

	if g.runAs != "" {
		action := a.contract.Operation("security-authenticate").Extension(actionExtension)
		if owner, err = a.Access.RunAs(ctx, owner, g.runAs, action); err != nil {
			return createdKey{}, err
		}
	}

	key, credential, err := a.Keys.Grant(ctx, owner, g.key)
	return createdKey{key, credential}, err
}
