package authn

import (
	"context"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// TokenSelection selects the access tokens to invalidate: one, by itself or by its refresh token, or those of a user or
// a realm. An empty field is one that is not given.
type TokenSelection struct{ Token, RefreshToken, UserName, RealmName string }

// Check returns fault.RequestInvalid, with all errors, for a selection that is empty or contradictory.
func (s TokenSelection) Check() error {
	var problems fault.Problems
	one, many := s.Token != "" || s.RefreshToken != "", s.UserName != "" || s.RealmName != ""
	problems.Add(!one && !many, "one of [token, refresh_token, username, realm_name] is required")
	problems.Add(s.Token != "" && s.RefreshToken != "", "only one of [token, refresh_token] can be given")
	problems.Add(one && many, "[username] and [realm_name] cannot be given with [token] or [refresh_token]")
	return fault.Invalid(problems)
}

// InvalidateTokens ends the sessions of the selected tokens, with all their tokens. It returns the number of tokens as
// Elasticsearch counts them: 1 for one that is selected by itself, and the access and refresh tokens of users. It
// returns 1 as previously if a single access token was not valid before. Unknown tokens count as neither.
//
// It returns the error of Check. It returns fault.PermissionDenied, and ends no session, if a user other than the
// caller has a platform role and the caller is not a platform administrator.
func (s *Service) InvalidateTokens(
	ctx context.Context, by identity.Principal, sel TokenSelection,
) (invalidated, previously int, err error) {
	if err := sel.Check(); err != nil {
		return 0, 0, err
	}

	var tokenID string
	if sel.Token != "" {
		if tokenID, err = s.sessions.Identify(ctx, sel.Token); err != nil || tokenID == "" {
			return 0, 0, err
		}
	}

	type counts struct{ invalidated, previously int }
	n, err := store.Write(ctx, s.store, func(tx *store.Tx) (n counts, err error) {
		switch {
		case tokenID != "":
			n.invalidated, n.previously, err = s.invalidateToken(ctx, tx, tokenID)
		case sel.RefreshToken != "":
			n.invalidated, err = s.invalidateRefresh(ctx, tx, sel.RefreshToken)
		default:
			n.invalidated, err = signOut(ctx, tx, by, sel)
		}
		return n, err
	})
	return n.invalidated, n.previously, err
}

func (s *Service) invalidateToken(
	ctx context.Context, tx *store.Tx, tokenID string,
) (invalidated, previously int, err error) {
	live, found, err := s.sessions.Find(tx, tokenID)
	switch {
	case err != nil:
		return 0, 0, err
	case !found:
		return 0, 1, nil
	}
	return 1, 0, s.end(ctx, tx, live)
}

func (s *Service) invalidateRefresh(ctx context.Context, tx *store.Tx, value string) (int, error) {
	live, found, err := s.sessions.FindRefresh(tx, value)
	if err != nil || !found {
		return 0, err
	}
	return 1, s.end(ctx, tx, live)
}

func (s *Service) end(ctx context.Context, tx *store.Tx, live store.Session) error {
	if _, err := s.sessions.End(tx, live.ID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.SessionEnded, live.UserName, audit.Details{"sessions": 1})
}

// signOut ends all sessions of a user, or of all users of a realm, and returns the number of their tokens: one access
// token per session, and the refresh tokens.
func signOut(ctx context.Context, tx *store.Tx, by identity.Principal, sel TokenSelection) (int, error) {
	// Expired sessions must not be counted.
	if err := tx.Sessions.Sweep(); err != nil {
		return 0, err
	}
	users, err := sel.users(tx)
	if err != nil {
		return 0, err
	}

	total := 0
	for _, u := range users {
		if err := maySignOut(by, u); err != nil {
			return 0, err
		}
		refresh, err := tx.RefreshTokens.CountUser(u.Name)
		if err != nil {
			return 0, err
		}
		ended, err := session.EndUser(ctx, tx, u.Name)
		if err != nil {
			return 0, err
		}
		total += ended + refresh
	}
	return total, nil
}

// maySignOut returns fault.PermissionDenied unless the caller may end the sessions of a user.
func maySignOut(by identity.Principal, u store.User) error {
	// A caller that acts as an administrator did not authenticate as one.
	administrator := by.IsPlatformAdmin() && by.Method != identity.RunAs
	if by.User == u.Name || administrator || !identity.HoldsPlatformRole(u.Roles) {
		return nil
	}
	return fault.New(fault.PermissionDenied, "user ["+by.User+"] may not end sessions of user ["+u.Name+
		"]: for users with platform roles, holders of the role ["+string(identity.PlatformAdmin)+"] do")
}

// users returns the users that a selection names, by user name, realm or both.
func (s TokenSelection) users(tx *store.Tx) ([]store.User, error) {
	all, err := tx.Users.All()
	if err != nil {
		return nil, err
	}

	var selected []store.User
	for _, u := range all {
		if (s.UserName == "" || u.Name == s.UserName) && (s.RealmName == "" || u.HomeRealm().Name == s.RealmName) {
			selected = append(selected, u)
		}
	}
	return selected, nil
}
