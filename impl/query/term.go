package query

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// maxTerms bounds the values of a terms query.
const maxTerms = 65_536

// term compiles a term query.
func (c *compiler) term(body map[string]any) (query, error) {
	var given any
	var fold bool
	f, err := c.readFieldQuery("term", body, "value",
		options{"value": rawValue(&given), "case_insensitive": xcontent.Boolean(&fold)})
	if err != nil {
		return query{}, err
	}

	return c.equals(f, given, fold)
}

// match compiles a match query. It is a term query, because no field is analysed; options of the analysis are
// ignored.
func (c *compiler) match(body map[string]any) (query, error) {
	var given any
	var fuzziness any
	var lenient bool
	f, err := c.readFieldQuery("match", body, "query", options{
		"query":                               rawValue(&given),
		"fuzziness":                           rawValue(&fuzziness),
		"lenient":                             xcontent.Boolean(&lenient),
		"operator":                            ignoredOption,
		"minimum_should_match":                ignoredOption,
		"analyzer":                            ignoredOption,
		"zero_terms_query":                    ignoredOption,
		"prefix_length":                       ignoredOption,
		"max_expansions":                      ignoredOption,
		"fuzzy_transpositions":                ignoredOption,
		"fuzzy_rewrite":                       ignoredOption,
		"auto_generate_synonyms_phrase_query": ignoredOption,
	})
	if err != nil {
		return query{}, err
	}
	if fuzziness != nil {
		return query{}, illegal("match query with fuzziness is not currently supported in this context")
	}

	q, err := c.equals(f, given, false)
	if err != nil && lenient && given != nil {
		return matchNone, nil
	}

	return q, err
}

// matchNone is a query without matches.
var matchNone = query{test: func(*row) bool { return false }}.decidedBy(condition.When(false))

// equals returns a query for documents with a value. A date of lower precision matches its whole period. If fold is
// true, case is ignored.
func (c *compiler) equals(f field, given any, fold bool) (query, error) {
	if given == nil {
		return query{}, illegal("value cannot be null")
	}
	if fold && !f.hasTexts() {
		return query{}, illegal("[%s] field which is of type [%s], does not support case insensitive term queries", f.name,
			f.kind)
	}

	if f.kind == date {
		first, last, err := c.dates.span(given)
		if err != nil {
			return query{}, err
		}
		q := f.anyValue(func(v value) bool { return first <= v.number && v.number <= last })
		return f.decideDates(q, first, last), nil
	}

	want, err := f.read(given, c.dates)
	if err != nil {
		return query{}, err
	}

	if fold {
		lower := strings.ToLower(want.text)
		return f.anyText(ignoreCase(true, func(text string) (bool, int) { return text == lower, 0 })), nil
	}

	return f.decideEqual(f.anyValue(func(v value) bool { return v == want }), want), nil
}

// terms compiles a terms query.
func (c *compiler) terms(body map[string]any) (query, error) {
	name, given, err := termsField(body)
	if err != nil {
		return query{}, err
	}

	f, err := c.lookupField(name)
	if err != nil {
		return query{}, err
	}
	if len(given) > maxTerms {
		return query{}, illegal("The number of terms [%d] used in the Terms Query request has exceeded the allowed "+
			"maximum of [%d]", len(given), maxTerms)
	}
	if f.kind == date {
		return c.dateTerms(f, given)
	}

	wanted := make(map[value]bool, len(given))
	for _, one := range given {
		v, err := f.read(one, c.dates)
		if err != nil {
			return query{}, err
		}
		wanted[v] = true
	}

	q := f.anyValue(func(v value) bool { return wanted[v] })
	return f.decideEqual(q, slices.Collect(maps.Keys(wanted))...), nil
}

// dateTerms compiles a terms query on a date: each date is a period of its own.
func (c *compiler) dateTerms(f field, given []any) (query, error) {
	if err := c.count(len(given)); err != nil {
		return query{}, err
	}

	parts, err := readEach(given, func(one any) (query, error) { return c.equals(f, one, false) })
	return anyOf(parts), err
}

// termsField returns the name and the values of the field in the body of a terms query.
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

// ids compiles an ids query.
func ids(body map[string]any) (query, error) {
	var given []string
	if err := readOptions("ids", body, options{"values": xcontent.Texts(&given)}); err != nil {
		return query{}, err
	}

	wanted := make(map[string]bool, len(given))
	for _, id := range given {
		wanted[id] = true
	}

	q := query{test: func(r *row) bool { return r.spend(1) && wanted[r.ID] }}
	return decideIn(q, condition.ID, given), nil
}

// exists compiles an exists query on a field or a pattern of fields.
func (c *compiler) exists(body map[string]any) (query, error) {
	var name string
	if err := readOptions("exists", body, options{"field": xcontent.Text(&name)}); err != nil {
		return query{}, err
	}
	if name == "" {
		return query{}, malformed("[exists] must be provided with a [field]")
	}

	found, err := c.selectFields(name)
	parts := make([]query, 0, len(found))
	for _, f := range found {
		parts = append(parts, f.any())
	}
	return anyOf(parts), err
}
