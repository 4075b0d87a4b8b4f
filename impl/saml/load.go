package saml

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/platform/strictyaml"
)

// loader reads realms. Names of files are relative to its folder.
type loader struct {
	folder    string
	endpoints Endpoints
	ids       map[string]bool
}

// Load reads the realms of a YAML file, sorted by their order, and those of the same order by their place in the file.
// The error lists all problems, one per line, each with the realm, the setting and the line in the file. It contains
// neither the content of a key's file nor a value that could be a key.
func Load(path string, endpoints Endpoints) ([]Realm, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("the file of realms %s: %w", path, err)
	}
	document, err := strictyaml.Read(text, "realms")
	if err != nil {
		return nil, fmt.Errorf("the file of realms %s: %w", path, err)
	}

	l := &loader{folder: filepath.Dir(path), endpoints: endpoints, ids: map[string]bool{}}
	realms := l.realms(document)
	if err := document.Err(); err != nil {
		return nil, err
	}

	slices.SortStableFunc(realms, func(a, b Realm) int { return cmp.Compare(a.Order, b.Order) })
	return realms, nil
}

func (l *loader) realms(document strictyaml.Section) []Realm {
	var realms []Realm
	for s := range document.NamedSections("realms", realmPath, realmMembers...) {
		realms = append(realms, l.realm(s))
	}
	if len(realms) == 0 && document.Err() == nil {
		document.Bad("realms", "there is none; leave the setting saml.realms out instead")
	}
	return realms
}

var realmMembers = []string{
	"id", "name", "order", "enabled", "idp", "sp", "attributes", "attribute_delimiters", "nameid_format", "role_mappings",
	"force_authn", "requested_authn_context", "signing", "encryption",
	"clock_skew", "allow_idp_initiated", "browser_binding", "metadata_refresh",
}

func (l *loader) realm(s strictyaml.Section) Realm {
	if !s.Mapping() {
		return Realm{}
	}
	r := Realm{
		ID: l.id(s), Name: s.Text("name"), Order: s.Integer("order"), Enabled: s.Boolean("enabled", true),
		IDP: l.identityProvider(s), SP: l.serviceProvider(s), Attributes: attributes(s),
		NameIDFormat: s.Text("nameid_format"),
		ForceAuthn:   s.Boolean("force_authn", false), AllowIDPInitiated: s.Boolean("allow_idp_initiated", false),
		RequestedAuthnContext: authnContexts(s),

		ClockSkew:       s.Duration("clock_skew", defaultSkew, 1, maxSkew),
		MetadataRefresh: s.Duration("metadata_refresh", defaultRefresh, minRefresh, maxRefresh),
	}
	r.Name = cmp.Or(r.Name, r.ID)
	r.BrowserBinding = s.Boolean("browser_binding", strings.HasPrefix(r.SP.ACS, "https:"))
	r.GroupsDelimiter = groupsDelimiter(s, r.Attributes)
	l.keys(s, &r)
	r.RoleMappings = roleMappings(s, r.Attributes)
	checkNameID(s, r)
	checkLogout(s, r)
	return r
}

// realmPath returns the prefix of a realm's settings in errors; "" for an invalid id.
func realmPath(id string) string {
	if !idPattern.MatchString(id) {
		return ""
	}
	return "realm " + id + ": "
}

// idPattern keeps ids fit for a path, a query and a line of a log.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// id reads a realm's id, which must not be one that users of this server are shown with.
func (l *loader) id(s strictyaml.Section) string {
	id := s.Required("id")
	switch {
	case id == "":
	case !idPattern.MatchString(id):
		s.Bad("id", "this must have 1 to 64 letters, digits, dots, hyphens and underscores, and begin with a letter or digit")
	case slices.Contains([]string{identity.Native.Name, identity.Native.Type, identity.Reserved.Name}, id):
		s.Bad("id", "this is the realm of this server's own users")
	case l.ids[id]:
		s.Bad("id", "another realm has this id")
	}
	l.ids[id] = true
	return id
}

func (l *loader) identityProvider(s strictyaml.Section) IdentityProvider {
	idp, _ := s.Section("idp", "entity_id", "metadata", "use_single_logout")
	p := IdentityProvider{
		EntityID: entityID(idp), Metadata: idp.Required("metadata"), UseSingleLogout: idp.Boolean("use_single_logout", false),
	}
	switch {
	case p.Metadata == "":
	case p.MetadataIsURL():
		checkURL(idp, "metadata", p.Metadata)
	default:
		p.Metadata = l.file(p.Metadata)
		if _, err := readFile(p.Metadata); err != nil {
			idp.Bad("metadata", "the file cannot be read: %s", err)
		}
	}
	return p
}

// maxEntityID is in characters (SAML Core 8.3.6).
const maxEntityID = 1024

func entityID(s strictyaml.Section) string {
	id := s.Required("entity_id")
	if len(id) > maxEntityID || strings.ContainsFunc(id, unicode.IsSpace) {
		s.Bad("entity_id", "this must have at most %d characters and no blank", maxEntityID)
	}
	return id
}

func (l *loader) serviceProvider(s strictyaml.Section) ServiceProvider {
	sp, _ := s.Section("sp", "entity_id", "acs", "logout")
	p := ServiceProvider{EntityID: entityID(sp), ACS: sp.Required("acs"), Logout: sp.Text("logout")}
	if p.ACS != "" {
		checkEndpoint(sp, "acs", p.ACS, l.endpoints.Callback)
	}
	if p.Logout != "" {
		checkEndpoint(sp, "logout", p.Logout, l.endpoints.SingleLogout)
	}
	return p
}

func attributes(s strictyaml.Section) Attributes {
	a, _ := s.Section("attributes", "principal", "groups", "name", "mail", "dn")
	return Attributes{a.Text("principal"), a.Text("groups"), a.Text("name"), a.Text("mail"), a.Text("dn")}
}

// Bounds of the classes of authentication, which stand in the URL of each request.
const (
	maxAuthnContexts = 8
	maxAuthnContext  = 256 // characters
)

// authnContexts reads the URIs of classes of authentication (SAML Authentication Context 3.4).
func authnContexts(s strictyaml.Section) []string {
	const name = "requested_authn_context"
	classes := s.Texts(name)
	if s.Given(name) && s.Empty(name) || len(classes) > maxAuthnContexts {
		s.Bad(name, "this must have 1 to %d classes; leave it out for any", maxAuthnContexts)
	}
	for _, class := range classes {
		if u, err := url.Parse(class); err != nil || u.Scheme == "" || len(class) > maxAuthnContext {
			s.Bad(name, "each class must be a URI of at most %d characters, such as %s", maxAuthnContext,
				"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport")
		}
	}
	return classes
}

func groupsDelimiter(s strictyaml.Section, a Attributes) string {
	d, _ := s.Section("attribute_delimiters", "groups")
	delimiter := d.Text("groups")
	if delimiter != "" && a.Groups == "" {
		d.Bad("groups", "this needs attributes.groups")
	}
	return delimiter
}

// keys reads what is signed with and decrypted with.
func (l *loader) keys(s strictyaml.Section, r *Realm) {
	if signing, given := s.Section("signing", "key", "certificate", "requests", "next", "previous"); given {
		pair := l.pair(signing)
		r.Signing, r.SignRequests = &pair, signing.Boolean("requests", true)
		r.OtherSigning = append(l.pairs(signing, "next"), l.pairs(signing, "previous")...)
	}
	encryption, given := s.Section("encryption", "key", "certificate", "previous")
	if !given {
		return
	}
	r.Encryption = append([]KeyPair{l.pair(encryption)}, l.pairs(encryption, "previous")...)
}

// pairs reads a list of keys with their certificates.
func (l *loader) pairs(s strictyaml.Section, name string) []KeyPair {
	var pairs []KeyPair
	for each := range s.Sections(name, "key", "certificate") {
		pairs = append(pairs, l.pair(each))
	}
	return pairs
}

func checkNameID(s strictyaml.Section, r Realm) {
	if r.NameIDFormat != "" && !slices.Contains(nameIDFormats, r.NameIDFormat) {
		s.Bad("nameid_format", "this must be one of SAML's formats, such as %s", formatPersistent)
	}
	if r.NameIDFormat == formatTransient && r.Attributes.principalIsNameID() {
		s.Bad("nameid_format",
			"a transient NameID is another each time; name the attribute that is not in attributes.principal")
	}
}

// checkLogout refuses single logout without what its messages need: over a redirect they have to be signed (SAML
// Profiles 4.4.4.1), and their answers need an address.
func checkLogout(s strictyaml.Section, r Realm) {
	if r.IDP.UseSingleLogout && r.SP.Logout == "" {
		s.Bad("sp.logout", "this is missing; idp.use_single_logout needs it")
	}
	if r.Signing != nil {
		return
	}
	if r.IDP.UseSingleLogout {
		s.Bad("signing", "this is missing; idp.use_single_logout needs it")
	} else if r.SP.Logout != "" {
		s.Bad("signing", "this is missing; sp.logout needs it")
	}
}
