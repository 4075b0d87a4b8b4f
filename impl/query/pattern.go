package query

import (
	"strings"

	"github.com/sallyport/sallyport/impl/platform/admission/wildcard"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// maxPatternBytes bounds a pattern. Matching costs up to a sixteenth of its length for each character of a text.
const maxPatternBytes = 1_000

// prefix compiles a prefix query.
func (c *compiler) prefix(body map[string]any) (query, error) {
	f, text, fold, err := c.patternOptions("prefix", body)
	if err != nil {
		return query{}, err
	}
	q := f.anyText(ignoreCase(fold, func(given string) (bool, int) { return strings.HasPrefix(given, text), 0 }))
	if !fold {
		q = f.decidePrefix(q, text)
	}
	return q, nil
}

// wildcard compiles a wildcard query, in which * matches any text and ? one character.
func (c *compiler) wildcard(body map[string]any) (query, error) {
	f, text, fold, err := c.patternOptions("wildcard", body)
	if err != nil {
		return query{}, err
	}
	if len(text) > maxPatternBytes {
		return query{}, illegal("a wildcard pattern of [%d] bytes is too long: at most [%d] are allowed", len(text),
			maxPatternBytes)
	}

	q := f.anyText(ignoreCase(fold, wildcard.Parse(text).Match))
	if !fold {
		q = f.decideWildcard(q, text)
	}
	return q, nil
}

// patternOptions reads a query with a pattern. If fold is true, case is ignored and the pattern is in lower case.
func (c *compiler) patternOptions(kind string, body map[string]any) (f field, pattern string, fold bool, err error) {
	var given any
	known := options{"value": rawValue(&given), "case_insensitive": xcontent.Boolean(&fold), "rewrite": ignoredOption}
	if kind == "wildcard" {
		known["wildcard"] = known["value"]
	}
	if f, err = c.readFieldQuery(kind, body, "value", known); err != nil {
		return f, "", false, err
	}

	pattern, ok := scalarText(given)
	if !ok {
		return f, "", false, illegal("value cannot be null")
	}
	if !f.hasTexts() {
		return f, "", false, illegal("Can only use %s queries on keyword fields - not on [%s] which is of type [%s]", kind,
			f.name, f.kind)
	}
	if fold {
		pattern = strings.ToLower(pattern)
	}

	return f, pattern, fold, nil
}

// ignoreCase returns a test that sees texts in lower case, if fold is true.
func ignoreCase(fold bool, test func(text string) (matched bool, units int)) func(string) (bool, int) {
	if !fold {
		return test
	}

	return func(text string) (bool, int) {
		matched, units := test(strings.ToLower(text))
		return matched, units + len(text)
	}
}
