package query

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// Limits of the aggregations of one request.
const (
	maxAggregations     = 100
	maxAggregationDepth = 10
	// maxBuckets bounds the buckets and distinct values that exist at any time.
	maxBuckets = 1 << 18
	// maxTries bounds how often documents are tested for a bucket or added to one.
	maxTries = 20_000_000
	// maxRendered bounds the size of the results in bytes. A name or value counts each time it is rendered.
	maxRendered = 16 << 20
)

// aggregation is one parsed aggregation with its subaggregations.
type aggregation struct {
	name string
	// prefix is the result type that typed_keys puts before the name.
	prefix string
	meta   map[string]any
	// metaSize is the length of meta in bytes.
	metaSize int
	subs     []*aggregation
	start    func(*budget) (collector, error)
}

// collector computes an aggregation over the documents of one bucket.
type collector interface {
	add(*row) error
	// render returns the result as Elasticsearch returns it in a response.
	render(typed bool) map[string]any
}

// budget counts the buckets, the work and the rendered bytes of all aggregations of one run.
type budget struct {
	buckets, rendered int
	tries             *work.Budget
}

func newBudget(ctx context.Context) *budget {
	return &budget{tries: work.New(ctx, maxTries,
		illegal("the aggregations are too much work: documents may be tried for buckets at most [%d] times", maxTries))}
}

// render counts bytes of the results and reports whether the limit still allows more.
func (b *budget) render(bytes int) bool {
	b.rendered += bytes
	return b.rendered <= maxRendered
}

func (b *budget) checkRendered() error {
	if b.rendered > maxRendered {
		return illegal("the results of the aggregations have more than [%d] bytes; ask for fewer buckets, or for shorter "+
			"names", maxRendered)
	}
	return nil
}

func (b *budget) countBucket() error {
	b.buckets++
	if b.buckets > maxBuckets {
		return illegal("Trying to create too many buckets. Must be less than or equal to: [%d] but was [%d]", maxBuckets,
			b.buckets)
	}
	return nil
}

func (b *budget) spendWork(n int) error { return b.tries.Spend(n) }

// sizeOf returns the length of a decoded JSON value as JSON, in bytes.
func sizeOf(value any) int {
	text, err := json.Marshal(value)
	if err != nil {
		// strictjson.Decode returns no such value.
		return maxRendered
	}
	return len(text)
}

// readAggregations compiles an object of aggregations in the order of their names. parents holds the types of the
// enclosing aggregations, outermost first.
func (c *compiler) readAggregations(given map[string]any, parents []string) ([]*aggregation, error) {
	if len(parents) >= maxAggregationDepth && len(given) > 0 {
		return nil, illegal("aggregations are nested too deep: at most [%d] levels are allowed", maxAggregationDepth)
	}

	var read []*aggregation
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if name == "" || strings.ContainsAny(name, "[]>") {
			return nil, malformed(
				"Invalid aggregation name [%s]. Aggregation names can contain any character except '[', ']', and '>'", name)
		}

		c.aggregations++
		if c.aggregations > maxAggregations {
			return nil, illegal("at most [%d] aggregations are allowed", maxAggregations)
		}

		one, err := c.aggregation(name, given[name], parents)
		if err != nil {
			return nil, err
		}

		read = append(read, one)
	}

	return read, nil
}

// aggregation compiles one named aggregation.
func (c *compiler) aggregation(name string, given any, parents []string) (*aggregation, error) {
	members, ok := given.(map[string]any)
	if !ok {
		return nil, malformed("Expected [START_OBJECT] under [%s], but got a [%s]", name, xcontent.Token(given))
	}

	a := &aggregation{name: name}
	subs, kind, err := a.members(members)
	if err != nil {
		return nil, err
	}

	reader := c.aggregationReader(kind)
	if reader == nil {
		return nil, illegal("Unsupported API Keys agg [%s] of type [%s]", name, kind)
	}
	if a.subs, err = c.readAggregations(subs, append(slices.Clone(parents), kind)); err != nil {
		return nil, err
	}

	body, _ := members[kind].(map[string]any)
	return a, reader(a, body, parents)
}

// members splits the object of an aggregation into its subaggregations, its meta object and its type.
func (a *aggregation) members(members map[string]any) (subs map[string]any, kind string, err error) {
	for _, member := range slices.Sorted(maps.Keys(members)) {
		object, isObject := members[member].(map[string]any)
		if !isObject {
			return nil, "", malformed("Expected [START_OBJECT] under [%s] of [%s], but got a [%s]", member, a.name,
				xcontent.Token(members[member]))
		}

		switch {
		case member == "meta":
			a.meta, a.metaSize = object, sizeOf(object)
		case member == "aggs" || member == "aggregations":
			if subs != nil {
				return nil, "", malformed("Found two sub aggregation definitions under [%s]", a.name)
			}
			subs = object
		case kind != "":
			return nil, "", malformed("Found two aggregation type definitions in [%s]: [%s] and [%s]", a.name, kind, member)
		default:
			kind = member
		}
	}

	if kind == "" {
		return nil, "", malformed("Missing definition for aggregation [%s]", a.name)
	}

	return subs, kind, nil
}

// aggregationReader compiles the body of an aggregation. parents holds the types of the enclosing aggregations.
type aggregationReader func(a *aggregation, body map[string]any, parents []string) error

// aggregationReader returns the reader of an aggregation type, or nil if the type is not supported.
func (c *compiler) aggregationReader(kind string) aggregationReader {
	switch kind {
	case "terms":
		return c.termsAggregation
	case "range", "date_range":
		return c.rangeAggregation(kind)
	case "missing":
		return c.missingAggregation
	case "cardinality", "value_count":
		return c.metricAggregation(kind)
	case "composite":
		return c.compositeAggregation
	case "filter":
		return c.filterAggregation
	case "filters":
		return c.filtersAggregation
	}

	return nil
}
