package saml

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/platform/dn"
	"github.com/sallyport/sallyport/impl/store"
)

// corporate is a realm with attributes and rules of each type.
func corporate() Realm {
	return Realm{
		ID:         "corporate",
		Attributes: Attributes{Principal: "uid", Groups: "memberOf", Name: "cn", Mail: "mail", DN: "entryDN"},
		RoleMappings: RoleMappings{Rules: []Rule{
			{ByUsername, "erin", []identity.Role{"by_name"}},
			{ByUsername, "*@example.com", []identity.Role{"by_pattern"}},
			{ByGroups, "staff", []identity.Role{identity.DeploymentViewer, "by_group"}},
			{ByGroups, "managers", []identity.Role{identity.DeploymentManager}},
			{ByGroups, "chiefs", []identity.Role{identity.PlatformAdmin}},
			{ByGroups, "Sales, EMEA", []identity.Role{"sales"}},
			{ByGroups, "cn=chiefs", []identity.Role{"never"}},
			{ByDN, "*,ou=People,dc=example", []identity.Role{"by_dn"}},
		}},
	}
}

func subject(attributes map[string][]string) Subject {
	return Subject{NameID: "id-1", NameIDFormat: formatPersistent, Attributes: attributes}
}

// profileOf returns the profile of a subject that is admitted without role mappings.
func profileOf(r Realm, s Subject) (Profile, error) {
	p, err := r.Profile(s)
	if err != nil {
		return Profile{}, err
	}
	return r.admit(s, p, nil)
}

// Ensures that a profile is what the attributes say.
func TestProfile(t *testing.T) {
	got, err := profileOf(corporate(), subject(map[string][]string{
		"uid": {"erin"}, "memberOf": {"staff", "others"}, "cn": {"Erin Ωmega", "E."}, "mail": {"erin@example.com"},
		"entryDN": {"uid=erin,ou=People,dc=example"},
	}))
	want := Profile{
		Identity: store.ExternalIdentity{NameID: "id-1", Format: formatPersistent}, Name: "erin", FullName: "Erin Ωmega",
		Email: "erin@example.com", DN: "uid=erin,ou=People,dc=example",
		Groups: []string{"staff", "others"},
		Roles:  []identity.Role{identity.DeploymentViewer, "by_dn", "by_group", "by_name"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the profile is\n%+v, want\n%+v (%v)", got, want, err)
	}
}

// Ensures that attributes are mapped to roles by the rules, and that a user is refused without a role, or with roles
// that do not combine.
func TestProfile_Roles(t *testing.T) {
	many := make([]string, 1500)
	for i := range many {
		many[i] = fmt.Sprintf("group-%d", i)
	}
	for name, c := range map[string]struct {
		attributes map[string][]string
		want       string
	}{
		"name":                {map[string][]string{"uid": {"erin"}}, "[by_name]"},
		"pattern":             {map[string][]string{"uid": {"jo@example.com"}}, "[by_pattern]"},
		"pattern, more after": {map[string][]string{"uid": {"jo@example.com.evil"}}, "no rule gives the user"},
		"no rule":             {map[string][]string{"uid": {"Erin"}}, "no rule gives the user"},
		"group": {map[string][]string{"uid": {"x"}, "memberOf": {"a", "staff"}},
			"[ece_deployment_viewer by_group]"},
		"groups in one value":   {map[string][]string{"uid": {"x"}, "memberOf": {"mine,chiefs"}}, "no rule gives the user"},
		"a group with a comma":  {map[string][]string{"uid": {"x"}, "memberOf": {"Sales, EMEA"}}, "[sales]"},
		"commas in many values": {map[string][]string{"uid": {"x"}, "memberOf": {"a,staff", "b"}}, "no rule gives the user"},
		"a group that is a DN": {map[string][]string{"uid": {"x"}, "memberOf": {"cn=x,cn=chiefs"}},
			"no rule gives the user"},
		"no group":            {map[string][]string{"uid": {"x"}, "memberOf": {""}}, "no rule gives the user"},
		"group in other case": {map[string][]string{"uid": {"x"}, "memberOf": {"Staff"}}, "no rule gives the user"},
		"many groups": {map[string][]string{"uid": {"x"}, "memberOf": append(many, "chiefs")},
			"[ece_platform_admin]"},
		"admin and name": {map[string][]string{"uid": {"erin"}, "memberOf": {"chiefs"}}, "[ece_platform_admin by_name]"},
		"admin and viewer": {map[string][]string{"uid": {"erin"}, "memberOf": {"chiefs", "staff"}},
			"do not combine: ece_platform_admin includes"},
		"manager and viewer": {map[string][]string{"uid": {"erin"}, "memberOf": {"managers", "staff"}},
			"do not combine: ece_deployment_manager and"},
		"DN":              {map[string][]string{"uid": {"x"}, "entryDN": {"UID=x, OU=People, DC=example"}}, "[by_dn]"},
		"other attribute": {map[string][]string{"uid": {"x"}, "groups": {"staff"}}, "no rule gives the user"},
	} {
		p, err := profileOf(corporate(), subject(c.attributes))
		var refusal *RefusedError
		switch got := fmt.Sprint(p.Roles); {
		case strings.HasPrefix(c.want, "["):
			if err != nil || got != c.want {
				t.Errorf("%s: %s, %v", name, got, err)
			}
		case !errors.As(err, &refusal) || !strings.Contains(refusal.Reason, c.want):
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	delimited := corporate()
	delimited.GroupsDelimiter = ","
	for value, want := range map[string]string{
		"a, staff ,,b": "[ece_deployment_viewer by_group]", "staff": "[ece_deployment_viewer by_group]", "Sales, EMEA": "[]",
		",": "[]",
	} {
		if p, _ := profileOf(delimited, subject(map[string][]string{
			"uid": {"x"}, "memberOf": {value},
		})); fmt.Sprint(p.Roles) != want {
			t.Errorf("%q with a delimiter: %v, want %s", value, p.Roles, want)
		}
	}
	defaults := corporate()
	defaults.RoleMappings.Default = []identity.Role{"defaults"}
	if p, err := profileOf(defaults, subject(map[string][]string{"uid": {"erin"}})); err != nil ||
		fmt.Sprint(p.Roles) != "[by_name defaults]" {
		t.Errorf("with default roles: %v, %v", p.Roles, err)
	}
}

// Ensures that users are called what the realm says, known by what stays the same, and refused if that is not clear.
func TestProfile_Principal(t *testing.T) {
	for name, c := range map[string]struct {
		principal string
		subject   Subject
		want      string // the key and the name, or why not
	}{
		"NameID":        {"", Subject{NameID: "erin"}, "erin erin"},
		"NameID, named": {"nameid", Subject{NameID: "erin", NameIDFormat: "urn:x"}, "erin erin"},
		"attribute":     {"uid", subject(map[string][]string{"uid": {"erin"}}), "id-1 erin"},
		"no attribute": {"uid", subject(map[string][]string{"UID": {"erin"}}),
			"uid, which is the principal, is missing"},
		"empty attribute": {"uid", subject(map[string][]string{"uid": {""}}),
			"uid, which is the principal, is missing"},
		"two values": {"uid", subject(map[string][]string{"uid": {"erin", "admin"}}),
			"uid, which is the principal, has several values"},
		"comma":                  {"uid", subject(map[string][]string{"uid": {"erin,admin"}}), "cannot be a user's name"},
		"slash":                  {"uid", subject(map[string][]string{"uid": {"erin/admin"}}), "cannot be a user's name"},
		"backslash":              {"uid", subject(map[string][]string{"uid": {`corp\erin`}}), `id-1 corp\erin`},
		"colon":                  {"uid", subject(map[string][]string{"uid": {"erin:x"}}), "id-1 erin:x"},
		"decomposed letter":      {"uid", subject(map[string][]string{"uid": {"Zoe\u0308"}}), "id-1 Zo\u00eb"},
		"right-to-left override": {"uid", subject(map[string][]string{"uid": {"erin\u202e"}}), "cannot be a user's name"},
		"blank":                  {"uid", subject(map[string][]string{"uid": {"erin "}}), "cannot be a user's name"},
		"two lines":              {"uid", subject(map[string][]string{"uid": {"erin\nadmin"}}), "cannot be a user's name"},
		"the trail's own":        {"uid", subject(map[string][]string{"uid": {"(system)"}}), "cannot be a user's name"},
		"NameID with a slash":    {"", Subject{NameID: "a/b"}, "cannot be a user's name"},
		"no NameID": {"uid", Subject{NameID: "", Attributes: map[string][]string{"uid": {"erin"}}},
			"the NameID is empty"},
		"long NameID": {"uid",
			Subject{NameID: strings.Repeat("ä", 1025), Attributes: map[string][]string{"uid": {"erin"}}}, "longer than 1024"},
		"transient": {"", Subject{NameID: "_x1", NameIDFormat: formatTransient}, "the NameID is transient"},
		"transient, named": {"nameid", Subject{NameID: "x1", NameIDFormat: formatTransient},
			"the NameID is transient"},
		"transient and attribute": {"uid",
			Subject{NameID: "_x1", NameIDFormat: formatTransient, Attributes: map[string][]string{"uid": {"erin"}}},
			" erin erin"},
		"persistent only": {"nameid:persistent", Subject{NameID: "erin", NameIDFormat: formatPersistent},
			"erin erin"},
		"persistent only, but none": {"nameid:persistent", Subject{NameID: "erin", NameIDFormat: nameIDFormats[0]},
			"the NameID is not persistent"},
	} {
		r := Realm{Attributes: Attributes{Principal: c.principal}, RoleMappings: RoleMappings{Default: []identity.Role{"x"}}}
		p, err := profileOf(r, c.subject)
		got := p.Identity.NameID + " " + p.Name
		var refusal *RefusedError
		if errors.As(err, &refusal) {
			got = refusal.Reason
		}
		if !strings.Contains(got, c.want) || (err != nil) != (refusal != nil) || err != nil && p.Name != "" {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

// Ensures that an identity has all that tells a NameID from another one of the same text, and that what SAML says of
// parts that are left out makes no difference.
func TestProfile_Identity(t *testing.T) {
	realm := Realm{
		IDP: IdentityProvider{EntityID: "urn:idp"}, SP: ServiceProvider{EntityID: "urn:sp"},
		Attributes:   Attributes{Principal: "uid"},
		RoleMappings: RoleMappings{Default: []identity.Role{"x"}},
	}
	persistent := store.ExternalIdentity{NameID: "id-1", Format: formatPersistent}
	for _, c := range []struct {
		name    string
		subject Subject
		want    store.ExternalIdentity
	}{
		{"no qualifiers", Subject{NameID: "id-1", NameIDFormat: formatPersistent}, persistent},
		{"usual qualifiers",
			Subject{NameID: "id-1", NameIDFormat: formatPersistent, NameQualifier: "urn:idp", SPNameQualifier: "urn:sp"},
			persistent},
		{"of a group of service providers",
			Subject{NameID: "id-1", NameIDFormat: formatPersistent, SPNameQualifier: "urn:group"},
			store.ExternalIdentity{NameID: "id-1", Format: formatPersistent, SPNameQualifier: "urn:group"}},
		{"no format", Subject{NameID: "id-1"}, store.ExternalIdentity{NameID: "id-1", Format: formatUnspecified}},
		{"format unspecified", Subject{NameID: "id-1", NameIDFormat: formatUnspecified},
			store.ExternalIdentity{NameID: "id-1", Format: formatUnspecified}},
		{"letters of another case", Subject{NameID: "ID-1", NameIDFormat: formatPersistent},
			store.ExternalIdentity{NameID: "ID-1", Format: formatPersistent}},
		{"decomposed letters", Subject{NameID: "e\u0301"},
			store.ExternalIdentity{NameID: "e\u0301", Format: formatUnspecified}},
		{"transient", Subject{NameID: "_x1", NameIDFormat: formatTransient, SPNameQualifier: "urn:group"},
			store.ExternalIdentity{NameID: " erin", Format: formatTransient}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.subject.Attributes = map[string][]string{"uid": {"erin"}}
			if p, err := profileOf(realm, c.subject); err != nil || p.Identity != c.want {
				t.Errorf("%+v, %v", p.Identity, err)
			}
		})
	}
	if _, err := profileOf(realm, Subject{
		NameID: "x", NameQualifier: "urn:other", Attributes: map[string][]string{"uid": {"erin"}},
	}); err == nil {
		t.Error("a NameID of another identity provider is taken")
	}
}

// Ensures that what would break a list, a log or a database is refused, and what decides about roles if it is not
// clear.
func TestProfile_Texts(t *testing.T) {
	for name, c := range map[string]struct {
		attribute string
		values    []string
		want      string
	}{
		"lines in the name":  {"cn", []string{"Erin\nadmin"}, "full_name: this must not contain control characters"},
		"NUL in the address": {"mail", []string{"a\x00"}, "email: this must not contain control characters"},
		"long name":          {"cn", []string{strings.Repeat("ä", 513)}, "longer than 512"},
		"long address":       {"mail", []string{strings.Repeat("x", 513)}, "longer than 512"},
		"two DNs": {"entryDN", []string{"uid=a,ou=People,dc=example", "uid=b"},
			"entryDN, which is the dn, has several values"},
		"name that fits": {"cn", []string{strings.Repeat("ä", 512)}, ""},
	} {
		_, err := profileOf(corporate(), subject(map[string][]string{"uid": {"erin"}, c.attribute: c.values}))
		var refusal *RefusedError
		if c.want == "" && err != nil || c.want != "" &&
			(!errors.As(err, &refusal) || !strings.Contains(refusal.Reason, c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p, err := profileOf(Realm{RoleMappings: RoleMappings{Default: []identity.Role{"x"}}}, Subject{
		NameID: "erin", Attributes: map[string][]string{"": {"y"}},
	}); err != nil ||
		p.FullName != "" || p.Email != "" || p.DN != "" || p.Groups != nil {
		t.Errorf("without attributes: %+v, %v", p, err)
	}
}

// Ensures that * stands for any text, and nothing else does.
func TestRule_UserNamePattern(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"erin", "erin", true}, {"erin", "erin2", false}, {"erin", "Erin", false}, {"*", "erin", true}, {"*", "", true},
		{"e*", "erin", true},
		{"*n", "erin", true}, {"e*n", "erin", true}, {"e*n", "en", true}, {"e*e", "e", false}, {"a*a", "a", false},
		{"*r*", "erin", true},
		{"*x*", "erin", false}, {"e**n", "erin", true}, {"a*b*c", "a-b-c", true}, {"a*b*c", "a-c-b", false},
		{"*ab*ab", "ab", false},
		{"*ab*ab", "abab", true}, {"e?in", "erin", false}, {"[e]rin", "erin", false}, {"e*n", "erin\nx", false},
		{"*ab", "aab", true},
	} {
		if got := (Rule{Type: ByUsername, Value: c.pattern}).applies(Profile{Name: c.text}); got != c.want {
			t.Errorf("%q %q: %t", c.pattern, c.text, got)
		}
	}
}

// Ensures that distinguished names are compared part by part, and that no end of a value passes for an end of a name.
func TestMatchesDN(t *testing.T) {
	for _, c := range []struct {
		rule, name string
		want       bool
	}{
		{"uid=erin,dc=example", "uid=erin,dc=example", true},
		{"uid=erin,dc=example", "UID=erin,  DC=example", true},
		{"uid=erin, dc=example", "uid=erin,dc=example", true},
		{"uid =erin,dc=example", "uid=erin,dc=example", true},
		{"uid=erin,dc=example", "uid=Erin,dc=example", false},
		{"uid=erin,dc=example", "uid=erin", false},
		{"uid=erin", "uid=erin,dc=example", false},
		{"dc=example", "uid=erin,dc=example", false},
		{"*,dc=example", "uid=erin,dc=example", true},
		{"*, DC=example", "uid=erin,ou=a,dc=example", true},
		{"*,dc=example", "dc=example", false},
		{"*,dc=example", "uid=erin,odc=example", false},
		{"*,dc=example", `cn=x\,dc=example`, false},
		{"*,dc=example", `cn=x\\,dc=example`, true},
		{`*,ou=a\, b`, `uid=erin,ou=a\, b`, true},
		{`*,ou=a\, b`, `uid=erin,ou=a, b`, false},
		{"*,ou=a b", "uid=erin,ou=a b", true},
		{"*,ou=ab", "uid=erin,ou=a b", false},
		{"*,dc=example", "", false},
		{"*,dc=example", "erin,dc=example", false},
		{"*,dc=example", "uid=erin,,dc=example", false},
		{"*,dc=example", "=x,dc=example", false},
		{"*", "uid=erin", false},
		{"*,", "uid=erin", false},
		{"", "", false},
	} {
		if got := matchesDN(c.rule, c.name); got != c.want {
			t.Errorf("%q %q: %t", c.rule, c.name, got)
		}
	}
}

// Ensures that no name makes the comparison panic, that a name is itself, and below what it is below.
func FuzzMatchesDN(f *testing.F) {
	for _, name := range []string{"uid=erin,dc=example", `cn=a\,b, dc=x`, `cn=a\`, "=", ",", "*,dc=example"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		_, isName := dn.Parse(name)
		if open := strings.HasPrefix(name, "*,"); !open && matchesDN(name, name) != isName {
			t.Errorf("%q is not itself", name)
		}
		if isName && !matchesDN("*,"+name, "cn=x,"+name) {
			t.Errorf("%q has nothing below it", name)
		}
	})
}
