package apikey

import (
	"context"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/query"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// Found is the result of a query.
type Found struct {
	// Total is the number of matching keys, on this page or not.
	Total int
	// Page holds the keys of the page.
	Page []Hit
	// Aggregations returns the results of the aggregations, with their types before their names if typed, or the error
	// of query.Result.Aggregations.
	Aggregations func(typed bool) (map[string]any, error)
}

// Hit is a key of the page with its sort values, nil if the page is not sorted.
type Hit struct {
	View
	Sort []any
}

// Query evaluates a parsed query over the keys that a caller may see: all, or its own; an API key owns only itself. The
// caller is authorized.
func (s *Service) Query(ctx context.Context, caller access.Subject, q *query.Request, all, limits bool) (Found, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (Found, error) {
		plan := q.Plan()
		plan.Where = condition.And(visible(caller, all), plan.Where)
		search := &search{ctx: ctx, tx: tx, request: q, plan: plan, log: s.log}
		if plan.Decided && plan.Segments != nil {
			return search.indexed(limits)
		}
		return search.scanned(limits)
	})
}

// AuthorizeQuery returns fault.PermissionDenied unless the caller may query keys by an action on all keys, or on its
// own. Elasticsearch narrows a query to the keys that the caller may see; only a key that asks for its own limits is
// refused.
func AuthorizeQuery(caller access.Subject, action string, limits bool) error {
	if caller.Privileges.AllowsCluster(action) {
		return nil
	}
	if caller.Method == identity.APIKey && limits {
		return caller.Require(action)
	}
	return caller.RequireOwning(action)
}

// visible selects the keys that a query is evaluated over.
func visible(caller access.Subject, all bool) condition.Condition {
	switch {
	case all:
		return condition.Condition{}
	case caller.Method != identity.APIKey:
		return ownedBy(caller.User)
	}
	return condition.Compare(condition.ID, condition.Equal, caller.Key.ID)
}
