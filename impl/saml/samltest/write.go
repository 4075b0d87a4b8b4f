package samltest

import (
	"slices"
	"strings"
)

const (
	nsProtocol     = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion    = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsSignature    = "http://www.w3.org/2000/09/xmldsig#"
	nsEncryption   = "http://www.w3.org/2001/04/xmlenc#"
	nsEncryption11 = "http://www.w3.org/2009/xmlenc11#"
)

// absent is the value of an attribute that is left out.
const absent = "\x00"

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;")

// escape returns a text as an attribute value in canonical form.
func escape(text string) string {
	return escaper.Replace(text)
}

var textEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;")

// escapeText returns a text as content in canonical form.
func escapeText(text string) string {
	return textEscaper.Replace(text)
}

// el returns an element in canonical form (Exclusive XML Canonicalization 1.0). attributes are alternating names and
// values, sorted by name. The element declares its namespace, unless that is "".
func el(prefix, local, namespace string, attributes []string, content ...string) string {
	name := qualified(prefix, local)
	var b strings.Builder
	b.WriteString("<" + name)
	if namespace != "" {
		b.WriteString(declaration(prefix, namespace))
	}

	for pair := range slices.Chunk(attributes, 2) {
		if pair[1] != absent {
			b.WriteString(" " + pair[0] + `="` + escape(pair[1]) + `"`)
		}
	}

	b.WriteString(">" + strings.Join(content, "") + "</" + name + ">")
	return b.String()
}

func qualified(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}

func declaration(prefix, namespace string) string {
	if prefix == "" {
		return ` xmlns="` + namespace + `"`
	}
	return ` xmlns:` + prefix + `="` + namespace + `"`
}

// replaceOnce replaces the first occurrence of a text and panics if there is none.
func replaceOnce(in, old, with string) string {
	if !strings.Contains(in, old) {
		panic("samltest: nothing to replace: " + old)
	}
	return strings.Replace(in, old, with, 1)
}

// index is strings.Index that panics if there is no occurrence.
func index(in, text string) int {
	i := strings.Index(in, text)
	if i < 0 {
		panic("samltest: nothing to find: " + text)
	}
	return i
}
