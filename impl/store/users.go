package store

import (
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/identity"
)

// User is somebody who can sign in. The name is the key and never changes.
type User struct {
	Name     string
	Builtin  bool
	Enabled  bool
	Roles    []identity.Role
	FullName string
	Email    string
	// PasswordHash is a PHC string; empty if the user has no password.
	PasswordHash string
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

const userColumns = `users.name, users.builtin, users.enabled, users.roles, users.full_name, users.email,
	users.password_hash, users.created_at, users.updated_at`

// userFields returns where to scan userColumns to, and what to call then.
func userFields(u *User) ([]any, func()) {
	var roles string
	var created, updated int64
	fields := []any{&u.Name, &u.Builtin, &u.Enabled, &roles, &u.FullName, &u.Email, &u.PasswordHash, &created, &updated}
	return fields, func() {
		u.Roles = splitRoles(roles)
		u.CreatedAt, u.UpdatedAt = at(created), at(updated)
	}
}

func scanUser(row scanner) (User, error) {
	var u User
	fields, finish := userFields(&u)
	err := row.Scan(fields...)
	finish()
	return u, err
}

// The statements on these records.
var (
	selectUser  = prepare(`SELECT ` + userColumns + ` FROM users WHERE name = $1`)
	selectUsers = prepare(`SELECT ` + userColumns + ` FROM users ORDER BY name`)
	insertUser  = prepare(`INSERT INTO users (name, builtin, enabled, roles, full_name, email, password_hash, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`)
	updateUser = prepare(`UPDATE users SET enabled = $2, roles = $3, full_name = $4, email = $5, password_hash = $6, updated_at = $7
		WHERE name = $1`)
)

// User returns a user, or ErrNotFound.
func (tx *Tx) User(name string) (User, error) {
	return one(tx, scanUser, selectUser, name)
}

// Users returns all users by name.
func (tx *Tx) Users() ([]User, error) {
	return all(tx, scanUser, selectUsers)
}

// InsertUser adds a user, at the transaction's time, or returns ErrExists.
func (tx *Tx) InsertUser(u User) error {
	_, err := tx.exec(insertUser,
		u.Name, u.Builtin, u.Enabled, joinRoles(u.Roles), u.FullName, u.Email, u.PasswordHash, millis(tx.Now))
	return err
}

// UpdateUser stores all of a user but the name, whether the user is built in, and when the user was created. It returns
// ErrNotFound.
func (tx *Tx) UpdateUser(u User) error {
	n, err := tx.exec(updateUser,
		u.Name, u.Enabled, joinRoles(u.Roles), u.FullName, u.Email, u.PasswordHash, millis(tx.Now))
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

func joinRoles(roles []identity.Role) string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	return strings.Join(names, ",")
}

func splitRoles(text string) []identity.Role {
	var roles []identity.Role
	for name := range strings.SplitSeq(text, ",") {
		roles = append(roles, identity.Role(name))
	}
	return roles
}
