package query

import (
	"math"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// bounds are the bounds of a range query; a nil bound is open.
type bounds struct{ gt, gte, lt, lte any }

// rangeQuery compiles a range query on any field.
func (c *compiler) rangeQuery(body map[string]any) (query, error) {
	var b bounds
	var relation any
	var format, zone string
	f, err := c.readFieldQuery("range", body, "", options{
		"gt":        rawValue(&b.gt),
		"gte":       rawValue(&b.gte),
		"lt":        rawValue(&b.lt),
		"lte":       rawValue(&b.lte),
		"format":    xcontent.Text(&format),
		"time_zone": xcontent.Text(&zone),
		"relation":  rawValue(&relation),
	})
	if err != nil {
		return query{}, err
	}
	if relation != nil {
		return query{}, illegal("range query with relation is not currently supported in this context")
	}
	if b.gt != nil && b.gte != nil || b.lt != nil && b.lte != nil {
		return query{}, illegal("a range has at most one lower and one upper bound, but [%s] has more", f.name)
	}

	dates, err := c.dates.with(format, zone)
	if err != nil {
		return query{}, err
	}
	if f.kind == date {
		return dateRange(f, b, dates)
	}

	return plainRange(f, b, dates)
}

// dateRange compiles a range of dates. A bound of lower precision excludes or includes its whole period: gt a day
// begins after the end of that day.
func dateRange(f field, b bounds, dates dateReader) (query, error) {
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	for _, bound := range []struct {
		given any
		last  bool
		shift int64
		to    *int64
	}{{b.gt, true, 1, &low}, {b.gte, false, 0, &low}, {b.lt, false, -1, &high}, {b.lte, true, 0, &high}} {
		if bound.given == nil {
			continue
		}

		at, err := dates.read(bound.given, bound.last)
		if err != nil {
			return query{}, err
		}

		*bound.to = at + bound.shift
	}

	q := f.anyValue(func(v value) bool { return low <= v.number && v.number <= high })
	return f.decideDates(q, low, high), nil
}

// plainRange compiles a range of texts, compared byte by byte, or of booleans, where false sorts before true.
func plainRange(f field, b bounds, dates dateReader) (query, error) {
	var tests []func(value) bool
	var limits []limit
	for _, bound := range []struct {
		given    any
		operator condition.Operator
		holds    func(order int) bool
	}{
		{b.gt, condition.Greater, func(order int) bool { return order > 0 }},
		{b.gte, condition.GreaterOrEqual, func(order int) bool { return order >= 0 }},
		{b.lt, condition.Less, func(order int) bool { return order < 0 }},
		{b.lte, condition.LessOrEqual, func(order int) bool { return order <= 0 }},
	} {
		if bound.given == nil {
			continue
		}

		end, err := f.read(bound.given, dates)
		if err != nil {
			return query{}, err
		}

		tests = append(tests, func(v value) bool { return bound.holds(compareValues(v, end)) })
		limits = append(limits, limit{bound.operator, end.text})
	}

	q := f.anyValue(func(v value) bool {
		for _, test := range tests {
			if !test(v) {
				return false
			}
		}
		return true
	})
	return f.decideRange(q, limits), nil
}
