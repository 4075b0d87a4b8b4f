package elastic

import (
	"context"
	"strings"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
	"github.com/sallyport/sallyport/impl/query"
)

// putUser is a request to create or replace a user.
type putUser struct {
	name   string
	native user.Native
}

func (a *API) userOperations() []operation {
	return []operation{
		row[userSelection, listing]{
			operations: []string{"security-get-users", "security-get-user"},
			read: func(r request) (userSelection, error) {
				by, err := selectBy("username")(r)
				return userSelection{by, r.flag(withProfileUID)}, err
			},
			do:   a.findUsers,
			show: showListing,
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
		row[userQuery, gen.QueryUsersResponse]{
			operations: []string{"security-query-users", "security-query-users-get"},
			read: func(r request) (userQuery, error) {
				parsed, err := a.readQuery(query.Users)(r)
				return userQuery{parsed, r.flag(withProfileUID)}, err
			},
			do:   a.queryUsers,
			show: okay[gen.QueryUsersResponse],
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

// withProfileUID is the parameter that asks for the ids of users' profiles.
const withProfileUID = "with_profile_uid"

// userSelection selects users by name.
type userSelection struct {
	selection

	// profiles adds the ids of their profiles.
	profiles bool
}

func (a *API) findUsers(ctx context.Context, _ call, s userSelection) (listing, error) {
	users, err := a.Users.Natives(ctx, s.names)
	if err != nil {
		return listing{}, err
	}
	uids, err := a.profileUIDs(ctx, s.profiles, convert.Each(users, func(u user.User) string { return u.Name }))
	if err != nil {
		return listing{}, err
	}

	shown := make(gen.SecurityUsers, len(users))
	for _, u := range users {
		one, err := showUser(u)
		if err != nil {
			return listing{}, err
		}
		one.ProfileUID = profileUID(uids, u.Name)
		shown[u.Name] = one
	}

	return listing{shown, s.named && len(users) == 0}, nil
}

func showUser(u user.User) (gen.SecurityUser, error) {
	metadata, err := userMetadata(u)
	return gen.SecurityUser{
		Username: u.Name,
		Roles:    convert.Strings(u.Roles),
		FullName: givenText(u.FullName, u.EmptyFullName),
		Email:    givenText(u.Email, u.EmptyEmail),
		Metadata: metadata,
		Enabled:  u.Enabled,
	}, err
}

// givenText returns a text, or nil for an empty one that was not given.
func givenText(text string, empty bool) *string {
	if empty {
		return &text
	}
	return convert.Text(text)
}

func readPutUser(r request) (putUser, error) {
	name := r.params["username"]
	native, err := readNative(name, r.body)
	return putUser{name, native}, err
}

func readNative(name string, body any) (user.Native, error) {
	n := user.Native{Enabled: true}
	err := readMembers("add user", body, map[string]member{
		"password":      {"string", xcontent.OptionalText(&n.Password)},
		"password_hash": {"string", xcontent.OptionalText(&n.PasswordHash)},
		"roles":         {"array", roleNames(&n.Roles)},
		"full_name":     {"string", xcontent.OrNull(xcontent.OptionalText(&n.FullName))},
		"email":         {"string", xcontent.OrNull(xcontent.OptionalText(&n.Email))},
		"metadata":      {"object", xcontent.OrNull(xcontent.Object(&n.Metadata))},
		"enabled":       {"boolean", boolean(&n.Enabled)},
		"username":      {"string", nameInPath(name)},
	})

	return n, err
}

// nameInPath returns a field that takes only the name in the path: no request renames a user.
func nameInPath(name string) xcontent.Field {
	return func(value any) error {
		var given string
		if err := xcontent.Text(&given)(value); err != nil || given == name {
			return err
		}
		text := "[username] in source does not match the username provided [" + name + "]"
		return fault.New(fault.InvalidData, text, "username")
	}
}

// roleNames returns a field for an array of names, or a string of names with a comma between.
func roleNames(target *[]string) xcontent.Field {
	array := xcontent.StringArray("roles", target)
	return func(value any) error {
		text, one := value.(string)
		switch {
		case !one:
			return array(value)
		case text == "":
			*target = []string{}
		default:
			*target = strings.Split(text, ",")
		}
		return nil
	}
}
