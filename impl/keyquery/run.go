package keyquery

import (
	"cmp"
	"iter"
	"slices"
)

// Result is what a request found.
type Result struct {
	// Total counts all the documents that the query means, on this page or not.
	Total int
	// Hits are the documents of the page.
	Hits []Hit

	aggregations []*aggregation
	collectors   []collector
}

// Hit is a document of the page.
type Hit struct {
	Document Document
	// Sort has what the document was sorted by, fit for search_after: a value for each key, null where there is none. It is
	// nil if the request does not sort.
	Sort []any
}

// candidate is a document that may get on the page.
type candidate struct {
	document Document
	ranks    []value
}

// Run evaluates the request over documents in any order, each of which it looks at once. It keeps no more of them than
// twice what the page and those before it have. It returns fault.IllegalArgument if the query takes too much work or the
// aggregations become too large.
func (r *Request) Run(documents iter.Seq[Document]) (Result, error) {
	result := Result{aggregations: r.aggregations}
	spent := &budget{}
	var err error
	if result.collectors, err = startAll(r.aggregations, spent); err != nil {
		return Result{}, err
	}
	page := page{request: r, limit: r.from + r.size}
	tests := 0
	for document := range documents {
		at := row{Document: &document, tests: &tests}
		if r.query(&at) {
			result.Total++
			if err := addAll(result.collectors, &at); err != nil {
				return Result{}, err
			}
			page.offer(&at)
		}
		if tests > maxTests {
			return Result{}, illegal("the query is too much work: it may look at values at most [%d] times", maxTests)
		}
	}
	result.Hits = page.hits()
	return result, nil
}

// page keeps the first documents of those that it is offered.
type page struct {
	request *Request
	limit   int
	kept    []candidate
}

func (p *page) offer(r *row) {
	if p.request.size == 0 {
		return
	}
	keys := p.request.sorts
	ranks := make([]value, len(keys))
	for i := range keys {
		ranks[i] = keys[i].of(r)
	}
	if p.request.after != nil && compareKeys(keys, ranks, p.request.after) <= 0 {
		return
	}
	p.kept = append(p.kept, candidate{*r.Document, ranks})
	if len(p.kept) >= 2*p.limit {
		p.cut()
	}
}

// cut sorts what is kept, and drops what is behind the page.
func (p *page) cut() {
	slices.SortFunc(p.kept, func(a, b candidate) int {
		return cmp.Or(compareKeys(p.request.sorts, a.ranks, b.ranks), byPosition(&a.document, &b.document))
	})
	if len(p.kept) > p.limit {
		clear(p.kept[p.limit:])
		p.kept = p.kept[:p.limit]
	}
}

func (p *page) hits() []Hit {
	p.cut()
	hits := []Hit{}
	for _, c := range p.kept[min(p.request.from, len(p.kept)):] {
		hits = append(hits, Hit{Document: c.document, Sort: p.show(c.ranks)})
	}
	return hits
}

func (p *page) show(ranks []value) []any {
	if len(ranks) == 0 {
		return nil
	}
	shown := make([]any, len(ranks))
	for i, rank := range ranks {
		shown[i] = p.request.sorts[i].show(rank)
	}
	return shown
}
