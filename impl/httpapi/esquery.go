package httpapi

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/apikey/query"
)

// SecurityQueryAPIKeys implements server.StrictServerInterface.
func (h *handlers) SecurityQueryAPIKeys(ctx context.Context, r server.SecurityQueryAPIKeysRequestObject) (server.SecurityQueryAPIKeysResponseObject, error) {
	found, err := h.queryKeys(ctx, value(r.Params.WithLimitedBy), value(r.Params.TypedKeys))
	return server.SecurityQueryAPIKeys200JSONResponse{APIKeysFoundJSONResponse: found}, err
}

// SecurityQueryAPIKeysGet implements server.StrictServerInterface.
func (h *handlers) SecurityQueryAPIKeysGet(ctx context.Context, r server.SecurityQueryAPIKeysGetRequestObject) (server.SecurityQueryAPIKeysGetResponseObject, error) {
	found, err := h.queryKeys(ctx, value(r.Params.WithLimitedBy), value(r.Params.TypedKeys))
	return server.SecurityQueryAPIKeysGet200JSONResponse{APIKeysFoundJSONResponse: found}, err
}

func (h *handlers) queryKeys(ctx context.Context, limits, typed bool) (server.APIKeysFoundJSONResponse, error) {
	var response server.APIKeysFoundJSONResponse
	found, err := h.Keys.Query(ctx, subjectOf(ctx), documentOf(ctx), limits)
	if err != nil {
		return response, err
	}
	shower := newKeyShower()
	response.Total, response.Count, response.APIKeys = found.Total, len(found.Page), []server.APIKeyInformation{}
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
	aggregations, err := found.Aggregations(typed)
	if aggregations != nil {
		shown := server.FreeObject(aggregations)
		response.Aggregations = &shown
	}
	return response, err
}

// readQuery reads a query to see how it is refused. What time it is does not matter for that.
func readQuery(body any) (*query.Request, error) { return query.Parse(body, time.Time{}) }
