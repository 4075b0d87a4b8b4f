package keyquery

import (
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/xcontent"
)

// parserName is what messages call the reader of the body.
const parserName = "query_api_key_request_payload"

// maxWindow is how far into the result a page may reach.
const maxWindow = 10_000

// Request is a query that was read and checked. It can be run any number of times, also at the same time.
type Request struct {
	query        query
	from, size   int
	sorts        []sortKey
	after        []value
	aggregations []*aggregation
}

// body has the members of a request as they were given.
type body struct {
	query, aggs, aggregations map[string]any
	sort, after               any
	from, size                int
}

// Parse reads a request from what strictjson.Decode returned; nil is a request without a body, which asks for the first
// ten documents. Dates are relative to now.
//
// It returns a *fault.Error: fault.XContentParseFailed for what has not the form of a request, fault.RequestInvalid for a
// negative page, and fault.IllegalArgument for what may not be asked.
func Parse(given any, now time.Time) (*Request, error) {
	const defaultSize = 10
	b := body{size: defaultSize}
	if given != nil {
		if err := b.read(given); err != nil {
			return nil, err
		}
	}
	if err := b.validate(); err != nil {
		return nil, err
	}
	c := &compiler{dates: dateReader{now: now}}
	return b.compile(c)
}

func (b *body) read(given any) error {
	return xcontent.Parser{Name: parserName, Fields: options{
		"query": xcontent.Object(&b.query), "sort": something(&b.sort), "search_after": something(&b.after),
		"from": whole(&b.from), "size": whole(&b.size),
		"aggs": xcontent.Object(&b.aggs), "aggregations": xcontent.Object(&b.aggregations),
	}}.Read(given)
}

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
		return illegal("Result window is too large, from + size must be less than or equal to: [%d] but was [%d]", maxWindow, b.from+b.size)
	}
	return nil
}

func (b *body) compile(c *compiler) (*Request, error) {
	r := &Request{from: b.from, size: b.size, query: func(*row) bool { return true }}
	var err error
	if b.query != nil {
		if r.query, err = c.query(b.query); err != nil {
			return nil, placed("query", err)
		}
	}
	if b.sort != nil {
		if r.sorts, err = c.sorts(b.sort); err != nil {
			return nil, placed("sort", err)
		}
	}
	if b.after != nil {
		if r.after, err = readAfter(b.after, r.sorts, b.from); err != nil {
			return nil, placed("search_after", err)
		}
	}
	name, aggs := "aggs", b.aggs
	if b.aggregations != nil {
		name, aggs = "aggregations", b.aggregations
	}
	if b.aggs != nil && b.aggregations != nil {
		return nil, placed(name, malformed("[aggs] and [aggregations] are the same, and only one can be given"))
	}
	if r.aggregations, err = c.aggregationsIn(aggs, nil); err != nil {
		return nil, placed(name, err)
	}
	return r, nil
}

// placed words a failure inside of a member: one of form is the member's, but one of sense stands for itself.
func placed(member string, err error) error {
	var inner *fault.Error
	if !errors.As(err, &inner) {
		return err
	}
	for inner.CausedBy != nil {
		inner = inner.CausedBy
	}
	if inner.Code == fault.IllegalArgument {
		return inner
	}
	return xcontent.Within(parserName, member, err)
}

// readAfter reads the values that the last document of a page was sorted by.
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
			return nil, malformed("Expected [VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or [VALUE_NULL] but found [%s] inside search_after.", xcontent.Token(element))
		}
		v, err := keys[i].read(element)
		if err != nil {
			return nil, err
		}
		after = append(after, v)
	}
	return after, nil
}
