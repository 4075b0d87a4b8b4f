package keyquery

import (
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// composite has a bucket for each combination of the values of its sources, in the order of these, page by page.
type composite struct {
	of      *aggregation
	size    int
	sources []compositeSource
	// after is the combination that the page begins behind; nil is the first page.
	after []value
}

func (c *compiler) compositeAggregation(a *aggregation, body map[string]any, parents []string) error {
	for _, parent := range parents {
		if parent != "filter" {
			return illegal("[composite] aggregation cannot be used with a parentAggregation of type: [%s]", parent)
		}
	}
	const defaultSize, maxSize = 10, 65_536
	k := &composite{of: a, size: defaultSize}
	var sources any
	var after map[string]any
	err := a.read("composite", body, options{"size": whole(&k.size), "sources": anything(&sources), "after": xcontent.Object(&after)})
	if err != nil {
		return err
	}
	if k.size <= 0 || k.size > maxSize {
		return illegal("[size] must be greater than 0 and at most %d. Found [%d] in [%s]", maxSize, k.size, a.name)
	}
	if err := k.readSources(c, sources); err != nil {
		return err
	}
	if after != nil {
		if err := k.readAfter(after); err != nil {
			return err
		}
	}
	a.prefix = "composite"
	a.start = func(spent *budget) (collector, error) {
		return &compositeCollector{composite: k, spent: spent, buckets: map[string]*compositeBucket{}}, nil
	}
	return nil
}

func (k *composite) readSources(c *compiler, given any) error {
	elements, _ := given.([]any)
	if len(elements) == 0 || len(elements) > maxSorts {
		return illegal("Composite [sources] of [%s] cannot be null or empty, nor more than %d", k.of.name, maxSorts)
	}
	for _, element := range elements {
		one, err := c.compositeSource(k.of, element)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(k.sources, func(other compositeSource) bool { return other.name == one.name }) {
			return illegal("Composite source names must be unique, found duplicates: [%s]", one.name)
		}
		k.sources = append(k.sources, one)
	}
	return nil
}

func (k *composite) readAfter(given map[string]any) error {
	if len(given) != len(k.sources) {
		return illegal("[after] has %d value(s) but [sources] has %d", len(given), len(k.sources))
	}
	for _, s := range k.sources {
		one, ok := given[s.name]
		if !ok {
			return illegal("Missing value for [after.%s]", s.name)
		}
		v, err := s.key.read(one)
		if err != nil {
			return err
		}
		k.after = append(k.after, v)
	}
	return nil
}

func (k *composite) compare(a, b []value) int {
	for i, s := range k.sources {
		if order := s.key.compare(a[i], b[i]); order != 0 {
			return order
		}
	}
	return 0
}

type compositeCollector struct {
	*composite
	spent   *budget
	buckets map[string]*compositeBucket
}

type compositeBucket struct {
	*bucket
	key []value
}

func (c *compositeCollector) add(r *row) error {
	columns := make([][]value, len(c.sources))
	combinations := 1
	for i, s := range c.sources {
		columns[i] = s.values(r)
		if combinations *= len(columns[i]); combinations > maxBuckets {
			return illegal("a document has too many combinations of values for [%s]: at most [%d] are allowed", c.of.name, maxBuckets)
		}
	}
	key := make([]value, len(columns))
	for n := range combinations {
		for i, column := range columns {
			key[i], n = column[n%len(column)], n/len(column)
		}
		if err := c.addTo(key, r); err != nil {
			return err
		}
	}
	return nil
}

func (c *compositeCollector) addTo(key []value, r *row) error {
	if c.after != nil && c.compare(key, c.after) <= 0 {
		return c.spent.takeWork(1)
	}
	name := encode(key)
	b, ok := c.buckets[name]
	if !ok {
		inner, err := c.of.bucket(c.spent)
		if err != nil {
			return err
		}
		b = &compositeBucket{inner, slices.Clone(key)}
		c.buckets[name] = b
	}
	return b.add(r)
}

func (c *compositeCollector) render(typed bool) map[string]any {
	found := slices.SortedFunc(maps.Values(c.buckets), func(a, b *compositeBucket) int { return c.compare(a.key, b.key) })
	list := []any{}
	result := map[string]any{}
	for _, b := range found[:min(c.size, len(found))] {
		key := map[string]any{}
		for i, s := range c.sources {
			key[s.name] = s.key.show(b.key[i])
		}
		list = append(list, b.into(map[string]any{"key": key}, typed))
		result["after_key"] = key
	}
	result["buckets"] = list
	return result
}
