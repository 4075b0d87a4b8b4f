package apikey

import (
	"context"
	"iter"
	"log/slog"

	"github.com/sallyport/sallyport/impl/query"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// search is the evaluation of one query.
type search struct {
	ctx     context.Context //nolint:containedctx // a search lives as long as one call of Query
	tx      *store.Tx
	request *query.Request
	plan    query.Plan
	log     *slog.Logger
	// broken is the first error of the store in a scan, and read the number of rows.
	broken error
	read   int
}

// indexed lets the database select, count and sort. Only the keys of the page are read, and what the aggregations use.
func (s *search) indexed(limits bool) (Found, error) {
	total, err := s.tx.Keys.Count(s.plan.Where, 0)
	if err != nil {
		return Found{}, err
	}
	ids, err := s.page(total)
	if err != nil {
		return Found{}, err
	}
	page, documents, err := s.show(ids, limits)
	if err != nil {
		return Found{}, err
	}
	for i, hit := range s.request.Hits(s.ctx, documents) {
		page[i].Sort = hit.Sort
	}

	result, err := s.aggregate()
	return Found{total, page, result.Aggregations}, err
}

// page returns the ids of the page in order.
func (s *search) page(total int) ([]string, error) {
	if s.plan.Size == 0 {
		return nil, nil
	}
	var ids []string
	for _, segment := range s.plan.Segments {
		missing := s.plan.From + s.plan.Size - len(ids)
		if missing == 0 {
			break
		}
		where := condition.And(s.plan.Where, segment.Where)
		more, err := s.tx.Keys.IDs(where, segment.Order, missing, total)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	return ids[min(s.plan.From, len(ids)):], nil
}

// show reads the keys of the page.
func (s *search) show(ids []string, limits bool) ([]Hit, []query.Document, error) {
	keys, err := s.tx.Keys.InOrder(ids)
	if err != nil {
		return nil, nil, err
	}
	shown := newViewer(s.tx, limits)
	hits, documents := make([]Hit, 0, len(keys)), make([]query.Document, 0, len(keys))
	for _, key := range keys {
		if err := s.ctx.Err(); err != nil {
			return nil, nil, err
		}
		view, err := shown.view(key)
		if err != nil {
			return nil, nil, err
		}
		hits = append(hits, Hit{View: view})
		documents = append(documents, document(&store.KeyRow{
			ID: key.ID, Name: key.Description, UserName: key.UserName, Realm: view.Realm.Name, Type: key.Type,
			Creation: key.CreatedAt, Expiration: key.ExpiresAt, Invalidation: key.InvalidatedAt, Count: 1,
		}))
	}
	return hits, documents, nil
}

// aggregate evaluates the aggregations over all matching keys, or over groups of them.
func (s *search) aggregate() (query.Result, error) {
	if !s.plan.Aggregates {
		return query.Result{}, nil
	}
	var rows iter.Seq2[*store.KeyRow, error]
	if s.plan.Grouped {
		rows = s.tx.Keys.Groups(s.plan.Where, s.plan.Aggregate)
	} else {
		rows = s.tx.Keys.Scan(s.plan.Where, s.plan.Aggregate, nil)
	}
	return s.over(rows, s.request.Aggregate)
}

// scanned reads all keys that may match.
func (s *search) scanned(limits bool) (Found, error) {
	rows := s.tx.Keys.Scan(s.plan.Where, s.plan.Run, nil)
	result, err := s.over(rows, s.request.Run)
	if err != nil {
		return Found{}, err
	}
	ids := make([]string, len(result.Hits))
	for i, hit := range result.Hits {
		ids[i] = hit.Document.ID
	}
	page, _, err := s.show(ids, limits)
	if err != nil {
		return Found{}, err
	}
	for i := range page {
		page[i].Sort = result.Hits[i].Sort
	}
	return Found{result.Total, page, result.Aggregations}, nil
}

// loggedScan is the number of rows from which on a scan is logged.
const loggedScan = 10_000

// over runs a part of the request over rows.
func (s *search) over(
	rows iter.Seq2[*store.KeyRow, error],
	run func(context.Context, iter.Seq[query.Document]) (query.Result, error),
) (query.Result, error) {
	result, err := run(s.ctx, s.documents(rows))
	if s.read >= loggedScan {
		s.log.InfoContext(s.ctx, "API key query reads many rows", "rows", s.read, "matched", result.Total,
			"indexed", s.plan.Decided, "aggregations", s.plan.Aggregates)
	}
	if err == nil {
		err = s.broken
	}
	return result, err
}

// documents returns rows as queries see them.
func (s *search) documents(rows iter.Seq2[*store.KeyRow, error]) iter.Seq[query.Document] {
	return func(yield func(query.Document) bool) {
		for row, err := range rows {
			if err != nil {
				s.broken = err
				return
			}
			s.read++
			if !yield(document(row)) {
				return
			}
		}
	}
}

func document(row *store.KeyRow) query.Document {
	d := query.Document{
		ID: row.ID, Name: row.Name, Type: row.Type, UserName: row.UserName, RealmName: row.Realm,
		Creation: row.Creation, Expiration: row.Expiration, Invalidation: row.Invalidation,
		Invalidated: !row.Invalidation.IsZero(), Count: row.Count,
	}
	if text := row.Metadata; text != "" {
		d.Metadata, d.MetadataSize = func() (map[string]any, error) { return readMetadata(text) }, len(text)
	}
	return d
}
