package query

import (
	"cmp"
	"math"
	"slices"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// maxRanges bounds the ranges of one aggregation.
const maxRanges = 1_000

// span is one range, from its start up to but not including its end.
type span struct {
	key string
	// from and to are milliseconds; nil is open.
	from, to *int64
}

// holds reports whether the range contains a date.
func (s span) holds(at int64) bool {
	return (s.from == nil || *s.from <= at) && (s.to == nil || at < *s.to)
}

// ranges is a range or date_range aggregation.
type ranges struct {
	from  source
	spans []span
	keyed bool
}

// rangeAggregation compiles a range or date_range aggregation. Both work on dates only: no field is a number.
func (c *compiler) rangeAggregation(kind string) aggregationReader {
	return func(a *aggregation, body map[string]any, _ []string) error {
		var given any
		s := &ranges{}
		var err error
		members := options{"ranges": rawValue(&given), "keyed": xcontent.Boolean(&s.keyed)}
		if s.from, err = c.source(a, kind, body, members); err != nil {
			return err
		}
		if s.from.field.kind != date {
			return illegal("Field [%s] of type [%s] is not supported for aggregation [%s]", s.from.field.name,
				s.from.field.kind, kind)
		}

		elements, _ := given.([]any)
		if len(elements) == 0 || len(elements) > maxRanges {
			return illegal("[ranges] of [%s] must be an array of 1 to %d ranges", a.name, maxRanges)
		}

		for _, element := range elements {
			if err := s.read(a, kind, element); err != nil {
				return err
			}
		}

		slices.SortStableFunc(s.spans, compareSpans)
		a.prefix = kind
		a.start = func(spent *budget) (collector, error) { return s.start(a, spent) }
		return nil
	}
}

// compareSpans sorts ranges by start, then by end, open ends outermost.
func compareSpans(a, b span) int {
	edge := func(p *int64, open int64) int64 {
		if p == nil {
			return open
		}
		return *p
	}

	return cmp.Or(cmp.Compare(edge(a.from, math.MinInt64), edge(b.from, math.MinInt64)),
		cmp.Compare(edge(a.to, math.MaxInt64), edge(b.to, math.MaxInt64)))
}

// read compiles one range.
func (s *ranges) read(a *aggregation, kind string, given any) error {
	members, ok := given.(map[string]any)
	if !ok {
		return malformed("[%s] a range must be an object, but was %s", kind, xcontent.Token(given))
	}

	var one span
	var from, to any
	err := a.read(kind, members, options{"key": xcontent.Text(&one.key), "from": rawValue(&from), "to": rawValue(&to)})
	if err != nil {
		return err
	}
	if one.from, err = s.readBound(from); err != nil {
		return err
	}
	if one.to, err = s.readBound(to); err != nil {
		return err
	}
	if one.key == "" {
		one.key = s.name(one.from) + "-" + s.name(one.to)
	}

	s.spans = append(s.spans, one)
	return nil
}

// readBound reads a bound; null is open.
func (s *ranges) readBound(given any) (*int64, error) {
	if given == nil {
		return nil, nil
	}
	at, err := s.from.dates.read(given, false)
	return &at, err
}

// name returns a bound as it appears in the default key of a range.
func (s *ranges) name(edge *int64) string {
	if edge == nil {
		return "*"
	}
	return s.from.text(value{number: *edge})
}

// start opens a bucket per range.
func (s *ranges) start(a *aggregation, spent *budget) (collector, error) {
	opened, err := a.openBuckets(len(s.spans), spent)
	return &rangesCollector{ranges: s, spent: spent, buckets: opened}, err
}

// rangesCollector holds the buckets in the order of the ranges.
type rangesCollector struct {
	*ranges
	spent   *budget
	buckets []*bucket
}

func (c *rangesCollector) add(r *row) error {
	if err := c.spent.spendWork(len(c.spans)); err != nil {
		return err
	}

	for v := range c.from.values(r) {
		for i, s := range c.spans {
			if !s.holds(v.number) {
				continue
			}
			if err := c.buckets[i].add(r); err != nil {
				return err
			}
		}
	}

	return nil
}

func (c *rangesCollector) render(typed bool) map[string]any {
	byKey, list := map[string]any{}, []any{}
	for i, s := range c.spans {
		if !c.spent.render(len(s.key)) {
			break
		}

		object := map[string]any{}
		if s.from != nil {
			object["from"], object["from_as_string"] = *s.from, c.name(s.from)
		}
		if s.to != nil {
			object["to"], object["to_as_string"] = *s.to, c.name(s.to)
		}

		byKey[s.key] = c.buckets[i].renderInto(object, typed)
		if !c.keyed {
			object["key"] = s.key
		}

		list = append(list, object)
	}

	if c.keyed {
		return map[string]any{"buckets": byKey}
	}

	return map[string]any{"buckets": list}
}
