package protocol

import (
	"encoding/xml"
	"slices"
	"strings"
)

const (
	xmlPrefix    = "xml"
	xmlnsPrefix  = "xmlns"
	xmlNamespace = "http://www.w3.org/XML/1998/namespace"
)

// identifiers is the set of values of attributes that may be taken for identifiers: ID, Id, id and xml:id.
type identifiers map[string]struct{}

// binding is a prefix and its namespace.
type binding struct{ prefix, namespace string }

// scope holds the bindings in scope at a place, innermost last.
type scope []binding

// find returns the namespace of a prefix.
func (s scope) find(prefix string) (string, bool) {
	if prefix == xmlPrefix {
		return xmlNamespace, true
	}

	for _, v := range slices.Backward(s) {
		if v.prefix == prefix {
			return v.namespace, true
		}
	}

	return "", false
}

// declaredPrefix returns the prefix that an attribute declares. ok is false if the attribute is not a namespace
// declaration.
func declaredPrefix(a xml.Attr) (prefix string, ok bool) {
	if a.Name.Space == xmlnsPrefix {
		return a.Name.Local, true
	}
	return "", a.Name.Space == "" && a.Name.Local == xmlnsPrefix
}

// declare adds an element's namespace declarations to the scope. It refuses what the recommendation forbids
// (Namespaces in XML sections 2.2 and 3), and undeclaring a namespace: every element of a SAML message is in a
// namespace.
func (r *reader) declare(attributes []xml.Attr) error {
	for _, a := range attributes {
		prefix, ok := declaredPrefix(a)
		if !ok {
			continue
		}

		reserved := prefix == xmlPrefix || prefix == xmlnsPrefix || a.Value == xmlNamespace ||
			a.Value == "http://www.w3.org/2000/xmlns/"
		if reserved || a.Value == "" || len(a.Value) > r.namespace || len(r.scope) == r.bindings {
			return refuse(reasonNamespaces)
		}

		r.scope = append(r.scope, binding{prefix, a.Value})
	}

	return nil
}

// check validates the names of an element and its attributes once its declarations are in scope.
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
		if err := r.recordIdentifier(a); err != nil {
			return err
		}
	}

	return nil
}

// attributeName resolves an attribute's prefix to its namespace, because two prefixes may have the same one.
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

// recordIdentifier records an identifier and refuses a second one with the same value.
func (r *reader) recordIdentifier(a xml.Attr) error {
	if !strings.EqualFold(a.Name.Local, "id") || a.Name.Space == xmlnsPrefix {
		return nil
	}
	if _, twice := r.ids[a.Value]; twice {
		return refuse(reasonDuplicateID)
	}

	r.ids[a.Value] = struct{}{}
	return nil
}

// checkName accepts ASCII names with at most one colon between two parts. Some parsers read "a:b:c", ":a" and "a:" in
// one way and write them in another, so that the validated and the used document differ.
func (r *reader) checkName(name xml.Name) error {
	if (name.Space != "" && !isNCName(name.Space)) || !isNCName(name.Local) {
		return refuse(reasonName)
	}
	return nil
}

// isNCName reports whether a text is a name without a colon (Namespaces in XML section 3), of ASCII characters.
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
