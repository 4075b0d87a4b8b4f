package keyquery

// bucket is a set of documents, with the aggregations inside of it.
type bucket struct {
	of         *aggregation
	spent      *budget
	count      int
	collectors []collector
}

func (a *aggregation) bucket(spent *budget) (*bucket, error) {
	if err := spent.takeBucket(); err != nil {
		return nil, err
	}
	collectors, err := startAll(a.subs, spent)
	return &bucket{of: a, spent: spent, collectors: collectors}, err
}

func (b *bucket) add(r *row) error {
	b.count++
	if err := b.spent.takeWork(1); err != nil {
		return err
	}
	return addAll(b.collectors, r)
}

// into adds the bucket's count, and its aggregations, to an object.
func (b *bucket) into(object map[string]any, typed bool) map[string]any {
	object["doc_count"] = b.count
	if !b.spent.render(renderedObject) {
		return object
	}
	for name, sub := range renderAll(b.of.subs, b.collectors, b.spent, typed) {
		object[name] = sub
	}
	return object
}

func startAll(aggregations []*aggregation, spent *budget) ([]collector, error) {
	if len(aggregations) == 0 {
		return nil, nil
	}
	collectors := make([]collector, 0, len(aggregations))
	for _, a := range aggregations {
		if err := spent.takeBucket(); err != nil {
			return nil, err
		}
		started, err := a.start(spent)
		if err != nil {
			return nil, err
		}
		collectors = append(collectors, started)
	}
	return collectors, nil
}

func addAll(collectors []collector, r *row) error {
	for _, one := range collectors {
		if err := one.add(r); err != nil {
			return err
		}
	}
	return nil
}

// renderedObject is what the results count for an object, beside the names and the values in it.
const renderedObject = 64

func renderAll(aggregations []*aggregation, collectors []collector, spent *budget, typed bool) map[string]any {
	rendered := make(map[string]any, len(aggregations))
	for i, a := range aggregations {
		if !spent.render(renderedObject + len(a.name) + a.metaSize) {
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

// Aggregations returns the results of the aggregations by their names, in the form of Elasticsearch's answers, or nil if
// the request has none. If typed is true, their types and # are put before all the names (query parameter typed_keys). It
// returns fault.IllegalArgument if the results are too large.
func (r Result) Aggregations(typed bool) (map[string]any, error) {
	if len(r.aggregations) == 0 {
		return nil, nil
	}
	r.spent.rendered = 0
	rendered := renderAll(r.aggregations, r.collectors, r.spent, typed)
	return rendered, r.spent.checkRendered()
}
