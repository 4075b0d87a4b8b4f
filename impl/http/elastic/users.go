package elastic

import (
	"context"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// putUser is a request to create or replace a user.
type putUser struct {
	name   string
	native user.Native
}

func (a *API) userOperations() []operation {
	return []operation{
		row[selection, listing]{
			operations: []string{"security-get-users", "security-get-user"},
			read:       selectBy("username"),
			do:         a.findUsers,
			show:       showListing,
		},
		row[putUser, bool]{
			operations: []string{"security-put-user", "security-put-user-post"},
			read:       readPutUser,
			check:      func(in putUser) error { return in.native.Check(in.name) },
			do: func(ctx context.Context, caller call, in putUser) (bool, error) {
				return a.Users.PutNative(ctx, caller.By, in.name, in.native, a.proof(caller))
			},
			show: func(created bool) (response, error) { return ok(gen.CreatedResponse{Created: created}) },
		},
		row[string, bool]{
			operations: []string{"security-delete-user"},
			read:       readParam("username"),
			do: func(ctx context.Context, caller call, name string) (bool, error) {
				return a.Users.DeleteNative(ctx, caller.By, name, a.proof(caller))
			},
			show: showDeleted,
		},
		a.setEnabled(true, "security-enable-user", "security-enable-user-post"),
		a.setEnabled(false, "security-disable-user", "security-disable-user-post"),
	}
}

func (a *API) setEnabled(enabled bool, operations ...string) operation {
	return row[string, none]{
		operations: operations,
		read:       readParam("username"),
		do: func(ctx context.Context, caller call, name string) (none, error) {
			return none{}, a.Users.SetEnabledNative(ctx, caller.By, name, enabled, a.proof(caller))
		},
		show: showEmpty,
	}
}

func (a *API) proof(caller call) user.Proof { return edge.ProofOf(a.Elevation, caller.By) }

func (a *API) findUsers(ctx context.Context, _ call, s selection) (listing, error) {
	users, err := a.Users.Natives(ctx, s.names)
	if err != nil {
		return listing{}, err
	}

	shown := make(gen.SecurityUsers, len(users))
	for _, u := range users {
		if shown[u.Name], err = showUser(u); err != nil {
			return listing{}, err
		}
	}

	return listing{shown, s.named && len(users) == 0}, nil
}

func showUser(u user.User) (gen.SecurityUser, error) {
	metadata, err := userMetadata(u)
	return gen.SecurityUser{
		Username: u.Name,
		Roles:    convert.Strings(u.Roles),
		FullName: convert.Text(u.FullName),
		Email:    convert.Text(u.Email),
		Metadata: metadata,
		Enabled:  u.Enabled,
	}, err
}

func readPutUser(r request) (putUser, error) {
	native, err := readNative(r.body)
	return putUser{r.params["username"], native}, err
}

// readNative reads a user. It ignores a name in the body, because the path names the user.
func readNative(body any) (user.Native, error) {
	n := user.Native{Enabled: true}
	var name string
	err := xcontent.Parser{Name: "put_user_request", Fields: map[string]xcontent.Field{
		"password":      xcontent.OptionalText(&n.Password),
		"password_hash": xcontent.OptionalText(&n.PasswordHash),
		"roles":         xcontent.Texts(&n.Roles),
		"full_name":     xcontent.OrNull(xcontent.OptionalText(&n.FullName)),
		"email":         xcontent.OrNull(xcontent.OptionalText(&n.Email)),
		"metadata":      xcontent.OrNull(xcontent.Object(&n.Metadata)),
		"enabled":       xcontent.Boolean(&n.Enabled),
		"username":      xcontent.Text(&name),
	}}.Read(body)

	return n, err
}
