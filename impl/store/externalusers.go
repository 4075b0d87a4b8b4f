package store

import "strings"

// ExternalIdentity is a SAML realm's name for a user: a NameID with what distinguishes it from other NameIDs of the
// same text (SAML Core 2.2.2). It is compared byte by byte.
type ExternalIdentity struct {
	// NameID is the text, and Format the URI of its format.
	NameID, Format string
	// SPNameQualifier is empty for the usual one, which is our entity ID. There is no NameQualifier: it is always the
	// identity provider of the realm.
	SPNameQualifier string
}

// The parts of a SAML user's name_id (migration 0008). No part has a control character, and no NameID begins with a
// space.
const (
	nameIDMark      = "  "
	nameIDSeparator = "\x1f"
)

func (i ExternalIdentity) key() string {
	return nameIDMark + strings.Join([]string{i.NameID, i.Format, i.SPNameQualifier}, nameIDSeparator)
}

// externalIdentity parses a name_id. One that is not qualified has the text only.
func externalIdentity(key string, qualified bool) ExternalIdentity {
	key = strings.TrimPrefix(key, nameIDMark)
	if !qualified {
		return ExternalIdentity{NameID: key}
	}
	nameID, rest, _ := strings.Cut(key, nameIDSeparator)
	format, qualifier, _ := strings.Cut(rest, nameIDSeparator)
	return ExternalIdentity{NameID: nameID, Format: format, SPNameQualifier: qualifier}
}

// The statements on the identities of SAML users.
var (
	selectExternalUser = prepare(`SELECT ` + userColumns + ` FROM users WHERE realm = $1 AND name_id = $2
		AND name_id_qualified`)
	selectUnqualifiedUser = prepare(`SELECT ` + userColumns + ` FROM users WHERE realm = $1 AND name_id = $2
		AND NOT name_id_qualified`)
	qualifyUser = prepare(`UPDATE users SET name_id = $3, name_id_qualified = TRUE WHERE name = $1
		AND name_id = $2 AND NOT name_id_qualified`)
)

// FindExternal returns the user with an identity in a realm, or ErrNotFound.
func (t Users) FindExternal(realm string, identity ExternalIdentity) (User, error) {
	return one(t.tx, scanUser, selectExternalUser, realm, identity.key())
}

// FindUnqualified returns the user with a NameID in a realm that was added before formats were stored, or
// ErrNotFound.
func (t Users) FindUnqualified(realm, nameID string) (User, error) {
	return one(t.tx, scanUser, selectUnqualifiedUser, realm, nameIDMark+nameID)
}

// Qualify gives a user of FindUnqualified the format and the qualifier, and reports whether the user had none yet.
func (t Users) Qualify(name string, identity ExternalIdentity) (bool, error) {
	t.tx.changed.add(userTag(name))
	n, err := t.tx.exec(qualifyUser, name, nameIDMark+identity.NameID, identity.key())
	return n > 0, err
}
