package keyquery

import (
	"math"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// bounds are those of a range query; nil ones are open.
type bounds struct{ gt, gte, lt, lte any }

func (c *compiler) rangeQuery(body map[string]any) (query, error) {
	var b bounds
	var relation any
	var format, zone string
	f, err := leaf("range", body, "", options{
		"gt": anything(&b.gt), "gte": anything(&b.gte), "lt": anything(&b.lt), "lte": anything(&b.lte),
		"format": xcontent.Text(&format), "time_zone": xcontent.Text(&zone), "relation": anything(&relation),
	})
	if err != nil {
		return nil, err
	}
	if relation != nil {
		return nil, illegal("range query with relation is not currently supported in this context")
	}
	if b.gt != nil && b.gte != nil || b.lt != nil && b.lte != nil {
		return nil, illegal("a range has one lower and one upper bound at most, but [%s] has more", f.name)
	}
	dates, err := c.dates.with(format, zone)
	if err != nil {
		return nil, err
	}
	if f.kind == date {
		return dateRange(f, b, dates)
	}
	return plainRange(f, b, dates)
}

// dateRange rounds each bound away from what it leaves out: after a day is after its end.
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
			return nil, err
		}
		*bound.to = at + bound.shift
	}
	return f.having(func(v value) bool { return low <= v.number && v.number <= high }), nil
}

// plainRange compares texts byte by byte, and booleans with false before true.
func plainRange(f field, b bounds, dates dateReader) (query, error) {
	var tests []func(value) bool
	for _, bound := range []struct {
		given any
		holds func(order int) bool
	}{
		{b.gt, func(order int) bool { return order > 0 }}, {b.gte, func(order int) bool { return order >= 0 }},
		{b.lt, func(order int) bool { return order < 0 }}, {b.lte, func(order int) bool { return order <= 0 }},
	} {
		if bound.given == nil {
			continue
		}
		limit, err := f.read(bound.given, dates)
		if err != nil {
			return nil, err
		}
		tests = append(tests, func(v value) bool { return bound.holds(compareValues(v, limit)) })
	}
	return f.having(func(v value) bool {
		for _, test := range tests {
			if !test(v) {
				return false
			}
		}
		return true
	}), nil
}
