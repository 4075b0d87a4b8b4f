package elastic

import (
	"context"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/apikey/query"
)

// keyQuery is a search for keys.
type keyQuery struct {
	query *query.Request
	// limits adds the role descriptors that limit each key, and typed the types of aggregations to their names.
	limits, typed bool
}

func (a *API) readKeyQuery(r request) (keyQuery, error) {
	parsed, err := query.Parse(r.body, a.Now())
	return keyQuery{parsed, r.flag("with_limited_by"), r.flag("typed_keys")}, err
}

func (a *API) queryKeys(ctx context.Context, caller call, q keyQuery) (gen.QueryAPIKeysResponse, error) {
	response := gen.QueryAPIKeysResponse{APIKeys: []gen.APIKeyInformation{}}
	all := caller.Privileges.AllowsCluster(caller.action)
	found, err := a.Keys.Query(ctx, caller.Subject, q.query, all, q.limits)
	if err != nil {
		return response, err
	}

	shower := keyShower{}
	response.Total, response.Count = found.Total, len(found.Page)
	for _, hit := range found.Page {
		if err := ctx.Err(); err != nil {
			return response, err
		}
		key, err := shower.show(hit.View)
		if err != nil {
			return response, err
		}
		key.SortValues = hit.Sort
		response.APIKeys = append(response.APIKeys, key)
	}

	aggregations, err := found.Aggregations(q.typed)
	if aggregations != nil {
		response.Aggregations = new(gen.FreeObject(aggregations))
	}
	return response, err
}
