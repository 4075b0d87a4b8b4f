package query

import (
	"cmp"
	"slices"
	"strings"
)

// order compiles one sort criterion of buckets: a path and a direction.
func (a *aggregation) order(path string, direction any) (bucketOrder, error) {
	text, _ := direction.(string)
	if text == "" {
		return nil, malformed("Unknown order direction in [%s]", a.name)
	}

	descending, err := readOrder(text)
	if err != nil {
		return nil, err
	}

	order, err := a.ascending(path)
	if err != nil || !descending {
		return order, err
	}

	return func(x, y value, inX, inY *bucket) int { return order(y, x, inY, inX) }, nil
}

// ascending returns the ascending order for a path: the key, the count, or a subaggregation with a single number.
func (a *aggregation) ascending(path string) (bucketOrder, error) {
	switch path {
	case "_key", "_term":
		return func(x, y value, _, _ *bucket) int { return compareValues(x, y) }, nil
	case "_count":
		return func(_, _ value, inX, inY *bucket) int { return cmp.Compare(inX.count, inY.count) }, nil
	}

	name := strings.TrimSuffix(strings.TrimSuffix(path, ".value"), "._count")
	at := slices.IndexFunc(a.subs, func(sub *aggregation) bool { return sub.name == name })
	if at < 0 || !a.subs[at].hasSingleNumber() {
		return nil, illegal("Invalid aggregation order path [%s]: [%s] has no subaggregation of this name with a single "+
			"number", path, a.name)
	}

	return func(_, _ value, inX, inY *bucket) int {
		return cmp.Compare(numberOf(inX.collectors[at]), numberOf(inY.collectors[at]))
	}, nil
}

// singleNumber is a collector with one number, by which buckets can be sorted.
type singleNumber interface{ number() int }

// numberOf returns the number of a collector, 0 if it has none.
func numberOf(c collector) int {
	if n, ok := c.(singleNumber); ok {
		return n.number()
	}
	return 0
}

// hasSingleNumber reports whether the aggregation's result is, or contains, exactly one number.
func (a *aggregation) hasSingleNumber() bool {
	switch a.prefix {
	case "cardinality", "value_count", "filter", "missing":
		return true
	}
	return false
}
