package query

import (
	"strings"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// maxQueryTextBytes bounds the text of a simple_query_string.
const maxQueryTextBytes = 10_000

// simple compiles a simple_query_string: words and operators without syntax errors.
func (c *compiler) simple(body map[string]any) (query, error) {
	var text, operator string
	var names []string
	var flags, atLeast any
	var lenient bool
	err := readOptions("simple_query_string", body, options{
		"query":                               xcontent.Text(&text),
		"fields":                              xcontent.Texts(&names),
		"default_operator":                    xcontent.Text(&operator),
		"flags":                               rawValue(&flags),
		"lenient":                             xcontent.Boolean(&lenient),
		"minimum_should_match":                rawValue(&atLeast),
		"analyzer":                            ignoredOption,
		"quote_field_suffix":                  ignoredOption,
		"analyze_wildcard":                    ignoredOption,
		"fuzzy_prefix_length":                 ignoredOption,
		"fuzzy_max_expansions":                ignoredOption,
		"fuzzy_transpositions":                ignoredOption,
		"auto_generate_synonyms_phrase_query": ignoredOption,
	})
	if err != nil {
		return query{}, err
	}
	if _, given := body["query"]; !given {
		return query{}, malformed("[simple_query_string] query text missing")
	}
	if len(text) > maxQueryTextBytes {
		return query{}, illegal("a query text of [%d] bytes is too long: at most [%d] are allowed", len(text),
			maxQueryTextBytes)
	}

	p := simpleParser{text: text, atLeast: atLeast, words: simpleWords{compiler: c, lenient: lenient}}
	if err := p.words.addFields(names); err != nil {
		return query{}, err
	}
	if p.fallback, err = defaultOperator(operator); err != nil {
		return query{}, err
	}
	if p.operators, err = simpleFlags(flags); err != nil {
		return query{}, err
	}

	return p.all()
}

// defaultOperator returns the operator between words without one.
func defaultOperator(name string) (byte, error) {
	switch strings.ToLower(name) {
	case "", "or":
		return '|', nil
	case "and":
		return '+', nil
	}

	return 0, illegal("[simple_query_string] default operator [%s] is not allowed", name)
}

// flagOperators maps each flag to the characters that it enables as operators.
var flagOperators = map[string]string{
	"ALL":        "+|-\"*()\\ ~",
	"NONE":       "",
	"AND":        "+",
	"OR":         "|",
	"NOT":        "-",
	"PHRASE":     "\"",
	"PREFIX":     "*",
	"PRECEDENCE": "()",
	"ESCAPE":     "\\",
	"WHITESPACE": " ",
	"FUZZY":      "~",
	"NEAR":       "~",
	"SLOP":       "~",
}

// simpleFlags returns the operators that flags, separated by |, enable. No flags and -1 enable all.
func simpleFlags(given any) (string, error) {
	text, ok := scalarText(given)
	if !ok || text == "" || text == "-1" {
		return flagOperators["ALL"], nil
	}

	var found strings.Builder
	for name := range strings.SplitSeq(text, "|") {
		operators, ok := flagOperators[strings.ToUpper(strings.TrimSpace(name))]
		if !ok {
			return "", illegal("Unknown simple_query_string flag [%s]", name)
		}
		found.WriteString(operators)
	}

	return found.String(), nil
}
