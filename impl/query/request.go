package query

import (
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// maxWindow bounds from + size.
const maxWindow = 10_000

// Request is a parsed and validated request. It can be run any number of times, also concurrently.
type Request struct {
	query query
	// used are the names of the fields that the query and the sort use, aggregated those of the aggregations.
	used, aggregated map[string]bool

	from, size   int
	sorts        []sortKey
	after        []value
	aggregations []*aggregation
}

// body holds the members of a request before they are compiled.
type body struct {
	subject                   Subject
	query, aggs, aggregations map[string]any
	sort, after               any
	from, size                int
}

// Parse compiles a request decoded by strictjson.Decode; nil is a request without a body, which asks for the first
// ten documents. Dates are relative to now.
//
// It returns a *fault.Error: fault.FieldInvalid for a malformed request, fault.RequestInvalid for a negative
// from or size, and fault.InvalidData for a request that is not allowed or exceeds a limit.
func (s Subject) Parse(given any, now time.Time) (*Request, error) {
	const defaultSize = 10
	b := body{subject: s, size: defaultSize}
	if given != nil {
		if err := b.read(given); err != nil {
			return nil, err
		}
	}

	if err := b.validate(); err != nil {
		return nil, err
	}

	c := &compiler{subject: s, dates: dateReader{now: now}}
	return b.compile(c)
}

func (b *body) read(given any) error {
	members := options{
		"query":        xcontent.Object(&b.query),
		"sort":         nonNull(&b.sort),
		"search_after": nonNull(&b.after),
		"from":         int32Option(&b.from),
		"size":         int32Option(&b.size),
	}
	if b.subject.aggregates {
		members["aggs"] = xcontent.Object(&b.aggs)
		members["aggregations"] = xcontent.Object(&b.aggregations)
	}
	return xcontent.Parser{Name: b.subject.parser, Fields: members}.Read(given)
}

// validate checks the page: all negative parameters are reported together.
func (b *body) validate() error {
	text, n := "", 0
	for _, page := range []struct {
		name  string
		given int
	}{{"from", b.from}, {"size", b.size}} {
		if page.given < 0 {
			n++
			text += fmt.Sprintf("%d: [%s] parameter cannot be negative but was [%d];", n, page.name, page.given)
		}
	}

	if n > 0 {
		return fault.New(fault.RequestInvalid, "Validation Failed: "+text)
	}
	if b.from > maxWindow || b.from+b.size > maxWindow {
		return illegal("Result window is too large, from + size must be less than or equal to: [%d] but was [%d]", maxWindow,
			b.from+b.size)
	}

	return nil
}

// compile compiles the members of the request.
func (b *body) compile(c *compiler) (*Request, error) {
	r := &Request{from: b.from, size: b.size, query: allOf(nil), used: map[string]bool{},
		aggregated: map[string]bool{}}
	c.used = r.used
	var err error
	if b.query != nil {
		if r.query, err = c.query(b.query); err != nil {
			return nil, b.wrapMemberError("query", err)
		}
	}

	if b.sort != nil {
		if r.sorts, err = c.sorts(b.sort); err != nil {
			return nil, b.wrapMemberError("sort", err)
		}
	}

	if b.after != nil {
		if r.after, err = readAfter(b.after, r.sorts, b.from); err != nil {
			return nil, b.wrapMemberError("search_after", err)
		}
	}

	c.used = r.aggregated
	name, aggs := "aggs", b.aggs
	if b.aggregations != nil {
		name, aggs = "aggregations", b.aggregations
	}
	if b.aggs != nil && b.aggregations != nil {
		return nil, b.wrapMemberError(name, malformed("[aggs] and [aggregations] are the same parameter: give only one"))
	}
	if r.aggregations, err = c.readAggregations(aggs, nil); err != nil {
		return nil, b.wrapMemberError(name, err)
	}

	return r, nil
}

// wrapMemberError attributes a parse error to the member in which it occurred. Illegal arguments are returned
// unwrapped, as Elasticsearch does.
func (b *body) wrapMemberError(member string, err error) error {
	var inner *fault.Error
	if !errors.As(err, &inner) {
		return err
	}

	for inner.CausedBy != nil {
		inner = inner.CausedBy
	}

	if inner.Code == fault.InvalidData {
		return inner
	}

	return xcontent.Within(b.subject.parser, member, err)
}

// readAfter reads search_after: the sort values of the last document of the previous page.
func readAfter(given any, keys []sortKey, from int) ([]value, error) {
	elements, ok := given.([]any)
	if !ok {
		return nil, malformed("Expected [START_ARRAY] in [search_after] but found [%s]", xcontent.Token(given))
	}

	switch {
	case len(elements) == 0:
		return nil, illegal("Values must contains at least one value.")
	case len(keys) == 0:
		return nil, illegal("Sort must contain at least one field.")
	case from > 0:
		return nil, illegal("`from` parameter must be set to 0 when `search_after` is used.")
	case len(elements) != len(keys):
		return nil, illegal("search_after has %d value(s) but sort has %d.", len(elements), len(keys))
	}

	after := make([]value, 0, len(keys))
	for i, element := range elements {
		switch element.(type) {
		case []any, map[string]any:
			return nil, malformed(
				"Expected [VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or [VALUE_NULL] but found [%s] inside "+
					"search_after.", xcontent.Token(element))
		}

		v, err := keys[i].read(element)
		if err != nil {
			return nil, err
		}

		after = append(after, v)
	}

	return after, nil
}
