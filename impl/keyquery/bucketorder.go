package keyquery

import (
	"cmp"
	"slices"
	"strings"
)

// order reads what to order by, and its direction.
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

func (a *aggregation) ascending(path string) (bucketOrder, error) {
	switch path {
	case "_key", "_term":
		return func(x, y value, _, _ *bucket) int { return compareValues(x, y) }, nil
	case "_count":
		return func(_, _ value, inX, inY *bucket) int { return cmp.Compare(inX.count, inY.count) }, nil
	}
	name := strings.TrimSuffix(strings.TrimSuffix(path, ".value"), "._count")
	at := slices.IndexFunc(a.subs, func(sub *aggregation) bool { return sub.name == name })
	if at < 0 || !a.subs[at].oneNumber() {
		return nil, illegal("Invalid aggregation order path [%s]: [%s] has no aggregation with one number that is called so", path, a.name)
	}
	return func(_, _ value, inX, inY *bucket) int {
		return cmp.Compare(numberOf(inX.collectors[at]), numberOf(inY.collectors[at]))
	}, nil
}

// numbered is a collector with one number, which buckets can be ordered by.
type numbered interface{ number() int }

func numberOf(c collector) int {
	if n, ok := c.(numbered); ok {
		return n.number()
	}
	return 0
}

// oneNumber tells whether an aggregation's result is, or has, one number.
func (a *aggregation) oneNumber() bool {
	switch a.prefix {
	case "cardinality", "value_count", "filter", "missing":
		return true
	}
	return false
}
