package keyquery

import (
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// longestPattern bounds a pattern, in bytes: a text costs at most its length times the pattern's.
const longestPattern = 1_000

func (c *compiler) prefix(body map[string]any) (query, error) {
	f, text, fold, err := patternOptions("prefix", body)
	if err != nil {
		return nil, err
	}
	return f.having(func(v value) bool { return startsWith(v.text, text, fold) }), nil
}

func (c *compiler) wildcard(body map[string]any) (query, error) {
	f, text, fold, err := patternOptions("wildcard", body)
	if err != nil {
		return nil, err
	}
	if len(text) > longestPattern {
		return nil, illegal("a wildcard pattern of [%d] bytes is too long: at most [%d] are allowed", len(text), longestPattern)
	}
	matches := newWildcard(text, fold)
	return f.having(func(v value) bool { return matches(v.text) }), nil
}

// patternOptions reads a query with a pattern, which is in lower case if the case does not count.
func patternOptions(kind string, body map[string]any) (f field, pattern string, fold bool, err error) {
	var given any
	known := options{"value": anything(&given), "case_insensitive": xcontent.Boolean(&fold), "rewrite": unused}
	if kind == "wildcard" {
		known["wildcard"] = known["value"]
	}
	if f, err = leaf(kind, body, "value", known); err != nil {
		return f, "", false, err
	}
	pattern, ok := leafText(given)
	if !ok {
		return f, "", false, illegal("value cannot be null")
	}
	if !f.texts() {
		return f, "", false, illegal("Can only use %s queries on keyword fields - not on [%s] which is of type [%s]", kind, f.name, f.kind)
	}
	if fold {
		pattern = strings.ToLower(pattern)
	}
	return f, pattern, fold, nil
}

func startsWith(text, prefix string, fold bool) bool {
	if fold {
		text = strings.ToLower(text)
	}
	return strings.HasPrefix(text, prefix)
}

// newWildcard returns a test for a pattern in which * is any text, ? any one character, and \ takes the meaning of the
// character after it. If the case does not count, the pattern must be in lower case.
func newWildcard(pattern string, fold bool) func(string) bool {
	pieces := split(pattern)
	return func(text string) bool {
		if fold {
			text = strings.ToLower(text)
		}
		return matchPieces(pieces, text)
	}
}

// anyRune stands for ? in a piece.
const anyRune rune = -1

// split returns what is between the asterisks.
func split(pattern string) [][]rune {
	pieces := [][]rune{nil}
	escaped := false
	for _, r := range pattern {
		last := len(pieces) - 1
		switch {
		case escaped:
			pieces[last], escaped = append(pieces[last], r), false
		case r == '\\':
			escaped = true
		case r == '*':
			pieces = append(pieces, nil)
		case r == '?':
			pieces[last] = append(pieces[last], anyRune)
		default:
			pieces[last] = append(pieces[last], r)
		}
	}
	if escaped {
		pieces[len(pieces)-1] = append(pieces[len(pieces)-1], '\\')
	}
	return pieces
}

// matchPieces looks for each piece at the first place where it can be: what comes later can only gain by that, so no
// choice is ever taken back.
func matchPieces(pieces [][]rune, text string) bool {
	rest, ok := cutPiece(text, pieces[0])
	if !ok || len(pieces) == 1 {
		return ok && rest == ""
	}
	for _, piece := range pieces[1 : len(pieces)-1] {
		if rest, ok = findPiece(rest, piece); !ok {
			return false
		}
	}
	return endsWithPiece(rest, pieces[len(pieces)-1])
}

func cutPiece(text string, piece []rune) (string, bool) {
	for _, want := range piece {
		r, size := utf8.DecodeRuneInString(text)
		if size == 0 || want != anyRune && r != want {
			return "", false
		}
		text = text[size:]
	}
	return text, true
}

func findPiece(text string, piece []rune) (string, bool) {
	for {
		if rest, ok := cutPiece(text, piece); ok {
			return rest, true
		}
		_, size := utf8.DecodeRuneInString(text)
		if size == 0 {
			return "", false
		}
		text = text[size:]
	}
}

func endsWithPiece(text string, piece []rune) bool {
	start := len(text)
	for range piece {
		_, size := utf8.DecodeLastRuneInString(text[:start])
		if size == 0 {
			return false
		}
		start -= size
	}
	rest, ok := cutPiece(text[start:], piece)
	return ok && rest == ""
}
