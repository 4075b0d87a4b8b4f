package query

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// composite is a composite aggregation: a bucket for each combination of its sources' values, sorted and returned in
// pages.
type composite struct {
	of      *aggregation
	size    int
	sources []compositeSource
	// after is the last combination of the previous page; nil asks for the first page.
	after []value
}

// compositeAggregation compiles a composite aggregation.
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
	err := a.read("composite", body,
		options{"size": int32Option(&k.size), "sources": rawValue(&sources), "after": xcontent.Object(&after)})
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
		return newCompositeCollector(k, spent), nil
	}

	return nil
}

// readSources compiles the array of sources. Their names must be unique.
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

// readAfter reads the after_key of the previous page: one value per source.
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

// compare sorts combinations by the sources in order.
func (k *composite) compare(a, b []value) int {
	for i, s := range k.sources {
		if order := s.key.compare(a[i], b[i]); order != 0 {
			return order
		}
	}
	return 0
}

// compositeCollector holds the buckets of a composite during a run.
type compositeCollector struct {
	*composite
	spent *budget
	// numbers maps each source's values to small integers, so that bucket keys do not repeat long texts.
	numbers []map[value]uint32
	buckets map[string]*compositeBucket
}

// compositeBucket is the bucket of one combination of values.
type compositeBucket struct {
	*bucket
	key []value
}

func newCompositeCollector(k *composite, spent *budget) *compositeCollector {
	c := &compositeCollector{composite: k, spent: spent, buckets: map[string]*compositeBucket{}}
	for range k.sources {
		c.numbers = append(c.numbers, map[value]uint32{})
	}
	return c
}

// column holds a document's values for one source, and their numbers as far as they are looked up; 0 is not yet.
type column struct {
	values  []value
	numbers []uint32
}

func (c *compositeCollector) add(r *row) error {
	columns := make([]column, len(c.sources))
	combinations := 1
	for i, s := range c.sources {
		values := s.values(r)
		columns[i] = column{values, make([]uint32, len(values))}
		if combinations *= len(values); combinations > maxBuckets {
			return illegal("a document has too many combinations of values for [%s]: at most [%d] are allowed", c.of.name,
				maxBuckets)
		}
	}

	// Counting up to the number of combinations, in a base per column, visits each one.
	at, key := make([]int, len(columns)), make([]value, len(columns))
	for n := range combinations {
		for i := range columns {
			size := len(columns[i].values)
			at[i], n = n%size, n/size
			key[i] = columns[i].values[at[i]]
		}

		if err := c.addTo(key, columns, at, r); err != nil {
			return err
		}
	}

	return nil
}

// addTo adds a document to the bucket of one combination. at holds the index of the combination's value in each
// column.
func (c *compositeCollector) addTo(key []value, columns []column, at []int, r *row) error {
	if c.after != nil && c.compare(key, c.after) <= 0 {
		// Combinations of earlier pages have no bucket, but comparing them costs work.
		length := 0
		for _, v := range key {
			length += len(v.text)
		}
		return c.spent.spendWork(1 + length/comparedBytesPerUnit)
	}

	name := c.encode(columns, at)
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

// encode returns the map key of a combination, which is different for each.
func (c *compositeCollector) encode(columns []column, at []int) string {
	name := make([]byte, 0, 4*len(at))
	for i := range at {
		number := &columns[i].numbers[at[i]]
		if *number == 0 {
			*number = c.number(i, columns[i].values[at[i]])
		}
		name = binary.BigEndian.AppendUint32(name, *number)
	}

	return string(name)
}

// number returns the number of a source's value. Values are bounded by the number of buckets and sources.
func (c *compositeCollector) number(source int, v value) uint32 {
	numbers := c.numbers[source]
	if numbers[v] == 0 {
		numbers[v] = uint32(len(numbers)) + 1 //nolint:gosec // at most maxBuckets
	}
	return numbers[v]
}

func (c *compositeCollector) render(typed bool) map[string]any {
	found := slices.SortedFunc(maps.Values(c.buckets), func(a, b *compositeBucket) int { return c.compare(a.key, b.key) })
	list := []any{}
	result := map[string]any{}
	for _, b := range found[:min(c.size, len(found))] {
		key := map[string]any{}
		for i, s := range c.sources {
			c.spent.render(len(s.name) + len(b.key[i].text))
			key[s.name] = s.key.show(b.key[i])
		}

		if !c.spent.render(0) {
			break
		}

		list = append(list, b.renderInto(map[string]any{"key": key}, typed))
		result["after_key"] = key
	}

	result["buckets"] = list
	return result
}
