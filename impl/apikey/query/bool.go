package query

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// boolQuery compiles a bool query.
func (c *compiler) boolQuery(body map[string]any) (query, error) {
	var must, filter, should, mustNot []query
	var atLeast any
	pureNegative := true
	err := readOptions("bool", body, options{
		"must":                 c.list(&must),
		"filter":               c.list(&filter),
		"should":               c.list(&should),
		"must_not":             c.list(&mustNot),
		"minimum_should_match": rawValue(&atLeast),
		"adjust_pure_negative": xcontent.Boolean(&pureNegative),
	})
	if err != nil {
		return nil, err
	}

	required := slices.Concat(must, filter)
	needed, err := requiredMatches(atLeast, len(should), len(required) == 0)
	if err != nil {
		return nil, err
	}
	if !pureNegative && len(mustNot) > 0 && len(required)+len(should) == 0 {
		return matchNone, nil
	}

	return func(r *row) bool {
		return all(required, r) && !anyOf(mustNot)(r) && atLeastOf(should, needed, r)
	}, nil
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

// all reports whether a document matches every one of the queries.
func all(parts []query, r *row) bool {
	for _, part := range parts {
		if !part(r) {
			return false
		}
	}
	return true
}

// anyOf returns a query that matches documents matching at least one of the queries.
func anyOf(parts []query) query {
	return func(r *row) bool { return len(parts) > 0 && atLeastOf(parts, 1, r) }
}

// atLeastOf reports whether a document matches at least the given number of the queries.
func atLeastOf(parts []query, needed int, r *row) bool {
	if needed > len(parts) {
		return false
	}

	for _, part := range parts {
		if needed <= 0 {
			return true
		}
		if part(r) {
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
