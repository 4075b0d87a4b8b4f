package keyquery

import (
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// termsOptions are what a terms aggregation has: a bucket for each value.
type termsOptions struct {
	of    *aggregation
	from  source
	size  int
	least int
	order []bucketOrder
	// include and exclude have the values that have buckets, and those that have none; nil is no condition.
	include, exclude map[value]bool
}

func (c *compiler) termsAggregation(a *aggregation, body map[string]any, _ []string) error {
	const defaultSize = 10
	t := &termsOptions{of: a, size: defaultSize, least: 1}
	var order, include, exclude any
	var err error
	t.from, err = c.source(a, "terms", body, options{
		"size": whole(&t.size), "min_doc_count": whole(&t.least), "order": anything(&order), "include": anything(&include),
		"exclude": anything(&exclude), "shard_size": unused, "shard_min_doc_count": unused, "execution_hint": unused,
		"collect_mode": unused, "show_term_doc_count_error": unused,
	})
	if err != nil {
		return err
	}
	if t.size <= 0 {
		return illegal("[size] must be greater than 0. Found [%d] in [%s]", t.size, a.name)
	}
	if t.least < 0 {
		return illegal("[min_doc_count] must be greater than or equal to 0. Found [%d] in [%s]", t.least, a.name)
	}
	if t.include, err = t.values("include", include); err != nil {
		return err
	}
	if t.exclude, err = t.values("exclude", exclude); err != nil {
		return err
	}
	a.prefix = "lterms"
	if t.from.field.texts() {
		a.prefix = "sterms"
	}
	a.start = func(spent *budget) (collector, error) {
		return &termsCollector{termsOptions: t, spent: spent, buckets: map[value]*bucket{}}, nil
	}
	t.order, err = a.orders(order)
	return err
}

// values reads an array of exact values. Regular expressions and partitions are not taken.
func (t *termsOptions) values(option string, given any) (map[value]bool, error) {
	if given == nil {
		return nil, nil
	}
	elements, ok := given.([]any)
	if !ok {
		return nil, illegal("[%s] of [%s] takes an array of values only", option, t.of.name)
	}
	read := make(map[value]bool, len(elements))
	for _, element := range elements {
		v, err := t.from.field.read(element, t.from.dates)
		if err != nil {
			return nil, err
		}
		read[v] = true
	}
	return read, nil
}

type termsCollector struct {
	*termsOptions
	spent   *budget
	buckets map[value]*bucket
}

func (t *termsCollector) add(r *row) error {
	for v := range t.from.values(r) {
		if t.include != nil && !t.include[v] || t.exclude[v] {
			continue
		}
		b, ok := t.buckets[v]
		if !ok {
			var err error
			if b, err = t.of.bucket(t.spent); err != nil {
				return err
			}
			t.buckets[v] = b
		}
		if err := b.add(r); err != nil {
			return err
		}
	}
	return nil
}

func (t *termsCollector) render(typed bool) map[string]any {
	keys := slices.Collect(maps.Keys(t.buckets))
	slices.SortFunc(keys, func(a, b value) int {
		for _, order := range t.order {
			if o := order(a, b, t.buckets[a], t.buckets[b]); o != 0 {
				return o
			}
		}
		return compareValues(a, b)
	})
	list, others := []any{}, 0
	for _, key := range keys {
		b := t.buckets[key]
		switch {
		case b.count < t.least:
		case len(list) == t.size:
			others += b.count
		default:
			t.spent.render(len(key.text))
			list = append(list, b.into(t.from.label(key, map[string]any{}), typed))
		}
	}
	return map[string]any{"doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": list}
}

// bucketOrder compares two buckets by their keys or by what is in them.
type bucketOrder func(a, b value, inA, inB *bucket) int

// orders reads one order or an array of them. By default, the buckets with the most documents come first.
func (a *aggregation) orders(given any) ([]bucketOrder, error) {
	if given == nil {
		given = map[string]any{"_count": "desc"}
	}
	elements, ok := given.([]any)
	if !ok {
		elements = []any{given}
	}
	if len(elements) > maxSorts {
		return nil, illegal("at most [%d] orders are allowed in [%s]", maxSorts, a.name)
	}
	var read []bucketOrder
	for _, element := range elements {
		members, ok := element.(map[string]any)
		if !ok || len(members) != 1 {
			return nil, malformed("Must specify exactly one field for [order] of [%s], but was %s", a.name, xcontent.Token(element))
		}
		for path, direction := range members {
			one, err := a.order(path, direction)
			if err != nil {
				return nil, err
			}
			read = append(read, one)
		}
	}
	return read, nil
}
