package saml

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport/sallyport/impl/authn/identity"
)

// loader reads realms. Names of files are relative to its folder.
type loader struct {
	problems  problems
	folder    string
	endpoints Endpoints
	ids       map[string]bool
}

// Load reads the realms that a file in YAML describes, in the order in which to offer them: by their order, and by their
// place in the file where that is equal. Everything that is wrong is in the error, one problem a line, each with the realm,
// the setting and the line in the file; never what a key's file holds, nor a value that could be a key.
func Load(path string, endpoints Endpoints) ([]Realm, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("the file of realms %s: %w", path, err)
	}
	document, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("the file of realms %s: %w", path, err)
	}
	l := &loader{folder: filepath.Dir(path), endpoints: endpoints, ids: map[string]bool{}}
	var realms []Realm
	for i, node := range newSection(&l.problems, "", document, "realms").list("realms") {
		realms = append(realms, l.realm(i, node))
	}
	if len(realms) == 0 && len(l.problems) == 0 {
		l.problems.add("realms", document.Line, "there is none; leave the setting saml.realms out instead")
	}
	if err := errors.Join(l.problems...); err != nil {
		return nil, err
	}
	slices.SortStableFunc(realms, func(a, b Realm) int { return cmp.Compare(a.Order, b.Order) })
	return realms, nil
}

var realmMembers = []string{
	"id", "name", "order", "enabled", "idp", "sp", "attributes", "attribute_delimiters", "nameid_format", "role_mappings", "force_authn", "requested_authn_context", "signing", "encryption",
	"clock_skew", "allow_idp_initiated", "browser_binding", "metadata_refresh",
}

func (l *loader) realm(i int, node *yaml.Node) Realm {
	s := newSection(&l.problems, realmPath(i, node), node, realmMembers...)
	if node.Kind != yaml.MappingNode {
		return Realm{}
	}
	r := Realm{
		ID: l.id(s), Name: s.text("name"), Order: s.integer("order"), Enabled: s.boolean("enabled", true),
		IDP: l.identityProvider(s), SP: l.serviceProvider(s), Attributes: attributes(s), NameIDFormat: s.text("nameid_format"),
		ForceAuthn: s.boolean("force_authn", false), AllowIDPInitiated: s.boolean("allow_idp_initiated", false),
		RequestedAuthnContext: authnContexts(s),

		ClockSkew:       s.duration("clock_skew", defaultSkew, 1, maxSkew),
		MetadataRefresh: s.duration("metadata_refresh", defaultRefresh, minRefresh, maxRefresh),
	}
	if r.Name == "" {
		r.Name = r.ID
	}
	r.BrowserBinding = s.boolean("browser_binding", strings.HasPrefix(r.SP.ACS, "https:"))
	r.GroupsDelimiter = groupsDelimiter(s, r.Attributes)
	l.keys(s, &r)
	r.RoleMappings = roleMappings(s, r.Attributes)
	checkNameID(s, r)
	checkLogout(s, r)
	return r
}

// realmPath is what a realm's settings are called in problems: by its id if that can be read.
func realmPath(i int, node *yaml.Node) string {
	if node.Kind == yaml.MappingNode {
		for m := 0; m+1 < len(node.Content); m += 2 {
			if id := node.Content[m+1].Value; node.Content[m].Value == "id" && idPattern.MatchString(id) {
				return "realm " + id + ": "
			}
		}
	}
	return fmt.Sprintf("realms[%d].", i)
}

// idPattern keeps ids fit for a path, a query and a line of a log.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// id reads a realm's id, which must not be one that users of this server are shown with.
func (l *loader) id(s section) string {
	id := s.required("id")
	switch {
	case id == "":
	case !idPattern.MatchString(id):
		s.bad("id", "this must have 1 to 64 letters, digits, dots, hyphens and underscores, and begin with a letter or digit")
	case slices.Contains([]string{identity.Native.Name, identity.Native.Type, identity.Reserved.Name}, id):
		s.bad("id", "this is the realm of this server's own users")
	case l.ids[id]:
		s.bad("id", "another realm has this id")
	}
	l.ids[id] = true
	return id
}

func (l *loader) identityProvider(s section) IdentityProvider {
	idp, _ := s.section("idp", "entity_id", "metadata", "use_single_logout")
	p := IdentityProvider{
		EntityID: entityID(idp), Metadata: idp.required("metadata"), UseSingleLogout: idp.boolean("use_single_logout", false),
	}
	switch {
	case p.Metadata == "":
	case p.MetadataIsURL():
		checkURL(idp, "metadata", p.Metadata)
	default:
		p.Metadata = l.file(p.Metadata)
		if _, err := readFile(p.Metadata); err != nil {
			idp.bad("metadata", "the file cannot be read: %s", err)
		}
	}
	return p
}

// maxEntityID is in characters (SAML Core 8.3.6).
const maxEntityID = 1024

func entityID(s section) string {
	id := s.required("entity_id")
	if len(id) > maxEntityID || strings.ContainsFunc(id, unicode.IsSpace) {
		s.bad("entity_id", "this must have at most %d characters and no blank", maxEntityID)
	}
	return id
}

func (l *loader) serviceProvider(s section) ServiceProvider {
	sp, _ := s.section("sp", "entity_id", "acs", "logout")
	p := ServiceProvider{EntityID: entityID(sp), ACS: sp.required("acs"), Logout: sp.text("logout")}
	if p.ACS != "" {
		checkEndpoint(sp, "acs", p.ACS, l.endpoints.Callback)
	}
	if p.Logout != "" {
		checkEndpoint(sp, "logout", p.Logout, l.endpoints.SingleLogout)
	}
	return p
}

func attributes(s section) Attributes {
	a, _ := s.section("attributes", "principal", "groups", "name", "mail", "dn")
	return Attributes{a.text("principal"), a.text("groups"), a.text("name"), a.text("mail"), a.text("dn")}
}

// Bounds of the classes of authentication, which stand in the URL of each request.
const (
	maxAuthnContexts = 8
	maxAuthnContext  = 256 // characters
)

// authnContexts reads the URIs of classes of authentication (SAML Authentication Context 3.4).
func authnContexts(s section) []string {
	const name = "requested_authn_context"
	classes := s.texts(name)
	if s.node(name) != nil && s.empty(name) || len(classes) > maxAuthnContexts {
		s.bad(name, "this must have 1 to %d classes; leave it out for any", maxAuthnContexts)
	}
	for _, class := range classes {
		if u, err := url.Parse(class); err != nil || u.Scheme == "" || len(class) > maxAuthnContext {
			s.bad(name, "each class must be a URI of at most %d characters, such as %s", maxAuthnContext, "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport")
		}
	}
	return classes
}

func groupsDelimiter(s section, a Attributes) string {
	d, _ := s.section("attribute_delimiters", "groups")
	delimiter := d.text("groups")
	if delimiter != "" && a.Groups == "" {
		d.bad("groups", "this needs attributes.groups")
	}
	return delimiter
}

// keys reads what is signed with and decrypted with.
func (l *loader) keys(s section, r *Realm) {
	if signing, given := s.section("signing", "key", "certificate", "requests", "next", "previous"); given {
		pair := l.pair(signing)
		r.Signing, r.SignRequests = &pair, signing.boolean("requests", true)
		r.OtherSigning = append(l.pairs(signing, "next"), l.pairs(signing, "previous")...)
	}
	encryption, given := s.section("encryption", "key", "certificate", "previous")
	if !given {
		return
	}
	r.Encryption = append([]KeyPair{l.pair(encryption)}, l.pairs(encryption, "previous")...)
}

// pairs reads a list of keys with their certificates.
func (l *loader) pairs(s section, name string) []KeyPair {
	var pairs []KeyPair
	for _, each := range s.sections(name, "key", "certificate") {
		pairs = append(pairs, l.pair(each))
	}
	return pairs
}

func checkNameID(s section, r Realm) {
	if r.NameIDFormat != "" && !slices.Contains(nameIDFormats, r.NameIDFormat) {
		s.bad("nameid_format", "this must be one of SAML's formats, such as %s", formatPersistent)
	}
	if r.NameIDFormat == formatTransient && r.Attributes.principalIsNameID() {
		s.bad("nameid_format", "a transient NameID is another each time; name the attribute that is not in attributes.principal")
	}
}

// checkLogout refuses single logout without what its messages need: over a redirect they have to be signed (SAML Profiles
// 4.4.4.1), and their answers need an address.
func checkLogout(s section, r Realm) {
	if r.IDP.UseSingleLogout && r.SP.Logout == "" {
		s.bad("sp.logout", "this is missing; idp.use_single_logout needs it")
	}
	if r.Signing != nil {
		return
	}
	if r.IDP.UseSingleLogout {
		s.bad("signing", "this is missing; idp.use_single_logout needs it")
	} else if r.SP.Logout != "" {
		s.bad("signing", "this is missing; sp.logout needs it")
	}
}
