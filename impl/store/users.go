package store

import (
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
)

// User is an account that can sign in. The name is the key and never changes.
type User struct {
	Name     string
	Builtin  bool
	Enabled  bool
	Roles    []identity.Role
	FullName string
	Email    string
	// EmptyFullName and EmptyEmail are set if the text was given, and is empty.
	EmptyFullName, EmptyEmail bool
	// Metadata is a JSON object, or empty if none was given.
	Metadata string
	// Realm is the SAML realm that the user comes from, and Identity the realm's name for the user; both are zero for
	// a native user. They never change, except by Qualify.
	Realm    string
	Identity ExternalIdentity
	// PasswordHash is a PHC string; empty if the user has no password.
	PasswordHash string
	// PasswordSetBy is the role that set the password.
	PasswordSetBy PasswordSetter
	// Tenure is since when the user has ECE's roles.
	Tenure    identity.Tenure
	CreatedAt time.Time
	UpdatedAt time.Time
	// CreatedBy and UpdatedBy are the actors of the audit trail.
	CreatedBy string
	UpdatedBy string
	// FirstLoginAt and LastLoginAt are zero for a user that never signed in.
	FirstLoginAt time.Time
	LastLoginAt  time.Time
	// HasTOTP reports whether the user has a confirmed second factor. It is read only: it follows from the device.
	HasTOTP bool
}

// PasswordSetter is the role that set a user's password. Whether another user may know it affects promotions, and the
// permissions of API keys that are created with it.
type PasswordSetter string

// The known setters. The zero value is an unknown one, which is trusted as little as another user.
const (
	// SetByUser is the user, with the old password.
	SetByUser PasswordSetter = "user"
	// SetByOperator is the configuration, or a command on the server's machine.
	SetByOperator PasswordSetter = "operator"
	// SetByAdministrator is a platform administrator.
	SetByAdministrator PasswordSetter = "administrator"
	// SetByOther is another user, with Elasticsearch's privileges.
	SetByOther PasswordSetter = "other"
)

// PasswordShared reports whether another user set the user's current password, and so may know it.
func (u User) PasswordShared() bool {
	return u.PasswordHash != "" && u.PasswordSetBy != SetByUser && u.PasswordSetBy != SetByOperator
}

// External reports whether an identity provider manages the user: everything but whether the user may sign in is
// changed there.
func (u User) External() bool { return u.Realm != "" }

// HomeRealm returns the realm that the user comes from.
func (u User) HomeRealm() identity.Realm { return identity.RealmOf(u.Builtin, u.Realm) }

const userColumns = `users.name, users.builtin, users.enabled, ` + rolesColumn +
	`, users.full_name, users.email, users.metadata,
	users.realm, users.name_id_qualified, users.name_id, users.password_hash, users.created_at, users.updated_at,
	users.created_by, users.updated_by, users.password_set_by, users.tenure,
	users.first_login_at, users.last_login_at, users.empty_full_name AND users.full_name = '',
	users.empty_email AND users.email = '',
	EXISTS (SELECT 1 FROM totp_devices WHERE totp_devices.user_name = users.name AND totp_devices.confirmed)`

// userFields returns the destinations for userColumns.
func userFields(u *User) []any {
	name := &nameIDColumns{identity: &u.Identity}
	return []any{&u.Name, &u.Builtin, &u.Enabled, (*list[identity.Role])(&u.Roles), &u.FullName, &u.Email,
		&u.Metadata, &u.Realm, &name.qualified, name, &u.PasswordHash, (*milliseconds)(&u.CreatedAt),
		(*milliseconds)(&u.UpdatedAt), &u.CreatedBy, &u.UpdatedBy, &u.PasswordSetBy, (*tenure)(&u.Tenure),
		(*milliseconds)(&u.FirstLoginAt), (*milliseconds)(&u.LastLoginAt), &u.EmptyFullName, &u.EmptyEmail, &u.HasTOTP}
}

// The statements on these records.
var (
	selectUser         = prepare(`SELECT ` + userColumns + ` FROM users WHERE name = $1 AND NOT deleted`)
	selectUsers        = prepare(`SELECT ` + userColumns + ` FROM users WHERE NOT deleted ORDER BY name`)
	selectUsersByNames = prepare(`SELECT ` + userColumns + ` FROM users WHERE name ` + among + `
		AND NOT deleted ORDER BY name`)
	// The row of a deleted user that waits for the sweep becomes the new user's, with new epochs. All other columns
	// are as in a new row.
	insertUser = prepare(`INSERT INTO users (name, builtin, enabled, roles, full_name, email, metadata,
		password_hash, created_at, updated_at,
		created_by, updated_by, realm, name_id, name_id_qualified, empty_full_name, empty_email)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (name) DO UPDATE SET builtin = excluded.builtin, enabled = excluded.enabled, roles = '` +
		sweepingPrefix + `' || excluded.roles,
		full_name = excluded.full_name, email = excluded.email, metadata = excluded.metadata,
		empty_full_name = excluded.empty_full_name, empty_email = excluded.empty_email,
		password_hash = excluded.password_hash,
		created_at = excluded.created_at, updated_at = excluded.updated_at, created_by = excluded.created_by,
		updated_by = excluded.updated_by,
		realm = excluded.realm, name_id = excluded.name_id, name_id_qualified = excluded.name_id_qualified,
		tenure = '', first_login_at = 0, last_login_at = 0, deleted = FALSE, keys_revoked_at = 0,
		key_epoch = users.key_epoch + 1, first_key_epoch = users.key_epoch + 1,
		session_epoch = users.session_epoch + 1 WHERE users.deleted`)
	updateUser = prepare(`UPDATE users SET enabled = $2, roles = CASE WHEN sweeping THEN '` + sweepingPrefix +
		`' ELSE '' END || CAST($3 AS TEXT),
		full_name = $4, email = $5, metadata = $6, password_hash = $7,
		updated_at = $8, updated_by = $9, tenure = $10, empty_full_name = $11, empty_email = $12
		WHERE name = $1 AND NOT deleted`)
	// These add and remove the prefix of the roles, which stay as they are.
	beginSweeping = prepare(`UPDATE users SET sweeping = TRUE, roles = '` + sweepingPrefix +
		`' || roles WHERE name = $1 AND NOT sweeping`)
	endSweeping = prepare(`UPDATE users SET sweeping = FALSE, roles = ` + rolesColumn + ` WHERE name = $1
		AND sweeping`)
	touchLogin = prepare(`UPDATE users
		SET last_login_at = $2, first_login_at = CASE WHEN first_login_at = 0 THEN $2 ELSE first_login_at END
		WHERE name = $1`)
	// A trigger resets password_set_by whenever password_hash changes, whatever program changes it; so this runs
	// afterwards.
	setPasswordSetter    = prepare(`UPDATE users SET password_set_by = $2 WHERE name = $1 AND password_set_by <> $2`)
	selectPasswordSetter = prepare(`SELECT password_set_by FROM users WHERE name = $1`)
	replacePasswordHash  = prepare(`UPDATE users SET password_hash = $3 WHERE name = $1 AND password_hash = $2`)
	deleteUser           = prepare(`DELETE FROM users WHERE name = $1 AND NOT deleted`)
	sweepUser            = prepare(`DELETE FROM users WHERE name = $1 AND deleted`)
)

// Find returns a user, or ErrNotFound. Cached results are invalidated, except by the time when the user signed in.
func (t Users) Find(name string) (User, error) {
	t.tx.read.add(userTag(name))
	return one(t.tx, userFields, selectUser, name)
}

// All returns all users by name.
func (t Users) All() ([]User, error) {
	return all(t.tx, userFields, selectUsers)
}

// ByNames returns those of the users that exist, by name and once each.
func (t Users) ByNames(names []string) ([]User, error) {
	return all(t.tx, userFields, selectUsersByNames, texts(names))
}

// Insert adds a user, at the transaction's time, or returns ErrExists.
func (t Users) Insert(u User) error {
	nameID := ""
	if u.External() {
		nameID = u.Identity.key()
	}
	added, err := t.tx.changes(insertUser, u.Name, u.Builtin, u.Enabled, list[identity.Role](u.Roles), u.FullName,
		u.Email, u.Metadata, u.PasswordHash, millis(t.tx.Now), u.CreatedBy, u.Realm, nameID, u.External(),
		u.EmptyFullName, u.EmptyEmail)
	if err == nil && !added {
		err = ErrExists
	}
	if err != nil {
		return err
	}
	return t.tx.do(setPasswordSetter, u.Name, string(u.PasswordSetBy))
}

// Update stores the fields that administrators change, and UpdatedBy. It returns ErrNotFound if there is no such
// user.
func (t Users) Update(u User) error {
	t.tx.changed.add(userTag(u.Name))
	found, err := t.tx.changes(updateUser, u.Name, u.Enabled, list[identity.Role](u.Roles), u.FullName, u.Email,
		u.Metadata, u.PasswordHash, millis(t.tx.Now), u.UpdatedBy, tenure(u.Tenure),
		u.EmptyFullName, u.EmptyEmail)
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return err
	}
	return t.tx.do(setPasswordSetter, u.Name, string(u.PasswordSetBy))
}

// TouchLogin records a sign-in of a user at the transaction's time.
func (t Users) TouchLogin(name string) error {
	return t.tx.do(touchLogin, name, millis(t.tx.Now))
}

// ReplacePasswordHash stores another hash of the same password, and reports whether the old hash was still current.
func (t Users) ReplacePasswordHash(name, old, hash string) (bool, error) {
	t.tx.changed.add(userTag(name))
	setter, err := one(t.tx, single[string], selectPasswordSetter, name)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	replaced, err := t.tx.changes(replacePasswordHash, name, old, hash)
	if err != nil || !replaced {
		return false, err
	}
	return true, t.tx.do(setPasswordSetter, name, setter)
}
