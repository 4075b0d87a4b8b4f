package query

import "maps"

// bucket counts documents and collects the subaggregations over them.
type bucket struct {
	of         *aggregation
	spent      *budget
	count      int
	collectors []collector
}

// bucket opens an empty bucket and counts it in the budget.
func (a *aggregation) bucket(spent *budget) (*bucket, error) {
	if err := spent.countBucket(); err != nil {
		return nil, err
	}
	collectors, err := startAll(a.subs, spent)
	return &bucket{of: a, spent: spent, collectors: collectors}, err
}

// openBuckets opens n empty buckets.
func (a *aggregation) openBuckets(n int, spent *budget) ([]*bucket, error) {
	buckets := make([]*bucket, n)
	for i := range buckets {
		var err error
		if buckets[i], err = a.bucket(spent); err != nil {
			return nil, err
		}
	}
	return buckets, nil
}

func (b *bucket) add(r *row) error {
	b.count += r.weight()
	if err := b.spent.spendWork(1); err != nil {
		return err
	}
	return addAll(b.collectors, r)
}

// renderInto adds the bucket's count and its subaggregations to an object.
func (b *bucket) renderInto(object map[string]any, typed bool) map[string]any {
	object["doc_count"] = b.count
	if !b.spent.render(renderedObjectBytes) {
		return object
	}

	maps.Copy(object, renderAll(b.of.subs, b.collectors, b.spent, typed))

	return object
}

// startAll starts a collector for each aggregation.
func startAll(aggregations []*aggregation, spent *budget) ([]collector, error) {
	return readEach(aggregations, func(a *aggregation) (collector, error) {
		if err := spent.countBucket(); err != nil {
			return nil, err
		}
		return a.start(spent)
	})
}

// addAll adds a document to each collector and returns the first error.
func addAll(collectors []collector, r *row) error {
	for _, one := range collectors {
		if err := one.add(r); err != nil {
			return err
		}
	}
	return nil
}

// renderedObjectBytes is what one object adds to the rendered size, besides its names and values.
const renderedObjectBytes = 64

// renderAll renders aggregations by name. It stops when the budget of rendered bytes is used up.
func renderAll(aggregations []*aggregation, collectors []collector, spent *budget, typed bool) map[string]any {
	rendered := make(map[string]any, len(aggregations))
	for i, a := range aggregations {
		if !spent.render(renderedObjectBytes + len(a.name) + a.metaSize) {
			break
		}

		result := collectors[i].render(typed)
		if a.meta != nil {
			result["meta"] = a.meta
		}

		name := a.name
		if typed {
			name = a.prefix + "#" + name
		}

		rendered[name] = result
	}

	return rendered
}

// Aggregations returns the results of the aggregations by name, in the form of an Elasticsearch response, or nil if
// the request has none. If typed is true, each name is prefixed with the result type and # (query parameter
// typed_keys). It returns fault.InvalidData if the results are too large.
func (r Result) Aggregations(typed bool) (map[string]any, error) {
	if len(r.aggregations) == 0 {
		return nil, nil
	}
	r.spent.rendered = 0
	rendered := renderAll(r.aggregations, r.collectors, r.spent, typed)
	return rendered, r.spent.checkRendered()
}
