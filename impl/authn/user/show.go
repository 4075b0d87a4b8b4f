package user

import (
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/store"
)

// User is a user as callers see it: a record without what belongs to the password, the identity provider and
// promotions.
type User struct {
	Name     string
	FullName string
	Email    string
	// EmptyFullName and EmptyEmail are set if the text was given, and is empty.
	EmptyFullName, EmptyEmail bool

	Builtin bool
	Enabled bool
	Roles   []identity.Role
	// Metadata is a JSON object, or empty if none was given.
	Metadata string
	// SAMLRealm is the realm that the user comes from; empty for a user of this server.
	SAMLRealm string
	// HasTOTP reports whether the user has a confirmed second factor.
	HasTOTP bool
	// CreatedBy and UpdatedBy are actors of the audit trail.
	CreatedBy string
	UpdatedBy string
	CreatedAt time.Time
	UpdatedAt time.Time
	// FirstLoginAt and LastLoginAt are zero for a user that has never signed in.
	FirstLoginAt time.Time
	LastLoginAt  time.Time
}

// HomeRealm returns the realm of the user.
func (u User) HomeRealm() identity.Realm { return identity.RealmOf(u.Builtin, u.SAMLRealm) }

// OfRecord returns the user of a record.
func OfRecord(u store.User) User {
	return User{
		Name:     u.Name,
		FullName: u.FullName,
		Email:    u.Email,

		EmptyFullName: u.EmptyFullName,
		EmptyEmail:    u.EmptyEmail,

		Builtin:      u.Builtin,
		Enabled:      u.Enabled,
		Roles:        u.Roles,
		Metadata:     u.Metadata,
		SAMLRealm:    u.Realm,
		HasTOTP:      u.HasTOTP,
		CreatedBy:    u.CreatedBy,
		UpdatedBy:    u.UpdatedBy,
		CreatedAt:    u.CreatedAt,
		UpdatedAt:    u.UpdatedAt,
		FirstLoginAt: u.FirstLoginAt,
		LastLoginAt:  u.LastLoginAt,
	}
}

func ofRecords(records []store.User) []User {
	users := make([]User, len(records))
	for i, record := range records {
		users[i] = OfRecord(record)
	}
	return users
}
