package query

import (
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// termsOptions is a terms aggregation: a bucket for each value.
type termsOptions struct {
	of    *aggregation
	from  source
	size  int
	least int
	order []bucketOrder
	// include lists the only values with buckets, exclude those without; nil does not restrict.
	include, exclude map[value]bool
}

// termsAggregation compiles a terms aggregation.
func (c *compiler) termsAggregation(a *aggregation, body map[string]any, _ []string) error {
	const defaultSize = 10
	t := &termsOptions{of: a, size: defaultSize, least: 1}
	var order, include, exclude any
	var err error
	t.from, err = c.source(a, "terms", body, options{
		"size":                      int32Option(&t.size),
		"min_doc_count":             int32Option(&t.least),
		"order":                     rawValue(&order),
		"include":                   rawValue(&include),
		"exclude":                   rawValue(&exclude),
		"shard_size":                ignoredOption,
		"shard_min_doc_count":       ignoredOption,
		"execution_hint":            ignoredOption,
		"collect_mode":              ignoredOption,
		"show_term_doc_count_error": ignoredOption,
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
	if t.from.field.hasTexts() {
		a.prefix = "sterms"
	}

	a.start = func(spent *budget) (collector, error) {
		return &termsCollector{termsOptions: t, spent: spent, buckets: map[value]*bucket{}}, nil
	}

	t.order, err = a.orders(order)
	return err
}

// values reads an array of exact values. Regular expressions and partitions are not supported.
func (t *termsOptions) values(option string, given any) (map[value]bool, error) {
	if given == nil {
		return nil, nil
	}

	elements, ok := given.([]any)
	if !ok {
		return nil, illegal("[%s] of [%s] must be an array of values", option, t.of.name)
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

// termsCollector holds the buckets by value.
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
			list = append(list, b.renderInto(t.from.label(key, map[string]any{}), typed))
		}
	}

	return map[string]any{"doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": list}
}

// bucketOrder compares two buckets by their keys or contents.
type bucketOrder func(a, b value, inA, inB *bucket) int

// orders compiles one order or an array of them. By default, buckets with more documents come first.
func (a *aggregation) orders(given any) ([]bucketOrder, error) {
	if given == nil {
		given = map[string]any{"_count": "desc"}
	}

	elements := elementsOf(given)
	if len(elements) > maxSorts {
		return nil, illegal("at most [%d] orders are allowed in [%s]", maxSorts, a.name)
	}

	var read []bucketOrder
	for _, element := range elements {
		members, ok := element.(map[string]any)
		if !ok || len(members) != 1 {
			return nil, malformed("Must specify exactly one field for [order] of [%s], but was %s", a.name,
				xcontent.Token(element))
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
