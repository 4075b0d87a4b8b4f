package keyquery

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/sallyport/sallyport/impl/overload/work"
)

// Result is what a request found.
type Result struct {
	// Total counts all the documents that the query means, on this page or not.
	Total int
	// Hits are the documents of the page, without their metadata.
	Hits []Hit

	aggregations []*aggregation
	collectors   []collector
	spent        *budget
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
// twice what the page and those before it have. It returns an error of reading metadata, fault.IllegalArgument if the query takes too much work or the
// aggregations become too large, and the context's error once that is done.
func (r *Request) Run(ctx context.Context, documents iter.Seq[Document]) (Result, error) {
	spent := newBudget(ctx)
	result := Result{aggregations: r.aggregations, spent: spent}
	looks := work.New(ctx, maxWork, illegal("the query is too much work: at most [%d] values and characters are compared", maxWork))
	var err error
	if result.collectors, err = startAll(r.aggregations, spent); err != nil {
		return Result{}, err
	}
	page := page{request: r, limit: r.from + r.size}
	for document := range documents {
		at := row{Document: &document, work: looks}
		at.spend(1)
		if r.query(&at) {
			result.Total++
			if err := addAll(result.collectors, &at); err != nil {
				return Result{}, err
			}
			page.offer(&at)
		}
		if err := cmp.Or(looks.Err(), at.failed); err != nil {
			return Result{}, err
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
	kept := *r.Document
	kept.Metadata = nil // it was looked at
	p.kept = append(p.kept, candidate{kept, ranks})
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
