package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// readPhrase reads up to the closing quote and the slop after it, which has no effect on text that is not analysed.
// Without a closing quote it consumes nothing.
func (p *simpleParser) readPhrase() (text string, closed bool) {
	var b strings.Builder
	for i := p.at; i < len(p.text); i++ {
		if p.escapes(i) {
			i++
			b.WriteByte(p.text[i])
			continue
		}

		if p.text[i] == '"' {
			p.at = i + 1
			p.readFuzziness()
			return b.String(), true
		}

		b.WriteByte(p.text[i])
	}

	// No later quote has a closing one either.
	p.operators = strings.ReplaceAll(p.operators, `"`, "")
	return "", false
}

// escapes reports whether the character at an offset is a backslash that escapes the next one.
func (p *simpleParser) escapes(at int) bool {
	return p.text[at] == '\\' && at+1 < len(p.text) && strings.IndexByte(p.operators, '\\') >= 0
}

// word reads up to an operator or white space, and a * or fuzziness at its end.
func (p *simpleParser) word() (text string, prefix bool, distance int) {
	var b strings.Builder
	for p.at < len(p.text) && !p.ends(p.at) {
		if p.escapes(p.at) {
			p.at++
			b.WriteByte(p.text[p.at])
			p.at++
			continue
		}

		if p.text[p.at] == '*' && p.ends(p.at+1) && p.take('*') {
			return b.String(), true, 0
		}

		if p.text[p.at] == '~' && b.Len() > 0 {
			if distance, ok := p.readFuzziness(); ok {
				return b.String(), false, distance
			}
		}

		b.WriteByte(p.text[p.at])
		p.at++
	}

	return b.String(), false, 0
}

// ends reports whether a word ends before an offset.
func (p *simpleParser) ends(at int) bool {
	if at >= len(p.text) {
		return true
	}
	if c := p.text[at]; strings.IndexByte(`"|+()`, c) >= 0 {
		return strings.IndexByte(p.operators, c) >= 0
	}

	r, _ := utf8.DecodeRuneInString(p.text[at:])
	return unicode.IsSpace(r) && strings.IndexByte(p.operators, ' ') >= 0
}

// readFuzziness reads ~ and a number at the end of a word. A missing number, or one above the maximum, is the
// maximum.
func (p *simpleParser) readFuzziness() (distance int, ok bool) {
	start := p.at
	if !p.take('~') {
		return 0, false
	}

	digits := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}

	if !p.ends(p.at) {
		p.at = start
		return 0, false
	}

	switch strings.TrimLeft(p.text[digits:p.at], "0") {
	case "1":
		return 1, true
	case "":
		if digits < p.at {
			return 0, true
		}
	}

	return maxDistance, true
}
