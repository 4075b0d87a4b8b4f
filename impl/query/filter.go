package query

import (
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// filterAggregation compiles a filter aggregation: one bucket of the documents that match a query.
func (c *compiler) filterAggregation(a *aggregation, body map[string]any, _ []string) error {
	before := c.clauses
	q, err := c.query(body)
	a.single("filter", q, c.clauses-before)
	return err
}

// missingAggregation compiles a missing aggregation: one bucket of the documents without a value.
func (c *compiler) missingAggregation(a *aggregation, body map[string]any, _ []string) error {
	from, err := c.source(a, "missing", body, nil)
	a.single("missing", query{test: func(r *row) bool { return !from.has(r) }}, 1)
	return err
}

// single makes the aggregation a single bucket of the documents that match a query. clauses is the cost of testing a
// document.
func (a *aggregation) single(kind string, q query, clauses int) {
	a.prefix = kind
	a.start = func(spent *budget) (collector, error) {
		b, err := a.bucket(spent)
		return &single{bucket: b, query: q, clauses: clauses}, err
	}
}

// single collects the one bucket of a filter or missing aggregation.
type single struct {
	*bucket
	query   query
	clauses int
}

func (s *single) add(r *row) error {
	if err := s.spent.spendWork(s.clauses); err != nil || !s.query.test(r) {
		return err
	}
	return s.bucket.add(r)
}

func (s *single) render(typed bool) map[string]any { return s.renderInto(map[string]any{}, typed) }

func (s *single) number() int { return s.count }

// filters is a filters aggregation: a bucket per query, and optionally one for documents that match none of them.
type filters struct {
	// names are the names of the queries, nil if they are anonymous.
	names   []string
	queries []query
	clauses int
	// keyed renders the buckets of named queries as an object instead of an array.
	keyed    bool
	other    bool
	otherKey string
}

// filtersAggregation compiles a filters aggregation.
func (c *compiler) filtersAggregation(a *aggregation, body map[string]any, _ []string) error {
	f := &filters{keyed: true}
	var given any
	err := a.read("filters", body, options{
		"filters":          rawValue(&given),
		"other_bucket":     xcontent.Boolean(&f.other),
		"other_bucket_key": xcontent.Text(&f.otherKey),
		"keyed":            xcontent.Boolean(&f.keyed),
	})
	if err != nil {
		return err
	}

	if f.otherKey == "" {
		f.otherKey = "_other_"
	} else if _, given := body["other_bucket"]; !given {
		f.other = true
	}

	before := c.clauses
	if err := f.read(c, a.name, given); err != nil {
		return err
	}

	f.clauses = c.clauses - before
	a.prefix = "filters"
	a.start = func(spent *budget) (collector, error) { return f.start(a, spent) }
	return nil
}

// read compiles the object or array of queries.
func (f *filters) read(c *compiler, name string, given any) error {
	var bodies []any
	switch given := given.(type) {
	case map[string]any:
		f.names = slices.Sorted(maps.Keys(given))
		for _, one := range f.names {
			bodies = append(bodies, given[one])
		}
	case []any:
		bodies, f.keyed = given, false
	default:
		return malformed("[filters] of [%s] must be an object or an array, but was %s", name, xcontent.Token(given))
	}

	if len(bodies) == 0 {
		return illegal("[filters] cannot be empty.")
	}

	var err error
	f.queries, err = readEach(bodies, c.query)
	return err
}

// start opens the buckets.
func (f *filters) start(a *aggregation, spent *budget) (collector, error) {
	buckets := len(f.queries)
	if f.other {
		buckets++
	}

	opened, err := a.openBuckets(buckets, spent)
	return &filtersCollector{filters: f, spent: spent, buckets: opened}, err
}

// filtersCollector holds the buckets in the order of the queries, with the other bucket last.
type filtersCollector struct {
	*filters
	spent   *budget
	buckets []*bucket
}

func (f *filtersCollector) add(r *row) error {
	if err := f.spent.spendWork(f.clauses); err != nil {
		return err
	}

	found := false
	for i, q := range f.queries {
		if !q.test(r) {
			continue
		}

		found = true
		if err := f.buckets[i].add(r); err != nil {
			return err
		}
	}

	if found || !f.other {
		return nil
	}

	return f.buckets[len(f.queries)].add(r)
}

func (f *filtersCollector) render(typed bool) map[string]any {
	byName, list := map[string]any{}, []any{}
	for i, b := range f.buckets {
		name := f.otherKey
		if i < len(f.names) {
			name = f.names[i]
		}
		if !f.spent.render(len(name)) {
			break
		}

		rendered := b.renderInto(map[string]any{}, typed)
		byName[name] = rendered
		if f.names != nil && !f.keyed {
			rendered["key"] = name
		}

		list = append(list, rendered)
	}

	if f.keyed {
		return map[string]any{"buckets": byName}
	}

	return map[string]any{"buckets": list}
}
