package saml

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
)

// complete is a file with all settings of one realm, and the fewest of another.
const complete = `
realms:
  - id: partners
    order: 2
    enabled: false
    idp: {entity_id: "urn:partners", metadata: partners.xml}
    sp: {entity_id: "urn:sallyport", acs: "http://127.0.0.1:12400/api/v1/users/auth/saml/_callback"}
    role_mappings: {default_roles: [watcher, ece_deployment_viewer]}
  - id: corporate
    name: The Corporation
    order: 1
    idp:
      entity_id: https://idp.example
      metadata: https://idp.example/metadata?x=1
      use_single_logout: true
    sp:
      entity_id: https://sallyport.example
      acs: https://sallyport.example/api/v1/users/auth/saml/_callback
      logout: https://sallyport.example/api/v1/regions/eu-1/users/auth/saml/_single_logout
    attributes: {principal: uid, groups: memberOf, name: displayName, mail: mail, dn: entryDN}
    attribute_delimiters: {groups: ";"}
    nameid_format: urn:oasis:names:tc:SAML:2.0:nameid-format:persistent
    role_mappings:
      rules:
        - {type: username, value: "admin-*", roles: [ece_platform_admin]}
        - {type: groups, value: staff, roles: [ece_platform_viewer, superuser]}
        - {type: dn, value: "*,ou=People,dc=example", roles: [watcher]}
    force_authn: true
    requested_authn_context: ["urn:class:one", "urn:class:two"]
    signing: {key: signing.key, certificate: signing.pem, requests: false}
    encryption:
      key: encryption.key
      certificate: encryption.pem
      previous: [{key: signing.key, certificate: signing.pem}]
    clock_skew: 90s
    allow_idp_initiated: true
    browser_binding: false
    metadata_refresh: 10m
`

// The paths at which the service under test accepts messages.
const (
	callbackPath     = "/api/v1/users/auth/saml/_callback"
	singleLogoutPath = "/api/v1/users/auth/saml/_single_logout"
)

var endpoints = Endpoints{
	Callback:     []string{callbackPath, "/api/v1/regions/?*/users/auth/saml/_callback"},
	SingleLogout: []string{singleLogoutPath, "/api/v1/regions/?*/users/auth/saml/_single_logout"},
}

// Ensures that every setting is read, that what is left out has its default, and that realms come in their order.
func TestLoad(t *testing.T) {
	path := write(t, complete)
	realms, err := Load(path, endpoints)
	if err != nil || len(realms) != 2 {
		t.Fatalf("%+v, %v", realms, err)
	}
	corporate := realms[0]
	if corporate.Signing == nil || len(corporate.Encryption) != 2 ||
		!corporate.Encryption[1].Key.Equal(corporate.Signing.Key) ||
		corporate.Encryption[0].Key.Equal(corporate.Signing.Key) ||
		!corporate.Signing.Key.PublicKey.Equal(corporate.Signing.Certificate.PublicKey) {
		t.Errorf("the keys are %+v, %+v", corporate.Signing, corporate.Encryption)
	}
	corporate.Signing, corporate.Encryption = nil, nil
	if want := (Realm{
		ID: "corporate", Name: "The Corporation", Order: 1, Enabled: true,
		IDP: IdentityProvider{"https://idp.example", "https://idp.example/metadata?x=1", true},
		SP: ServiceProvider{
			"https://sallyport.example", "https://sallyport.example/api/v1/users/auth/saml/_callback",
			"https://sallyport.example/api/v1/regions/eu-1/users/auth/saml/_single_logout",
		},
		Attributes: Attributes{"uid", "memberOf", "displayName", "mail", "entryDN"}, GroupsDelimiter: ";",
		NameIDFormat: formatPersistent,
		RoleMappings: RoleMappings{nil, []Rule{
			{ByUsername, "admin-*", []identity.Role{"ece_platform_admin"}},
			{ByGroups, "staff", []identity.Role{"ece_platform_viewer", "superuser"}},
			{ByDN, "*,ou=People,dc=example", []identity.Role{"watcher"}},
		}},
		ForceAuthn: true, RequestedAuthnContext: []string{"urn:class:one", "urn:class:two"}, ClockSkew: 90 * time.Second,
		AllowIDPInitiated: true, MetadataRefresh: 10 * time.Minute,
	}); !reflect.DeepEqual(corporate, want) || !corporate.IDP.MetadataIsURL() {
		t.Errorf("read is\n%+v, want\n%+v", corporate, want)
	}
	if want := (Realm{
		ID: "partners", Name: "partners", Order: 2,
		IDP:          IdentityProvider{"urn:partners", filepath.Join(filepath.Dir(path), "partners.xml"), false},
		SP:           ServiceProvider{"urn:sallyport", "http://127.0.0.1:12400/api/v1/users/auth/saml/_callback", ""},
		RoleMappings: RoleMappings{Default: []identity.Role{"ece_deployment_viewer", "watcher"}},
		ClockSkew:    time.Minute, MetadataRefresh: time.Hour,
	}); !reflect.DeepEqual(realms[1], want) || realms[1].IDP.MetadataIsURL() {
		t.Errorf("read is\n%+v, want\n%+v", realms[1], want)
	}
}

// Ensures that realms without an order, or with the same, come as the file has them.
func TestLoad_Order(t *testing.T) {
	realm := func(id, order string) string {
		return strings.ReplaceAll(strings.ReplaceAll(minimal, "ID", id), "    enabled: true\n", order)
	}
	text := "realms:\n" + realm("d", "    order: 1\n") + realm("c", "") + realm("a", "") + realm("b", "    order: -1\n")
	realms, err := Load(write(t, text), endpoints)
	got := ""
	for _, r := range realms {
		got += r.ID
	}
	if err != nil || got != "bcad" {
		t.Errorf("%s, %v", got, err)
	}
}

// minimal is a realm with the fewest settings, and one to take out.
const minimal = `  - id: ID
    enabled: true
    idp: {entity_id: "urn:idp", metadata: partners.xml}
    sp: {entity_id: "urn:sp", acs: "https://sp.example/api/v1/users/auth/saml/_callback"}
    role_mappings: {default_roles: [watcher]}
`

// Ensures that browsers are bound where the callback is under https, unless the file says otherwise, and requests
// signed where there is a key.
func TestLoad_Defaults(t *testing.T) {
	realms, err := Load(write(t,
		"realms:\n"+strings.ReplaceAll(minimal, "ID", "a")+
			"    signing: {key: signing.pkcs1.key, certificate: signing.pem}\n"), endpoints)
	if err != nil || !realms[0].BrowserBinding || !realms[0].SignRequests || realms[0].Encryption != nil {
		t.Errorf("%+v, %v", realms, err)
	}
}

// Ensures that every problem of a file is reported, with the realm, the setting and the line.
func TestLoad_AllProblems(t *testing.T) {
	_, err := Load(write(t, `realms:
  - id: one
    orders: 1
    enabled: "yes"
    order: first
    idp: {entity_id: 1, metadata: "http://idp.example/metadata", single_logout: true}
    sp:
      entity_id: urn:sp
      acs: https://sp.example/callback
    nameid_format: persistent
    role_mappings:
      default_roles: [ece_platform_admin, ece_platform_viewer]
      rules:
        - {type: group, value: x, roles: [x]}
        - {type: dn, value: people, roles: [ece_root]}
        - {value: "*", roles: []}
    clock_skew: 6m
    metadata_refresh: soon
    signing: {key: nowhere.key, certificate: encryption.pem}
    id: one
  - id: one
    idp: {entity_id: urn:idp, metadata: nowhere.xml, use_single_logout: true}
  - sp: none
  - partners
extra: true
`), endpoints)
	if err == nil {
		t.Fatal("there is no problem")
	}
	want := `extra: there is no such setting (line 25)
realm one: orders: there is no such setting (line 3)
realm one: id: this is set twice (line 20)
realm one: order: this must be a whole number (line 5)
realm one: enabled: this must be true or false (line 4)
realm one: idp.single_logout: there is no such setting (line 6)
realm one: idp.entity_id: this is not text; put it in quotes if it is meant to be (line 6)
realm one: idp.metadata: this must be an https URL; http is for this machine only (line 6)
realm one: sp.acs: this must be a URL with the path /api/v1/users/auth/saml/_callback (line 9)
realm one: clock_skew: this must be a duration from 1ns to 5m0s, such as 1m0s (line 17)
realm one: metadata_refresh: this must be a duration from 1s to 168h0m0s, such as 1h0m0s (line 18)
realm one: signing.key: the file cannot be read: no such file or directory (line 19)
realm one: role_mappings.default_roles: ece_platform_admin includes all others and stands alone (line 12)
realm one: role_mappings.rules[0].type: this must be one of username, groups and dn (line 14)
realm one: role_mappings.rules[1].roles: there is no role ece_root (line 15)
realm one: role_mappings.rules[1].type: this needs attributes.dn (line 15)
realm one: role_mappings.rules[1].value: this must be a distinguished name, or one's end after "*," (line 15)
realm one: role_mappings.rules[2].type: this is missing (line 16)
realm one: role_mappings.rules[2].roles: a rule gives at least one role (line 16)
realm one: nameid_format: this must be one of SAML's formats, such as urn:oasis:names:tc:SAML:2.0:nameid-format:persistent (line 10)
realm one: id: another realm has this id (line 21)
realm one: idp.metadata: the file cannot be read: no such file or directory (line 22)
realm one: sp.entity_id: this is missing (line 21)
realm one: sp.acs: this is missing (line 21)
realm one: role_mappings: there must be default_roles or rules: a user without a role cannot sign in (line 21)
realm one: sp.logout: this is missing; idp.use_single_logout needs it (line 21)
realm one: signing: this is missing; idp.use_single_logout needs it (line 21)
realms[2].id: this is missing (line 23)
realms[2].idp.entity_id: this is missing (line 23)
realms[2].idp.metadata: this is missing (line 23)
realms[2].sp: this must have members of its own, such as entity_id (line 23)
realms[2].sp.entity_id: this is missing (line 23)
realms[2].sp.acs: this is missing (line 23)
realms[2].role_mappings: there must be default_roles or rules: a user without a role cannot sign in (line 23)
realms[3]: this must have members of its own, such as id (line 24)`
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
}

// Ensures for each setting that values that cannot be meant are refused, one problem for each, and others are not.
func TestLoad_Values(t *testing.T) {
	for name, c := range map[string]struct {
		members string // of the realm, in place of those that minimal has
		want    string // "" if nothing is wrong
	}{
		"id with a slash":     {"id: a/b", "realms[0].id: this must have 1 to 64 letters"},
		"id of 65 characters": {"id: " + strings.Repeat("x", 65), "realms[0].id: this must have"},
		"id of this server":   {"id: default_native", "realm default_native: id: this is the realm of"},
		"id native":           {"id: native", "realm native: id: this is the realm of"},
		"id of the built-in":  {"id: reserved", "realm reserved: id: this is the realm of"},
		"id of two lines":     {"id: \"a\\nb\"", "realms[0].id: this must be one line"},
		"name with a blank":   {"name: \" x\"", "realm x: name: this must be one line"},
		"empty name":          {"name: \"\"", "realm x: name: this is empty"},
		"null is nothing":     {"name: null\n    signing:", ""},
		"list for text":       {"name: [x]", "realm x: name: this is not text"},
		"number for text":     {"name: 12", "realm x: name: this is not text"},
		"alias":               {"name: &a x\n    nameid_format: *a", "realm x: nameid_format: aliases are not taken"},
		"long text":           {"name: " + strings.Repeat("x", 2049), "realm x: name: this must have at most 2048"},
		"entity id with blanks": {`idp: {entity_id: "a b", metadata: partners.xml}`,
			"idp.entity_id: this must have at most 1024 characters and no blank"},
		"long entity id": {`sp: {entity_id: ` + strings.Repeat("x", 1025) + `, acs: "https://x` + callbackPath + `"}`,
			"sp.entity_id: this must have at most"},
		"metadata by ftp": {`idp: {entity_id: x, metadata: "ftp://x/y"}`,
			"idp.metadata: this must be an absolute https URL"},
		"metadata nowhere": {`idp: {entity_id: x, metadata: "https:///y"}`,
			"idp.metadata: this must be an absolute https URL"},
		"metadata, password": {`idp: {entity_id: x, metadata: "https://a:hunter2@x/y"}`,
			"idp.metadata: this must be a URL without credentials"},
		"metadata on this host": {`idp: {entity_id: x, metadata: "http://localhost:7000/metadata"}`, ""},
		"metadata on IPv6":      {`idp: {entity_id: x, metadata: "http://[::1]:7000/metadata"}`, ""},
		"metadata near": {`idp: {entity_id: x, metadata: "http://localhost.example/metadata"}`,
			"idp.metadata: this must be an https URL"},
		"metadata in a folder": {`idp: {entity_id: x, metadata: .}`,
			"idp.metadata: the file cannot be read: is a directory"},
		"metadata too large": {`idp: {entity_id: x, metadata: large.pem}`,
			"idp.metadata: the file cannot be read: it is larger than 1 MiB"},
		"relative acs": {`sp: {entity_id: x, acs: "` + callbackPath + `"}`,
			"sp.acs: this must be an absolute https URL"},
		"acs by http": {`sp: {entity_id: x, acs: "http://sp.example` + callbackPath + `"}`,
			"sp.acs: this must be an https URL"},
		"acs with a query": {`sp: {entity_id: x, acs: "https://sp.example` + callbackPath + `?a=b"}`,
			"sp.acs: this must be a URL with the path"},
		"acs with a mark": {`sp: {entity_id: x, acs: "https://sp.example` + callbackPath + `?"}`,
			"sp.acs: this must be a URL with the path"},
		"acs with a fragment": {`sp: {entity_id: x, acs: "https://sp.example` + callbackPath + `#a"}`,
			"sp.acs: this must be a URL without"},
		"acs with a slash": {`sp: {entity_id: x, acs: "https://sp.example` + callbackPath + `/"}`,
			"sp.acs: this must be a URL with the path"},
		"acs in a region": {`sp: {entity_id: x, acs: "https://sp.example/api/v1/regions/eu/users/auth/saml/_callback"}`, ""},
		"acs in no region": {`sp: {entity_id: x, acs: "https://sp.example/api/v1/regions//users/auth/saml/_callback"}`,
			"sp.acs: this must"},
		"acs escaped": {`sp: {entity_id: x, acs: "https://sp.example/api/v1/users/auth/saml/%5Fcallback"}`,
			"sp.acs: this must"},
		"logout elsewhere": {`sp: {entity_id: x, acs: "https://x` + callbackPath + `", logout: "https://x/logout"}` +
			"\n    signing: {key: signing.key, certificate: signing.pem}",
			"sp.logout: this must be a URL with the path " + singleLogoutPath},
		"logout, no key": {`sp: {entity_id: x, acs: "https://x` + callbackPath + `", logout: "https://x` +
			singleLogoutPath + `"}`, "signing: this is missing; sp.logout needs it"},
		"unknown format": {"nameid_format: urn:x", "nameid_format: this must be one of SAML's formats"},
		"transient": {"nameid_format: " + formatTransient,
			"nameid_format: a transient NameID is another each time"},
		"transient as principal": {"nameid_format: " + formatTransient + "\n    attributes: {principal: nameid}",
			"nameid_format: a transient"},
		"transient, attribute": {"nameid_format: " + formatTransient + "\n    attributes: {principal: uid}", ""},
		"unknown attribute":    {"attributes: {phone: x}", "attributes.phone: there is no such setting"},
		"delimiter of nothing": {`attribute_delimiters: {groups: ","}`,
			"attribute_delimiters.groups: this needs attributes.groups"},
		"delimiter of names": {`attribute_delimiters: {name: ","}`,
			"attribute_delimiters.name: there is no such setting"},
		"no class": {"requested_authn_context: []", "requested_authn_context: this must have 1 to 8 classes"},
		"nine classes": {"requested_authn_context: ['u:1', 'u:2', 'u:3', 'u:4', 'u:5', 'u:6', 'u:7', 'u:8', 'u:9']",
			"requested_authn_context: this must have 1 to 8"},
		"class as text": {"requested_authn_context: 'urn:x'", "requested_authn_context: this must be a list"},
		"class that is no URI": {"requested_authn_context: [Password]",
			"requested_authn_context: each class must be a URI"},
		"long class": {"requested_authn_context: ['urn:" + strings.Repeat("x", 253) + "']",
			"requested_authn_context: each class must be a URI of at most 256"},
		"no skew":           {"clock_skew: 0s", "clock_skew: this must be a duration from"},
		"number for a time": {"clock_skew: 60", "clock_skew: this is not text"},
		"largest skew":      {"clock_skew: 5m", ""},
		"hourly":            {"metadata_refresh: 169h", "metadata_refresh: this must be a duration"},
		"no roles":          {"role_mappings: {}", "role_mappings: there must be default_roles or rules"},
		"roles that exclude": {"role_mappings: {default_roles: [ece_deployment_manager, ece_deployment_viewer]}",
			"exclude each other"},
		"role name": {"role_mappings: {default_roles: [ä]}", "role_mappings.default_roles: the names of roles"},
		"unknown role": {"role_mappings: {default_roles: [ece_platform_amdin]}",
			"there is no role ece_platform_amdin"},
		"roles as text": {"role_mappings: {default_roles: watcher}",
			"role_mappings.default_roles: this must be a list"},
		"groups without": {"role_mappings: {rules: [{type: groups, value: x, roles: [x]}]}",
			"role_mappings.rules[0].type: this needs attributes.groups"},
		"rule without value": {"role_mappings: {rules: [{type: username, roles: [x]}]}",
			"role_mappings.rules[0].value: this is missing"},
		"rule without roles": {"role_mappings: {rules: [{type: username, value: x}]}",
			"role_mappings.rules[0].roles: a rule gives at least one role"},
		"rule with a role twice": {"role_mappings: {rules: [{type: username, value: x, roles: [x, x]}]}", ""},
		"rules as a mapping":     {"role_mappings: {rules: {type: username}}", "role_mappings.rules: this must be a list"},
		"weak key": {"signing: {key: weak.key, certificate: weak.pem}",
			"signing.key: the private key must be an RSA key of 2048 bits or more"},
		"ECDSA key": {"signing: {key: ecdsa.key, certificate: signing.pem}",
			"signing.key: the private key must be an RSA key"},
		"encrypted key": {"signing: {key: signing.encrypted.key, certificate: signing.pem}",
			"signing.key: the file holds no private key, or one that is encrypted"},
		"garbled key": {"signing: {key: signing.garbled.key, certificate: signing.pem}",
			"signing.key: the private key cannot be read"},
		"key of another": {"signing: {key: signing.key, certificate: encryption.pem}",
			"signing.certificate: this is the certificate of another key"},
		"no PEM": {"encryption: {key: text.pem, certificate: signing.pem}",
			"encryption.key: the file is not in PEM form"},
		"empty file": {"encryption: {key: empty.pem, certificate: signing.pem}",
			"encryption.key: the file is not in PEM form"},
		"certificate as key": {"encryption: {key: signing.pem, certificate: signing.pem}",
			"encryption.key: the file holds no private key"},
		"key as certificate": {"encryption: {key: signing.key, certificate: signing.key}",
			"encryption.certificate: the file holds no certificate"},
		"garbled certificate": {"encryption: {key: signing.key, certificate: garbled.pem}",
			"encryption.certificate: the certificate cannot be read"},
		"two certificates": {"encryption: {key: signing.key, certificate: two.pem}",
			"encryption.certificate: the file must hold one PEM block"},
		"no certificate": {"encryption: {key: signing.key}", "encryption.certificate: this is missing"},
		"weak previous": {"encryption: {key: signing.key, certificate: signing.pem, previous: [{key: weak.key, " +
			"certificate: weak.pem}]}", "encryption.previous[0].key: the private key must"},
		"weak next signing": {"signing: {key: signing.key, certificate: signing.pem, next: [{key: weak.key, " +
			"certificate: weak.pem}]}", "signing.next[0].key: the private key must"},
		"previous without key": {"signing: {key: signing.key, certificate: signing.pem, previous: [{certificate: " +
			"signing.pem}]}", "signing.previous[0].key: this is missing"},
		"requests encrypted": {"encryption: {key: signing.key, certificate: signing.pem, requests: true}",
			"encryption.requests: there is no such setting"},
	} {
		t.Run(name, func(t *testing.T) {
			text := replaced(strings.ReplaceAll(minimal, "ID", "x"), c.members)
			_, err := Load(write(t, "realms:\n"+text), endpoints)
			switch {
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			case err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hunter2")):
				t.Errorf("the error has more than one line, or a secret: %v", err)
			}
		})
	}
}

// replaced is a realm with a member that takes the place of the one of that name.
func replaced(realm, members string) string {
	name, _, _ := strings.Cut(members, ":")
	var kept []string
	for line := range strings.SplitSeq(realm, "\n") {
		if strings.HasPrefix(line, "  - "+name+":") {
			kept = append(kept, "  - "+members)
		} else if !strings.HasPrefix(line, "    "+name+":") {
			kept = append(kept, line)
		}
	}
	if text := strings.Join(kept, "\n"); strings.Contains(text, members) {
		return text
	}
	return strings.Join(kept, "\n") + "    " + members + "\n"
}
