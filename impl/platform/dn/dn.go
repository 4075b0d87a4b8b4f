// Package dn reads distinguished names (RFC 4514).
package dn

import (
	"slices"
	"strings"
)

// Name is a distinguished name: its relative names, each as its type in lower case, an equals sign and the value.
type Name []string

// Parse splits a distinguished name. Blanks after commas do not count. Escapes stay as they are written: two spellings
// of one value are taken for two values, so that a rule can only ever hold for fewer users than it might.
func Parse(text string) (Name, bool) {
	var name Name
	for _, part := range splitUnescaped(text) {
		kind, value, found := strings.Cut(strings.TrimLeft(part, " "), "=")
		kind = strings.ToLower(strings.TrimSpace(kind))
		if !found || kind == "" || value == "" {
			return nil, false
		}
		name = append(name, kind+"="+value)
	}
	return name, true
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

// Below reports whether the name is below another one, and not that one itself.
func (n Name) Below(other Name) bool {
	above := len(n) - len(other)
	return above > 0 && slices.Equal(n[above:], other)
}

// Fold returns the name in lower case.
func (n Name) Fold() Name {
	folded := make(Name, len(n))
	for i, part := range n {
		folded[i] = strings.ToLower(part)
	}
	return folded
}

// String returns the name without blanks after commas.
func (n Name) String() string { return strings.Join(n, ",") }
