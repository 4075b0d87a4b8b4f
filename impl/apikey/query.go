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

// Query evaluates a parsed query over the keys that a caller may see: all, or its own; an API key owns only itself. The
// caller is authorized.
func (s *Service) Query(ctx context.Context, caller access.Subject, q *query.Request, all, limits bool) (Found, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (Found, error) {
		keys, err := queried(tx, caller, all)
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

// queried returns the keys that a query is evaluated over.
func queried(tx *store.Tx, caller access.Subject, all bool) ([]store.APIKey, error) {
	switch {
	case all:
		return tx.Keys.All()
	case caller.Method != identity.APIKey:
		return tx.Keys.OfUser(caller.User)
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
