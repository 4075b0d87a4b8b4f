package keyquery

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/xcontent"
)

// query tells whether a document is meant.
type query func(*row) bool

// Limits of one request, all of its queries together. They bound the work for each document.
const (
	// maxClauses is how many queries there may be, each date of a terms query and each word and field of a
	// simple_query_string counted.
	maxClauses = 1_024
	// maxDepth is how deep queries may be inside of each other.
	maxDepth = 30
)

// compiler turns the parts of one request into what can be run.
type compiler struct {
	dates          dateReader
	clauses, depth int
	aggregations   int
}

func illegal(format string, values ...any) error {
	return fault.New(fault.IllegalArgument, fmt.Sprintf(format, values...))
}

func malformed(format string, values ...any) error {
	return fault.New(fault.ParseFailed, fmt.Sprintf(format, values...))
}

// query reads an object with one member, the type of the query.
func (c *compiler) query(given any) (query, error) {
	members, ok := given.(map[string]any)
	if !ok {
		return nil, malformed("[_na] query malformed, must start with start_object")
	}
	if len(members) == 0 {
		return nil, illegal("query malformed, empty clause found")
	}
	kind := slices.Sorted(maps.Keys(members))[0]
	if len(members) > 1 {
		return nil, malformed("[%s] malformed query, expected [END_OBJECT] but found [FIELD_NAME]", kind)
	}
	reader := c.reader(kind)
	if reader == nil {
		return nil, illegal("Query type [%s] is not currently supported in this context", kind)
	}
	body, ok := members[kind].(map[string]any)
	if !ok {
		return nil, malformed("[%s] query malformed, no start_object after query name", kind)
	}
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxDepth {
		return nil, illegal("The nested depth of the query exceeds the maximum of [%d]", maxDepth)
	}
	if err := c.count(1); err != nil {
		return nil, err
	}
	return reader(body)
}

func (c *compiler) count(clauses int) error {
	c.clauses += clauses
	if c.clauses > maxClauses {
		return illegal("the request has too many clauses: at most [%d] are allowed", maxClauses)
	}
	return nil
}

func (c *compiler) reader(kind string) func(map[string]any) (query, error) {
	switch kind {
	case "match_all":
		return matchAll
	case "bool":
		return c.boolQuery
	case "term":
		return c.term
	case "terms":
		return c.terms
	case "match":
		return c.match
	case "ids":
		return ids
	case "prefix":
		return c.prefix
	case "wildcard":
		return c.wildcard
	case "exists":
		return exists
	case "range":
		return c.rangeQuery
	case "simple_query_string":
		return c.simple
	}
	return nil
}

func matchAll(body map[string]any) (query, error) {
	return func(*row) bool { return true }, readOptions("match_all", body, nil)
}

// options are the members that an object takes, and where to.
type options = map[string]xcontent.Field

// readOptions reads the object of a query. Every query takes boost and _name, which change no result here.
func readOptions(kind string, members map[string]any, known options) error {
	all := options{"boost": boost(kind), "_name": xcontent.Text(new(string))}
	maps.Copy(all, known)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if _, ok := all[name]; !ok {
			return malformed("[%s] query does not support [%s]", kind, name)
		}
	}
	return xcontent.Parser{Name: kind, Fields: all}.Read(members)
}

// boost checks a number that is of no use here.
func boost(kind string) xcontent.Field {
	return func(given any) error {
		text, _ := leafText(given)
		n, err := strconv.ParseFloat(text, 32)
		if err != nil || n != n {
			return malformed("[%s] has a [boost] that is not a number", kind)
		}
		if n < 0 {
			return illegal("negative [boost] are not allowed in [%s] query, but was [%s]", kind, text)
		}
		return nil
	}
}

// anything keeps a value to be read later.
func anything(target *any) xcontent.Field {
	return func(given any) error {
		*target = given
		return nil
	}
}

// whole reads a whole number, which may be in a string.
func whole(target *int) xcontent.Field {
	return func(given any) error {
		if text, ok := given.(string); ok {
			given = json.Number(text)
		}
		return xcontent.Integer(target)(given)
	}
}

// unused checks that an option's value is a string, number or boolean. It is for options that change nothing here.
func unused(given any) error {
	if _, ok := leafText(given); !ok {
		return malformed("unexpected %s", xcontent.Token(given))
	}
	return nil
}

// leaf reads a query about one field: the member named by the field is a value, which the option short takes, or an object
// of options.
func leaf(kind string, body map[string]any, short string, known options) (field, error) {
	names := slices.Sorted(maps.Keys(body))
	if len(names) == 0 {
		return field{}, malformed("[%s] query malformed, a field is needed", kind)
	}
	if len(names) > 1 {
		return field{}, malformed("[%s] query doesn't support multiple fields, found [%s] and [%s]", kind, names[0], names[1])
	}
	var err error
	switch given := body[names[0]].(type) {
	case map[string]any:
		err = readOptions(kind, given, known)
	case []any:
		err = malformed("[%s] query does not support array of values", kind)
	default:
		if short == "" {
			err = malformed("[%s] query does not support [%s]", kind, names[0])
		} else {
			err = xcontent.Within(kind, names[0], known[short](given))
		}
	}
	if err != nil {
		return field{}, err
	}
	return fieldNamed(names[0])
}

// having returns a query for the documents of which any value of a field passes a test.
func (f field) having(test func(value) bool) query {
	return func(r *row) bool {
		for v := range f.values(r) {
			r.tests++
			if test(v) {
				return true
			}
		}
		return false
	}
}
