package saml

import (
	"slices"
	"strings"
)

// parseDN splits a distinguished name (RFC 4514) into its relative ones, each with its type in lower case. Blanks after
// commas do not count. Escapes stay as they are written: two spellings of one value are taken for two values, so that a
// rule can only ever hold for fewer users than it might.
func parseDN(text string) ([]string, bool) {
	var parts []string
	for _, part := range splitUnescaped(text) {
		kind, value, found := strings.Cut(strings.TrimLeft(part, " "), "=")
		kind = strings.ToLower(strings.TrimSpace(kind))
		if !found || kind == "" || value == "" {
			return nil, false
		}
		parts = append(parts, kind+"="+value)
	}
	return parts, true
}

// splitUnescaped splits a text at the commas that no backslash is before.
func splitUnescaped(text string) []string {
	var parts []string
	begin := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++ // what follows is part of a value
		case ',':
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	return append(parts, text[begin:])
}

// dnRule is a rule's value: all of a name, or its end.
type dnRule struct {
	parts []string
	open  bool
}

func parseDNRule(value string) (dnRule, bool) {
	rest, open := strings.CutPrefix(value, "*,")
	parts, ok := parseDN(rest)
	return dnRule{parts, open}, ok
}

// matchesDN reports whether a distinguished name matches a rule's value. A value that begins with "*," matches the
// names below the rest of it, and not the rest itself.
func matchesDN(value, name string) bool {
	rule, isRule := parseDNRule(value)
	parts, isName := parseDN(name)
	if !isRule || !isName {
		return false
	}
	if rule.open {
		above := len(parts) - len(rule.parts)
		return above > 0 && slices.Equal(parts[above:], rule.parts)
	}
	return slices.Equal(parts, rule.parts)
}
