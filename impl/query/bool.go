package query

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// boolQuery compiles a bool query.
func (c *compiler) boolQuery(body map[string]any) (query, error) {
	var must, filter, should, mustNot []query
	var minimum any
	pureNegative := true
	err := readOptions("bool", body, options{
		"must":                 c.list(&must),
		"filter":               c.list(&filter),
		"should":               c.list(&should),
		"must_not":             c.list(&mustNot),
		"minimum_should_match": rawValue(&minimum),
		"adjust_pure_negative": xcontent.Boolean(&pureNegative),
	})
	if err != nil {
		return query{}, err
	}

	required := slices.Concat(must, filter)
	needed, err := requiredMatches(minimum, len(should), len(required) == 0)
	if err != nil {
		return query{}, err
	}
	if !pureNegative && len(mustNot) > 0 && len(required)+len(should) == 0 {
		return matchNone, nil
	}

	parts := required
	for _, unwanted := range mustNot {
		parts = append(parts, unwanted.negated())
	}
	return allOf(append(parts, atLeast(should, needed))), nil
}

// list reads one query or an array of queries.
func (c *compiler) list(target *[]query) xcontent.Field {
	return func(given any) error {
		read, err := readEach(elementsOf(given), c.query)
		*target = append(*target, read...)
		return err
	}
}

// elementsOf returns the elements of an array; another value is the only element.
func elementsOf(given any) []any {
	if elements, ok := given.([]any); ok {
		return elements
	}
	return []any{given}
}

// readEach reads all elements, or returns the first error.
func readEach[T, U any](elements []T, read func(T) (U, error)) ([]U, error) {
	all := make([]U, 0, len(elements))
	for _, element := range elements {
		one, err := read(element)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// allOf returns a query that matches documents matching every one of the queries.
func allOf(parts []query) query { return atLeast(parts, len(parts)) }

// anyOf returns a query that matches documents matching at least one of the queries.
func anyOf(parts []query) query { return atLeast(parts, 1) }

// atLeast returns a query that matches documents matching at least the given number of the queries.
func atLeast(parts []query, needed int) query {
	q := query{test: func(r *row) bool { return countMatches(parts, needed, r) }}
	conditions := make([]condition.Condition, len(parts))
	q.decided = true
	for i, part := range parts {
		conditions[i] = part.where
		q.decided = q.decided && part.decided
	}

	switch {
	case needed <= 0:
		q.decided = true
	case needed > len(parts):
		return q.decidedBy(condition.When(false))
	case needed == len(parts):
		q.where = condition.And(conditions...)
	default:
		q.where = condition.Or(conditions...)
		q.decided = q.decided && needed == 1
	}
	return q
}

// countMatches reports whether a document matches at least the given number of the queries.
func countMatches(parts []query, needed int, r *row) bool {
	for i, part := range parts {
		if needed <= 0 || needed > len(parts)-i {
			break
		}
		if part.test(r) {
			needed--
		}
	}
	return needed <= 0
}

// requiredMatches returns how many of the optional queries must match. If a query has no required parts (alone), at
// least one optional part must match, whatever minimum_should_match says.
func requiredMatches(given any, parts int, alone bool) (int, error) {
	least := 0
	if alone && parts > 0 {
		least = 1
	}
	if given == nil {
		return least, nil
	}

	text, ok := scalarText(given)
	if !ok {
		return 0, malformed("[minimum_should_match] must be a number or a string")
	}

	needed, err := minimumMatches(text, parts)
	return max(needed, least), err
}

// minimumMatches evaluates minimum_should_match: 3, -1, 75% and -25%, and the conditional forms 2<75% and 2<-1 5<50%.
func minimumMatches(text string, parts int) (int, error) {
	if !strings.Contains(text, "<") {
		return simpleMinimumMatches(strings.TrimSpace(text), parts)
	}

	result := parts
	for condition := range strings.FieldsSeq(text) {
		bound, then, _ := strings.Cut(condition, "<")
		limit, err := strconv.Atoi(bound)
		if err != nil {
			return 0, illegal("minimum_should_match [%s] makes no sense", text)
		}

		needed, err := simpleMinimumMatches(then, parts)
		if err != nil {
			return 0, err
		}
		if parts <= limit {
			return result, nil
		}

		result = needed
	}

	return result, nil
}

// simpleMinimumMatches evaluates an unconditional minimum_should_match. A negative value is subtracted from the
// number of parts.
func simpleMinimumMatches(text string, parts int) (int, error) {
	digits, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return 0, illegal("minimum_should_match [%s] makes no sense", text)
	}
	if percent {
		n = n * int64(parts) / 100
	}
	if n < 0 {
		n += int64(parts)
	}

	return int(max(n, 0)), nil
}
