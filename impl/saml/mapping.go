package saml

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/authz/rolemapping"
	"github.com/sallyport/sallyport/impl/platform/admission/wildcard"
	"github.com/sallyport/sallyport/impl/store"
)

// RefusedError is the reason why a sign-in is refused, for the log and for administrators. The response to the caller
// does not have it.
type RefusedError struct{ Reason string }

// Error implements error.
func (e *RefusedError) Error() string { return "saml: the sign-in is refused: " + e.Reason }

func refuse(reason string) error { return &RefusedError{reason} }

// Subject is whom a verified assertion is about, in its own words.
type Subject struct {
	NameID, NameIDFormat           string
	NameQualifier, SPNameQualifier string
	Attributes                     map[string][]string
}

// Profile is what a realm makes of a subject.
type Profile struct {
	// Identity is what the user is known by in the realm for ever: the NameID, or the name after a space if the NameID is
	// another each time.
	Identity store.ExternalIdentity
	// Name is the user's name here, if the user is new.
	Name            string
	FullName, Email string
	DN              string
	Groups          []string
	// Roles are those of the realm's rules, sorted, ECE's first.
	Roles []identity.Role
}

// Limits of what is kept, in characters: of names as the contract has it, and of NameIDs generously (SAML Core 8.3.7
// has 256 for persistent ones).
const (
	maxFullName = 512
	maxNameID   = 1024
)

// Profile makes a user of a subject. It returns a *RefusedError if the subject cannot be one, or gets roles of ECE's
// that cannot be one user's.
func (r Realm) Profile(s Subject) (Profile, error) {
	if s.NameID == "" || utf8.RuneCountInString(s.NameID) > maxNameID {
		return Profile{}, refuse("the NameID is empty or longer than 1024 characters")
	}
	name, err := r.principal(s)
	if err != nil {
		return Profile{}, err
	}
	id, err := r.identity(s, name)
	if err != nil {
		return Profile{}, err
	}
	p := Profile{
		Identity: id, Name: name, FullName: first(s, r.Attributes.Name), Email: first(s, r.Attributes.Mail),
		Groups: r.groups(s),
	}
	if err := user.CheckTexts(p.FullName, p.Email); err != nil {
		return Profile{}, refuse("an attribute cannot be kept: " + message(err))
	}
	if utf8.RuneCountInString(p.FullName) > maxFullName || utf8.RuneCountInString(p.Email) > maxFullName {
		return Profile{}, refuse("the full name or the e-mail address is longer than 512 characters")
	}
	if p.DN, err = sole(s, r.Attributes.DN, "dn"); err != nil {
		return Profile{}, err
	}
	p.Roles, err = r.RoleMappings.roles(p)
	return p, err
}

// mapped returns the roles that the stored role mappings give, none of them ECE's. It returns a *RefusedError if the
// mappings compare too much.
func (r Realm) mapped(ctx context.Context, tx *store.Tx, s Subject, p Profile) ([]identity.Role, error) {
	roles, err := rolemapping.Roles(ctx, tx, rolemapping.User{
		Name:     p.Name,
		DN:       p.DN,
		Groups:   p.Groups,
		Metadata: s.metadata(),
		Realm:    r.ID,
	})
	if errors.Is(err, rolemapping.ErrTooMuchWork) {
		err = refuse(err.Error())
	}
	return roles, err
}

// admit returns a profile with the mapped roles beside those of the realm's rules. It returns a *RefusedError if there
// are none.
func (r Realm) admit(s Subject, p Profile, mapped []identity.Role) (Profile, error) {
	var err error
	if p.Roles, err = combine(slices.Concat(p.Roles, mapped)); err == nil && len(p.Roles) == 0 {
		err = refuse(r.noRole(s, p))
	}
	return p, err
}

// metadata returns what role mappings call metadata, by Elasticsearch's names.
func (s Subject) metadata() map[string][]string {
	all := map[string][]string{"saml_nameid": {s.NameID}}
	if s.NameIDFormat != "" {
		all["saml_nameid_format"] = []string{s.NameIDFormat}
	}
	for name, values := range s.Attributes {
		all["saml("+name+")"] = values
	}
	return all
}

// identity returns what a subject is known by. What a NameID leaves out is what SAML says it then means: the format
// "unspecified", the identity provider as NameQualifier and us as SPNameQualifier (SAML Core 2.2.2 and 8.3.7). Both of
// the latter are left out here too, so that an identity is the same whether they are named or not. A NameID of another
// NameQualifier than the identity provider is refused.
func (r Realm) identity(s Subject, name string) (store.ExternalIdentity, error) {
	if s.NameQualifier != "" && s.NameQualifier != r.IDP.EntityID {
		return store.ExternalIdentity{}, refuse("the NameID has another NameQualifier than the identity provider")
	}
	if s.NameIDFormat == formatTransient {
		return store.ExternalIdentity{NameID: transientMark + name, Format: formatTransient}, nil
	}
	id := store.ExternalIdentity{
		NameID: s.NameID, Format: cmp.Or(s.NameIDFormat, formatUnspecified), SPNameQualifier: s.SPNameQualifier,
	}
	if id.SPNameQualifier == r.SP.EntityID {
		id.SPNameQualifier = ""
	}
	return id, nil
}

// transientMark precedes the name of a user with transient NameIDs. No NameID begins with a space.
const transientMark = " "

// principal returns the name that a subject has here.
func (r Realm) principal(s Subject) (string, error) {
	name := s.NameID
	switch attribute := r.Attributes.Principal; {
	case !r.Attributes.principalIsNameID():
		var err error
		if name, err = sole(s, attribute, "principal"); err != nil {
			return "", err
		}
		if name == "" {
			return "", refuse("the attribute " + attribute + ", which is the principal, is missing or empty")
		}
	case s.NameIDFormat == formatTransient:
		return "", refuse("the NameID is transient, and no attribute is the principal")
	case attribute == principalPersistent && s.NameIDFormat != formatPersistent:
		return "", refuse("the NameID is not persistent, and so not the principal")
	}
	name, err := user.ExternalName(name)
	if err != nil {
		return "", refuse("the principal cannot be a user's name: " + message(err))
	}
	return name, nil
}

// first returns the first value of an attribute; "" if there is none, or no attribute is meant.
func first(s Subject, attribute string) string {
	if values := s.Attributes[attribute]; attribute != "" && len(values) > 0 {
		return values[0]
	}
	return ""
}

// sole is first for what rights hang on: it must not be left to chance which of several values counts.
func sole(s Subject, attribute, what string) (string, error) {
	if attribute != "" && len(s.Attributes[attribute]) > 1 {
		return "", refuse("the attribute " + attribute + ", which is the " + what + ", has several values")
	}
	return first(s, attribute), nil
}

// groups returns the values of the attribute. Some identity providers send all groups in one value; it is split only if
// the realm has a delimiter, because a person that can name a group could otherwise add other groups in its name.
func (r Realm) groups(s Subject) []string {
	if r.Attributes.Groups == "" {
		return nil
	}
	values := s.Attributes[r.Attributes.Groups]
	if len(values) != 1 || r.GroupsDelimiter == "" {
		return slices.Clone(values)
	}
	var parts []string
	for part := range strings.SplitSeq(values[0], r.GroupsDelimiter) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// roles returns what a profile gets by default and by the rules, which may be nothing.
func (m RoleMappings) roles(p Profile) ([]identity.Role, error) {
	given := slices.Clone(m.Default)
	for _, rule := range m.Rules {
		if rule.applies(p) {
			given = append(given, rule.Roles...)
		}
	}
	if len(given) == 0 {
		return nil, nil
	}
	roles, err := combine(given)
	if err != nil {
		return nil, refuse("the roles that the rules give do not combine: " + message(err))
	}
	return roles, nil
}

func (r Rule) applies(p Profile) bool {
	switch r.Type {
	case ByUsername:
		matched, _ := wildcard.ParseStars(r.Value).Match(p.Name)
		return matched
	case ByGroups:
		return slices.Contains(p.Groups, r.Value)
	case ByDN:
		return matchesDN(r.Value, p.DN)
	}
	return false
}
