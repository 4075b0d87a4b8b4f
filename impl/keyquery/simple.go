package keyquery

import (
	"strings"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// longestText bounds the text of a simple_query_string, in bytes.
const longestText = 10_000

// simple reads a simple_query_string: words and operators, in which nothing is a mistake.
func (c *compiler) simple(body map[string]any) (query, error) {
	var text, operator string
	var names []string
	var flags, atLeast any
	var lenient bool
	err := readOptions("simple_query_string", body, options{
		"query": xcontent.Text(&text), "fields": xcontent.Texts(&names), "default_operator": xcontent.Text(&operator),
		"flags": anything(&flags), "lenient": xcontent.Boolean(&lenient), "minimum_should_match": anything(&atLeast),
		"analyzer": unused, "quote_field_suffix": unused, "analyze_wildcard": unused, "fuzzy_prefix_length": unused,
		"fuzzy_max_expansions": unused, "fuzzy_transpositions": unused, "auto_generate_synonyms_phrase_query": unused,
	})
	if err != nil {
		return nil, err
	}
	if _, given := body["query"]; !given {
		return nil, malformed("[simple_query_string] query text missing")
	}
	if len(text) > longestText {
		return nil, illegal("a query text of [%d] bytes is too long: at most [%d] are allowed", len(text), longestText)
	}
	p := simpleParser{text: text, atLeast: atLeast, words: simpleWords{compiler: c, lenient: lenient}}
	if err := p.words.choose(names); err != nil {
		return nil, err
	}
	if p.fallback, err = defaultOperator(operator); err != nil {
		return nil, err
	}
	if p.operators, err = simpleFlags(flags); err != nil {
		return nil, err
	}
	return p.all()
}

func defaultOperator(name string) (byte, error) {
	switch strings.ToLower(name) {
	case "", "or":
		return '|', nil
	case "and":
		return '+', nil
	}
	return 0, illegal("[simple_query_string] default operator [%s] is not allowed", name)
}

// flagOperators are the characters that each flag gives a meaning.
var flagOperators = map[string]string{
	"ALL": "+|-\"*()\\ ~", "NONE": "", "AND": "+", "OR": "|", "NOT": "-", "PHRASE": "\"", "PREFIX": "*", "PRECEDENCE": "()",
	"ESCAPE": "\\", "WHITESPACE": " ", "FUZZY": "~", "NEAR": "~", "SLOP": "~",
}

// simpleFlags returns the operators that count, by names with | between them. No text and -1 are all of them.
func simpleFlags(given any) (string, error) {
	text, ok := leafText(given)
	if !ok || text == "" || text == "-1" {
		return flagOperators["ALL"], nil
	}
	found := ""
	for name := range strings.SplitSeq(text, "|") {
		operators, ok := flagOperators[strings.ToUpper(strings.TrimSpace(name))]
		if !ok {
			return "", illegal("Unknown simple_query_string flag [%s]", name)
		}
		found += operators
	}
	return found, nil
}
