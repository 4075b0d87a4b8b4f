package keyquery

import (
	"strings"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// maxTerms is how many values a terms query may have.
const maxTerms = 65_536

func (c *compiler) term(body map[string]any) (query, error) {
	var given any
	var fold bool
	f, err := leaf("term", body, "value", options{"value": anything(&given), "case_insensitive": xcontent.Boolean(&fold)})
	if err != nil {
		return nil, err
	}
	return c.equal(f, given, fold)
}

// match is term: no field is analysed. Options of the analysis are read and ignored.
func (c *compiler) match(body map[string]any) (query, error) {
	var given any
	var fuzziness any
	var lenient bool
	f, err := leaf("match", body, "query", options{
		"query": anything(&given), "fuzziness": anything(&fuzziness), "lenient": xcontent.Boolean(&lenient),
		"operator": unused, "minimum_should_match": unused, "analyzer": unused, "zero_terms_query": unused, "prefix_length": unused,
		"max_expansions": unused, "fuzzy_transpositions": unused, "fuzzy_rewrite": unused, "auto_generate_synonyms_phrase_query": unused,
	})
	if err != nil {
		return nil, err
	}
	if fuzziness != nil {
		return nil, illegal("match query with fuzziness is not currently supported in this context")
	}
	q, err := c.equal(f, given, false)
	if err != nil && lenient && given != nil {
		return never, nil
	}
	return q, err
}

func never(*row) bool { return false }

// equal is a query for a value. A date that leaves something open stands for the whole time that it names.
func (c *compiler) equal(f field, given any, fold bool) (query, error) {
	if given == nil {
		return nil, illegal("value cannot be null")
	}
	if fold && !f.texts() {
		return nil, illegal("[%s] field which is of type [%s], does not support case insensitive term queries", f.name, f.kind)
	}
	if f.kind == date {
		first, last, err := c.dates.span(given)
		if err != nil {
			return nil, err
		}
		return f.having(func(v value) bool { return first <= v.number && v.number <= last }), nil
	}
	want, err := f.read(given, c.dates)
	if err != nil {
		return nil, err
	}
	if fold {
		lower := strings.ToLower(want.text)
		return f.matching(folded(true, func(text string) (bool, int) { return text == lower, 0 })), nil
	}
	return f.having(func(v value) bool { return v == want }), nil
}

func (c *compiler) terms(body map[string]any) (query, error) {
	name, given, err := termsField(body)
	if err != nil {
		return nil, err
	}
	f, err := fieldNamed(name)
	if err != nil {
		return nil, err
	}
	if len(given) > maxTerms {
		return nil, illegal("The number of terms [%d] used in the Terms Query request has exceeded the allowed maximum of [%d]", len(given), maxTerms)
	}
	if f.kind == date {
		return c.dateTerms(f, given)
	}
	wanted := make(map[value]bool, len(given))
	for _, one := range given {
		v, err := f.read(one, c.dates)
		if err != nil {
			return nil, err
		}
		wanted[v] = true
	}
	return f.having(func(v value) bool { return wanted[v] }), nil
}

func (c *compiler) dateTerms(f field, given []any) (query, error) {
	if err := c.count(len(given)); err != nil {
		return nil, err
	}
	parts := make([]query, 0, len(given))
	for _, one := range given {
		part, err := c.equal(f, one, false)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return anyOf(parts), nil
}

// termsField returns the one member of a terms query that is not an option.
func termsField(body map[string]any) (name string, values []any, err error) {
	rest := map[string]any{}
	for member, given := range body {
		switch {
		case member == "boost" || member == "_name":
			rest[member] = given
		case name != "":
			return "", nil, malformed("[terms] query does not support multiple fields")
		default:
			name = member
		}
	}
	if err := readOptions("terms", rest, nil); err != nil {
		return "", nil, err
	}
	switch given := body[name].(type) {
	case []any:
		return name, given, nil
	case map[string]any:
		return "", nil, illegal("terms query with terms lookup is not currently supported in this context")
	}
	return "", nil, malformed("[terms] query requires a field name, followed by array of terms")
}

func ids(body map[string]any) (query, error) {
	var given []string
	if err := readOptions("ids", body, options{"values": xcontent.Texts(&given)}); err != nil {
		return nil, err
	}
	wanted := make(map[string]bool, len(given))
	for _, id := range given {
		wanted[id] = true
	}
	return func(r *row) bool { return r.spend(1) && wanted[r.ID] }, nil
}

func exists(body map[string]any) (query, error) {
	var name string
	if err := readOptions("exists", body, options{"field": xcontent.Text(&name)}); err != nil {
		return nil, err
	}
	if name == "" {
		return nil, malformed("[exists] must be provided with a [field]")
	}
	if !strings.Contains(name, "*") {
		f, err := fieldNamed(name)
		return f.having(func(value) bool { return true }), err
	}
	found, err := fieldsLike(name)
	if err != nil {
		return nil, err
	}
	return inAny(found, func(value) bool { return true }), nil
}

// inAny is a query for a value in any of some fields.
func inAny(among []field, test func(value) bool) query {
	parts := make([]query, 0, len(among))
	for _, f := range among {
		parts = append(parts, f.having(test))
	}
	return anyOf(parts)
}
