package protocol

import "bytes"

// normalizeAttributes replaces each literal tab and line break in an attribute's value by a space, as every XML processor
// has to (XML 1.0 section 3.3.3); a carriage return with a line feed is one line break (section 2.11). encoding/xml leaves
// them as they are, and canonicalization would then write a reference for each, so that the digest would be of another text
// than the signer's. A character reference such as "&#10;" stands for the character itself and is not replaced.
//
// The text has passed scan, so every "<" begins a tag; a "<" in a value and a quote outside a value are not well-formed, and
// the parser refuses them.
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
