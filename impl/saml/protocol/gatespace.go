package protocol

import "bytes"

// normalizeAttributes replaces each literal tab and line break in an attribute value by a space, as XML processors
// must (XML 1.0 section 3.3.3); a carriage return with a line feed is one line break (section 2.11). encoding/xml
// keeps them, and canonicalization would then write a character reference for each, so that the digest would differ
// from the signer's. A character reference such as "&#10;" denotes the character itself and is kept.
//
// The text has passed scan, so every "<" begins a tag. A "<" in a value or a quote outside of a value is not
// well-formed, and the parser refuses it.
func normalizeAttributes(data []byte) []byte {
	if !bytes.ContainsAny(data, "\t\r\n") {
		return data
	}

	normal := make([]byte, 0, len(data))
	inTag, quote := false, byte(0)
	for i, c := range data {
		switch {
		case quote != 0 && c == '\r' && i+1 < len(data) && data[i+1] == '\n':
			continue
		case quote != 0 && (c == '\t' || c == '\r' || c == '\n'):
			c = ' '
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '<':
			inTag = true
		case c == '>':
			inTag = false
		case inTag && (c == '"' || c == '\''):
			quote = c
		}

		normal = append(normal, c)
	}

	return normal
}
