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
	at := slices.IndexFunc(a.subs, func(sub *aggregation) bool { return sub.name == name && sub.oneNumber() })
	if at < 0 {
		return nil, illegal("Invalid aggregation order path [%s]: [%s] has no aggregation with one number that is called so", path, a.name)
	}
	return func(_, _ value, inX, inY *bucket) int {
		return cmp.Compare(inX.collectors[at].number(), inY.collectors[at].number())
	}, nil
}

// oneNumber tells whether an aggregation's result is, or has, one number.
func (a *aggregation) oneNumber() bool {
	switch a.prefix {
	case "cardinality", "value_count", "filter", "missing":
		return true
	}
	return false
}
