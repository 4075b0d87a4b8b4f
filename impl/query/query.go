package query

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// query is a compiled query.
type query struct {
	// test reports whether a document matches.
	test func(*row) bool
	// where selects every key that matches, and only those if it is decided.
	where   condition.Condition
	decided bool
}

// decidedBy returns the query with a condition that selects exactly the keys that match.
func (q query) decidedBy(where condition.Condition) query {
	q.where, q.decided = where, true
	return q
}

// negated returns a query that matches the other documents.
func (q query) negated() query {
	other := query{test: func(r *row) bool { return !q.test(r) }}
	if q.decided {
		return other.decidedBy(condition.Not(q.where))
	}
	return other
}

// Limits of all queries of one request together. They bound the work per document.
const (
	// maxClauses bounds the number of queries. Each date of a terms query, and each word and field of a
	// simple_query_string, counts as one.
	maxClauses = 1_024
	// maxDepth bounds the nesting of queries.
	maxDepth = 30
)

// compiler turns the parts of one request into executable queries and aggregations, and counts them.
type compiler struct {
	subject        Subject
	dates          dateReader
	clauses, depth int
	aggregations   int
	// used are the names of the fields that were looked up; metadata for its members too.
	used map[string]bool
}

// illegal returns the error for a well-formed request that is not allowed or not supported.
func illegal(format string, values ...any) error {
	return fault.New(fault.InvalidData, fmt.Sprintf(format, values...))
}

// malformed returns the error for a request of the wrong form.
func malformed(format string, values ...any) error {
	return fault.New(fault.ParseFailed, fmt.Sprintf(format, values...))
}

// query compiles an object with one member, the type of the query.
func (c *compiler) query(given any) (query, error) {
	members, ok := given.(map[string]any)
	if !ok {
		return query{}, malformed("[_na] query malformed, must start with start_object")
	}
	if len(members) == 0 {
		return query{}, illegal("query malformed, empty clause found")
	}

	kind := slices.Sorted(maps.Keys(members))[0]
	if len(members) > 1 {
		return query{}, malformed("[%s] malformed query, expected [END_OBJECT] but found [FIELD_NAME]", kind)
	}

	reader := c.reader(kind)
	if reader == nil {
		return query{}, illegal("Query type [%s] is not currently supported in this context", kind)
	}

	body, ok := members[kind].(map[string]any)
	if !ok {
		return query{}, malformed("[%s] query malformed, no start_object after query name", kind)
	}

	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxDepth {
		return query{}, illegal("The nested depth of the query exceeds the maximum of [%d]", maxDepth)
	}
	if err := c.count(1); err != nil {
		return query{}, err
	}

	return reader(body)
}

// count counts clauses and returns an error if there are too many.
func (c *compiler) count(clauses int) error {
	c.clauses += clauses
	if c.clauses > maxClauses {
		return illegal("the request has too many clauses: at most [%d] are allowed", maxClauses)
	}
	return nil
}

// reader returns the compiler of a query type, or nil if the type is not supported.
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
		return c.exists
	case "range":
		return c.rangeQuery
	case "simple_query_string":
		return c.simple
	}

	return nil
}

func matchAll(body map[string]any) (query, error) {
	q := query{test: func(r *row) bool { return r.spend(1) }}
	return q.decidedBy(condition.Condition{}), readOptions("match_all", body, nil)
}
