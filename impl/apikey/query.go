package apikey

import (
	"context"
	"iter"

	"github.com/sallyport/sallyport/impl/apikey/query"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/store"
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

// Query evaluates a parsed query over the keys that a caller may see: all, or those of the caller; an API key then sees
// itself. It returns fault.PermissionDenied.
func (s *Service) Query(ctx context.Context, caller access.Subject, q *query.Request, limits bool) (Found, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (Found, error) {
		keys, err := queried(tx, caller, limits)
		if err != nil {
			return Found{}, err
		}
		var broken error
		result, err := q.Run(ctx, documents(newViewer(tx, false), keys, &broken))
		if err == nil {
			err = broken
		}
		if err != nil {
			return Found{}, err
		}
		page, err := views(ctx, tx, result.Hits, limits)
		return Found{result.Total, page, result.Aggregations}, err
	})
}

// queried returns the keys that a caller may query. Elasticsearch narrows a query to the caller's own keys where the
// caller may see only these, and refuses nothing.
func queried(tx *store.Tx, caller access.Subject, limits bool) ([]store.APIKey, error) {
	if caller.Privileges.AllowsCluster(actionQuery) {
		return tx.Keys.All()
	}
	if caller.Method != identity.APIKey {
		if err := caller.RequireOwning(actionQuery); err != nil {
			return nil, err
		}
		return tx.Keys.OfUser(caller.User)
	}
	if limits { // a key that only sees itself does not see what limits it
		return nil, caller.Require(actionQuery)
	}
	if err := caller.RequireOwning(actionQuery); err != nil {
		return nil, err
	}
	key, err := tx.Keys.Find(caller.Key.ID)
	return []store.APIKey{key}, err
}

// documents returns keys as queries see them. It reports a key that cannot be read through broken.
func documents(read *viewer, keys []store.APIKey, broken *error) iter.Seq[query.Document] {
	return func(yield func(query.Document) bool) {
		for _, key := range keys {
			realm, err := read.realm(key.Creator)
			if err != nil {
				*broken = err
				return
			}
			document := query.Document{
				ID: key.ID, Name: key.Description, Type: "rest", UserName: key.UserName, RealmName: realm.Name,
				Creation: key.CreatedAt, Expiration: key.ExpiresAt, Invalidation: key.InvalidatedAt, Invalidated: invalidated(key),
				Metadata: func() (map[string]any, error) { return readMetadata(key.Metadata) }, MetadataSize: len(key.Metadata),
				Record: key,
			}
			if !yield(document) {
				return
			}
		}
	}
}

func views(ctx context.Context, tx *store.Tx, hits []query.Hit, limits bool) ([]Hit, error) {
	shown := newViewer(tx, limits)
	page := make([]Hit, 0, len(hits))
	for _, hit := range hits {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		key, _ := hit.Document.Record.(store.APIKey)
		view, err := shown.view(key)
		if err != nil {
			return nil, err
		}
		page = append(page, Hit{view, hit.Sort})
	}
	return page, nil
}
