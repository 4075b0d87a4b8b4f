package store

import (
	"fmt"
	"strings"
)

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

// nameIDColumns is the destination of name_id, after that of name_id_qualified: one that is not qualified is the text
// only.
type nameIDColumns struct {
	qualified bool
	identity  *ExternalIdentity
}

// Scan implements sql.Scanner.
func (c *nameIDColumns) Scan(column any) error {
	key, ok := column.(string)
	if !ok {
		return fmt.Errorf("a %T is not the text of a name_id", column)
	}
	key = strings.TrimPrefix(key, nameIDMark)
	if !c.qualified {
		*c.identity = ExternalIdentity{NameID: key}
		return nil
	}
	nameID, rest, _ := strings.Cut(key, nameIDSeparator)
	format, qualifier, _ := strings.Cut(rest, nameIDSeparator)
	*c.identity = ExternalIdentity{NameID: nameID, Format: format, SPNameQualifier: qualifier}
	return nil
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
	return one(t.tx, userFields, selectExternalUser, realm, identity.key())
}

// FindUnqualified returns the user with a NameID in a realm that was added before formats were stored, or
// ErrNotFound.
func (t Users) FindUnqualified(realm, nameID string) (User, error) {
	return one(t.tx, userFields, selectUnqualifiedUser, realm, nameIDMark+nameID)
}

// Qualify gives a user of FindUnqualified the format and the qualifier, and reports whether the user had none yet.
func (t Users) Qualify(name string, identity ExternalIdentity) (bool, error) {
	t.tx.changed.add(userTag(name))
	return t.tx.changes(qualifyUser, name, nameIDMark+identity.NameID, identity.key())
}
