package elastic

import (
	"cmp"
	"context"

	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// newPassword is a request to change a user's password.
type newPassword struct {
	user   string
	secret user.Secret
}

func (a *API) passwordOperations() []operation {
	return []operation{
		row[newPassword, none]{
			operations: []string{
				"security-change-password", "security-change-password-post",
				"security-change-own-password", "security-change-own-password-post",
			},
			read:      readNewPassword,
			check:     func(n newPassword) error { return n.secret.Check(n.user) },
			authorize: ownPasswordOr,
			do: func(ctx context.Context, caller call, n newPassword) (none, error) {
				return none{}, a.Users.ChangePasswordNative(ctx, caller.By, n.user, n.secret, a.proof(caller))
			},
			show: showEmpty,
		},
	}
}

// ownPasswordOr requires no privilege for the caller's own password, for which the domain requires a proof.
func ownPasswordOr(caller call, n newPassword) error {
	if n.user == caller.By.User {
		return nil
	}
	return caller.Require(caller.action)
}

func readNewPassword(r request) (newPassword, error) {
	secret, err := readSecret(r.body)
	return newPassword{cmp.Or(r.params["username"], r.caller), secret}, err
}

func readSecret(body any) (user.Secret, error) {
	var s user.Secret
	err := readMembers("change password", body, map[string]member{
		"password":      {"string", xcontent.OptionalText(&s.Password)},
		"password_hash": {"string", xcontent.OptionalText(&s.PasswordHash)},
	})
	return s, err
}
