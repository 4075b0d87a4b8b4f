package query

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// Result is the outcome of a run.
type Result struct {
	// Total counts all matching documents, on the page or not.
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
	// Sort holds the values by which the document was sorted, one per key, as search_after accepts them; null is a
	// missing value. It is nil if the request does not sort.
	Sort []any
}

// candidate is a document that may belong to the page.
type candidate struct {
	document Document
	ranks    []value
}

// Run evaluates the request over documents in any order and reads each once. It holds at most twice as many documents
// as the page and those before it have. It returns errors of reading metadata, fault.InvalidData if the query
// takes too much work or the aggregations become too large, and the context's error once that is done.
func (r *Request) Run(ctx context.Context, documents iter.Seq[Document]) (Result, error) {
	spent := newBudget(ctx)
	result := Result{aggregations: r.aggregations, spent: spent}
	queryWork := newWork(ctx)
	var err error
	if result.collectors, err = startAll(r.aggregations, spent); err != nil {
		return Result{}, err
	}

	page := page{request: r, limit: r.from + r.size}
	for document := range documents {
		at := row{Document: &document, work: queryWork}
		at.spend(1)
		if r.query.test(&at) {
			result.Total += at.weight()
			if err := addAll(result.collectors, &at); err != nil {
				return Result{}, err
			}
			page.offer(&at)
		}

		if err := cmp.Or(queryWork.Err(), at.failed); err != nil {
			return Result{}, err
		}
	}

	result.Hits = page.hits()
	return result, nil
}

func newWork(ctx context.Context) *work.Budget {
	return work.New(ctx, maxWork,
		illegal("the query is too much work: at most [%d] values and characters are compared", maxWork))
}

// page keeps the first documents, in sort order, of those that it is offered.
type page struct {
	request *Request
	limit   int
	kept    []candidate
}

// offer adds a document unless it is at or before search_after.
func (p *page) offer(r *row) {
	if p.request.size == 0 {
		return
	}

	ranks := p.ranks(r)
	if p.request.after != nil && compareKeys(p.request.sorts, ranks, p.request.after) <= 0 {
		return
	}

	kept := *r.Document
	// Metadata would keep the document's text in memory.
	kept.Metadata = nil
	p.kept = append(p.kept, candidate{kept, ranks})
	if len(p.kept) >= 2*p.limit {
		p.cut()
	}
}

// ranks returns the values by which a document is sorted.
func (p *page) ranks(r *row) []value {
	ranks := make([]value, len(p.request.sorts))
	for i := range ranks {
		ranks[i] = p.request.sorts[i].of(r)
	}
	return ranks
}

// cut sorts the kept documents and drops those behind the page.
func (p *page) cut() {
	slices.SortFunc(p.kept, func(a, b candidate) int {
		return cmp.Or(compareKeys(p.request.sorts, a.ranks, b.ranks), compareCreation(&a.document, &b.document))
	})

	if len(p.kept) > p.limit {
		clear(p.kept[p.limit:])
		p.kept = p.kept[:p.limit]
	}
}

// hits returns the documents of the page in order.
func (p *page) hits() []Hit {
	p.cut()
	hits := []Hit{}
	for _, c := range p.kept[min(p.request.from, len(p.kept)):] {
		hits = append(hits, Hit{Document: c.document, Sort: p.show(c.ranks)})
	}
	return hits
}

// show returns the sort values of a hit.
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
