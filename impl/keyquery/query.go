package keyquery

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/fault"
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
	return func(r *row) bool { return r.spend(1) }, readOptions("match_all", body, nil)
}
