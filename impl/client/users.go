package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
)

// seconds returns a duration as the API has it.
func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int64(d/time.Second)) }

// Caller returns the user of the credentials.
func (c *Client) Caller(ctx context.Context) (gen.User, error) {
	r, err := c.api.GetCurrentUserWithResponse(ctx)
	if err != nil {
		return gen.User{}, asError(err)
	}
	return result(r.JSON200, r.HTTPResponse)
}

// SetPassword changes the caller's own password, which ends all sessions of the user, and uses it from then on. The
// client must have WithPassword, because the server asks for the old password again.
func (c *Client) SetPassword(ctx context.Context, password string) error {
	patch, err := json.Marshal(gen.UserPatch{Security: &gen.UserSecurityPatch{Password: &password}})
	if err != nil {
		return asError(err)
	}
	if _, err := c.api.UpdateCurrentUserWithResponse(ctx, patch); err != nil {
		return asError(err)
	}
	if c.transport.session != nil {
		c.transport.session.replacePassword(password)
	}
	return nil
}

// User returns a user.
func (c *Client) User(ctx context.Context, name string) (gen.User, error) {
	if err := segment("user_name", name); err != nil {
		return gen.User{}, err
	}
	r, err := c.api.GetUserWithResponse(ctx, name)
	if err != nil {
		return gen.User{}, asError(err)
	}
	return result(r.JSON200, r.HTTPResponse)
}

// Users yields all users by name, disabled ones included, or an error.
func (c *Client) Users(ctx context.Context) iter.Seq2[gen.User, error] {
	return list(func() ([]gen.User, error) {
		r, err := c.api.GetUsersWithResponse(ctx, &gen.GetUsersParams{IncludeDisabled: new(true)})
		if err != nil {
			return nil, asError(err)
		}
		read, err := result(r.JSON200, r.HTTPResponse)
		return read.Users, err
	})
}

// CreateUser creates a user with a password and roles. Like CreateKey, it is not repeated after the server may have
// created the user.
func (c *Client) CreateUser(ctx context.Context, name, password string, roles ...string) (gen.User, error) {
	roles = append([]string{}, roles...) // JSON has no null for a list
	r, err := c.api.CreateUserWithResponse(ctx, gen.CreateUserRequest{
		UserName: name,
		Security: gen.CreateUserSecurity{Password: &password, Roles: &roles},
	})
	if err != nil {
		return gen.User{}, asError(err)
	}
	return result(r.JSON200, r.HTTPResponse)
}

// UpdateUser changes the members of a user that the patch has.
func (c *Client) UpdateUser(ctx context.Context, name string, patch gen.UserPatch) (gen.User, error) {
	if err := segment("user_name", name); err != nil {
		return gen.User{}, err
	}
	text, err := json.Marshal(patch)
	if err != nil {
		return gen.User{}, asError(err)
	}
	r, err := c.api.UpdateUserWithResponse(ctx, name, text)
	if err != nil {
		return gen.User{}, asError(err)
	}
	return result(r.JSON200, r.HTTPResponse)
}

// DeleteUser deletes a user with sessions, API keys and second factor. A user that an earlier attempt of the same call
// may have deleted counts as deleted.
func (c *Client) DeleteUser(ctx context.Context, name string) error {
	if err := segment("user_name", name); err != nil {
		return err
	}
	_, err := c.api.DeleteUserWithResponse(ctx, name)
	return deleted(err)
}
