package protocol

import (
	"encoding/xml"
	"strings"
)

const (
	xmlPrefix    = "xml"
	xmlnsPrefix  = "xmlns"
	xmlNamespace = "http://www.w3.org/XML/1998/namespace"
)

// identifiers are the values of a document's attributes that may be taken for identifiers: ID, Id, id, xml:id.
type identifiers map[string]struct{}

// binding is a prefix and the namespace it stands for; scope is the bindings that hold at a place, the innermost last.
type binding struct{ prefix, namespace string }

type scope []binding

func (s scope) find(prefix string) (string, bool) {
	if prefix == xmlPrefix {
		return xmlNamespace, true
	}
	for i := len(s) - 1; i >= 0; i-- {
		if s[i].prefix == prefix {
			return s[i].namespace, true
		}
	}
	return "", false
}

// declared returns the prefix that an attribute declares, if it is a declaration of a namespace.
func declared(a xml.Attr) (string, bool) {
	if a.Name.Space == xmlnsPrefix {
		return a.Name.Local, true
	}
	return "", a.Name.Space == "" && a.Name.Local == xmlnsPrefix
}

// declare takes an element's declarations into the scope. It refuses what the recommendation forbids (Namespaces in XML
// sections 2.2 and 3), and that a namespace is taken back: a SAML message has no element outside all namespaces.
func (r *reader) declare(attributes []xml.Attr) error {
	for _, a := range attributes {
		prefix, ok := declared(a)
		if !ok {
			continue
		}
		reserved := prefix == xmlPrefix || prefix == xmlnsPrefix || a.Value == xmlNamespace || a.Value == "http://www.w3.org/2000/xmlns/"
		if reserved || a.Value == "" || len(a.Value) > r.namespace || len(r.scope) == r.bindings {
			return refuse(reasonNamespaces)
		}
		r.scope = append(r.scope, binding{prefix, a.Value})
	}
	return nil
}

// check checks the names of an element and its attributes, once its declarations are in the scope.
func (r *reader) check(t xml.StartElement) error {
	if err := r.checkName(t.Name); err != nil {
		return err
	}
	if _, ok := r.scope.find(t.Name.Space); !ok || t.Name.Space == xmlPrefix {
		return refuse(reasonNamespaces)
	}
	seen := make(map[xml.Name]struct{}, len(t.Attr))
	for _, a := range t.Attr {
		name, err := r.attributeName(a)
		if err != nil {
			return err
		}
		if _, twice := seen[name]; twice {
			return refuse(reasonDuplicate)
		}
		seen[name] = struct{}{}
		if err := r.identify(a); err != nil {
			return err
		}
	}
	return nil
}

// attributeName returns the name with the namespace in place of the prefix: two prefixes may stand for one namespace.
func (r *reader) attributeName(a xml.Attr) (xml.Name, error) {
	if err := r.checkName(a.Name); err != nil {
		return a.Name, err
	}
	if a.Name.Space == "" || a.Name.Space == xmlnsPrefix {
		return a.Name, nil
	}
	namespace, ok := r.scope.find(a.Name.Space)
	if !ok {
		return a.Name, refuse(reasonNamespaces)
	}
	return xml.Name{Space: namespace, Local: a.Name.Local}, nil
}

func (r *reader) identify(a xml.Attr) error {
	if !strings.EqualFold(a.Name.Local, "id") || a.Name.Space == xmlnsPrefix {
		return nil
	}
	if _, twice := r.ids[a.Value]; twice {
		return refuse(reasonDuplicateID)
	}
	r.ids[a.Value] = struct{}{}
	return nil
}

// checkName lets ASCII names with at most one colon between two parts pass: "a:b:c", ":a" and "a:" are read in one way
// and written in another by some readers, so that what is checked and what is used differ.
func (r *reader) checkName(name xml.Name) error {
	if (name.Space != "" && !isNCName(name.Space)) || !isNCName(name.Local) {
		return refuse(reasonName)
	}
	return nil
}

// isNCName tells whether a text is a name without a colon (Namespaces in XML section 3), of ASCII characters.
func isNCName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}
