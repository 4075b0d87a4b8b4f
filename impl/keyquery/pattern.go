package keyquery

import (
	"strings"

	"github.com/sallyport/sallyport/impl/overload/wildcard"
	"github.com/sallyport/sallyport/impl/xcontent"
)

// longestPattern bounds a pattern, in bytes. A text costs a sixteenth of that for each of its characters, at most.
const longestPattern = 1_000

func (c *compiler) prefix(body map[string]any) (query, error) {
	f, text, fold, err := patternOptions("prefix", body)
	if err != nil {
		return nil, err
	}
	return f.matching(folded(fold, func(given string) (bool, int) { return strings.HasPrefix(given, text), 0 })), nil
}

func (c *compiler) wildcard(body map[string]any) (query, error) {
	f, text, fold, err := patternOptions("wildcard", body)
	if err != nil {
		return nil, err
	}
	if len(text) > longestPattern {
		return nil, illegal("a wildcard pattern of [%d] bytes is too long: at most [%d] are allowed", len(text), longestPattern)
	}
	return f.matching(folded(fold, wildcard.Parse(text).Match)), nil
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

// folded lets a test compare texts in lower case.
func folded(fold bool, test func(text string) (matched bool, units int)) func(string) (bool, int) {
	if !fold {
		return test
	}
	return func(text string) (bool, int) {
		matched, units := test(strings.ToLower(text))
		return matched, units + len(text)
	}
}
