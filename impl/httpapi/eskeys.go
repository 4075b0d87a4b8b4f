package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
)

// SecurityBulkUpdateAPIKeys implements server.StrictServerInterface.
func (h *handlers) SecurityBulkUpdateAPIKeys(ctx context.Context, r server.SecurityBulkUpdateAPIKeysRequestObject) (server.SecurityBulkUpdateAPIKeysResponseObject, error) {
	b, err := readBulkUpdate(documentOf(ctx))
	if err != nil {
		return nil, err
	}
	outcome, err := h.Keys.BulkUpdate(ctx, subjectOf(ctx), b.ids, b.update, value(r.Params.DryRun))
	if err != nil {
		return nil, err
	}
	response := server.APIKeysUpdatedJSONResponse{Updated: outcome.Updated, Noops: outcome.Noops}
	if len(outcome.Failed) > 0 {
		details := make(server.BulkUpdateErrorDetails, len(outcome.Failed))
		for id, f := range outcome.Failed {
			details[id] = server.ElasticsearchErrorCause{Type: typeOf(f.Code), Reason: f.Message}
		}
		response.Errors = &server.BulkUpdateErrors{Count: len(details), Details: details}
	}
	return server.SecurityBulkUpdateAPIKeys200JSONResponse{APIKeysUpdatedJSONResponse: response}, nil
}

// SecurityUpdateAPIKey implements server.StrictServerInterface.
func (h *handlers) SecurityUpdateAPIKey(ctx context.Context, r server.SecurityUpdateAPIKeyRequestObject) (server.SecurityUpdateAPIKeyResponseObject, error) {
	update, err := readOneUpdate(documentOf(ctx))
	if err != nil {
		return nil, err
	}
	updated, err := h.Keys.Update(ctx, subjectOf(ctx), r.ID, update)
	return server.SecurityUpdateAPIKey200JSONResponse{APIKeyUpdatedJSONResponse: server.APIKeyUpdatedJSONResponse{Updated: updated}}, err
}

// SecurityCreateAPIKey implements server.StrictServerInterface.
func (h *handlers) SecurityCreateAPIKey(ctx context.Context, _ server.SecurityCreateAPIKeyRequestObject) (server.SecurityCreateAPIKeyResponseObject, error) {
	created, err := h.createKey(ctx)
	return server.SecurityCreateAPIKey200JSONResponse{SecurityAPIKeyCreatedJSONResponse: created}, err
}

// SecurityCreateAPIKeyPut implements server.StrictServerInterface.
func (h *handlers) SecurityCreateAPIKeyPut(ctx context.Context, _ server.SecurityCreateAPIKeyPutRequestObject) (server.SecurityCreateAPIKeyPutResponseObject, error) {
	created, err := h.createKey(ctx)
	return server.SecurityCreateAPIKeyPut200JSONResponse{SecurityAPIKeyCreatedJSONResponse: created}, err
}

func (h *handlers) createKey(ctx context.Context) (server.SecurityAPIKeyCreatedJSONResponse, error) {
	creation, err := readNewKey(documentOf(ctx))
	if err != nil {
		return server.SecurityAPIKeyCreatedJSONResponse{}, err
	}
	return showCreated(h.Keys.Create(ctx, subjectOf(ctx), creation))
}

func showCreated(key apikey.Key, c apikey.Credential, err error) (server.SecurityAPIKeyCreatedJSONResponse, error) {
	return server.SecurityAPIKeyCreatedJSONResponse{
		ID: key.ID, Name: key.Description, Expiration: instant(key.ExpiresAt), APIKey: c.Secret, Encoded: c.Encoded(),
	}, err
}

// SecurityGetAPIKeys implements server.StrictServerInterface.
func (h *handlers) SecurityGetAPIKeys(ctx context.Context, r server.SecurityGetAPIKeysRequestObject) (server.SecurityGetAPIKeysResponseObject, error) {
	filter := apikey.Filter{
		ID: value(r.Params.ID), Name: value(r.Params.Name), UserName: value(r.Params.Username), RealmName: value(r.Params.RealmName),
		Owned: value(r.Params.Owner), Active: value(r.Params.ActiveOnly),
	}
	views, err := h.Keys.Find(ctx, subjectOf(ctx), filter, value(r.Params.WithLimitedBy))
	if err != nil {
		return nil, err
	}
	keys, err := showKeys(ctx, views)
	if err != nil {
		return nil, err
	}
	if filter.ID != "" && len(keys) == 0 {
		return server.SecurityGetAPIKeys404JSONResponse{NoSelectedAPIKeysJSONResponse: server.NoSelectedAPIKeysJSONResponse{APIKeys: keys}}, nil
	}
	return server.SecurityGetAPIKeys200JSONResponse{SelectedAPIKeysJSONResponse: server.SelectedAPIKeysJSONResponse{APIKeys: keys}}, nil
}

// SecurityInvalidateAPIKeys implements server.StrictServerInterface.
func (h *handlers) SecurityInvalidateAPIKeys(ctx context.Context, _ server.SecurityInvalidateAPIKeysRequestObject) (server.SecurityInvalidateAPIKeysResponseObject, error) {
	selection, err := readInvalidation(documentOf(ctx))
	if err != nil {
		return nil, err
	}
	ended, err := h.Keys.Invalidate(ctx, subjectOf(ctx), selection)
	return invalidatedKeys{ended}, err
}

// invalidatedKeys is the answer to an invalidation. What is invalidated is so whatever becomes of the answer, so a long list
// is sent in parts of idsPerPart ids: it needs no share of the byte budget, and no work slot while the client reads.
type invalidatedKeys struct{ ids []string }

const idsPerPart = 5000

// VisitSecurityInvalidateAPIKeysResponse implements server.SecurityInvalidateAPIKeysResponseObject.
func (k invalidatedKeys) VisitSecurityInvalidateAPIKeysResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)

	before := `{"invalidated_api_keys":[`
	for part := range slices.Chunk(k.ids, idsPerPart) {
		list, err := json.Marshal(part)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", before, list[1:len(list)-1]); err != nil {
			return err
		}
		if flusher, ok := w.(http.Flusher); ok && len(k.ids) > idsPerPart {
			flusher.Flush()
		}
		before = ","
	}
	if len(k.ids) > 0 {
		before = ""
	}
	_, err := io.WriteString(w, before+`],"previously_invalidated_api_keys":[],"error_count":0}`+"\n")
	return err
}

// keyShower shows each set of descriptors once, however many keys share it.
type keyShower struct {
	shown map[string]server.RoleDescriptorsInformation
}

func newKeyShower() keyShower { return keyShower{map[string]server.RoleDescriptorsInformation{}} }

func showKeys(ctx context.Context, views []apikey.View) ([]server.APIKeyInformation, error) {
	shower := newKeyShower()
	keys := make([]server.APIKeyInformation, 0, len(views))
	for _, view := range views {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		key, err := shower.show(view)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (s keyShower) show(v apikey.View) (server.APIKeyInformation, error) {
	key := server.APIKeyInformation{
		ID: v.ID, Name: v.Description, Type: server.APIKeyTypeRest, Creation: v.CreatedAt.UnixMilli(), Expiration: instant(v.ExpiresAt),
		Invalidated: !v.InvalidatedAt.IsZero(), Invalidation: instant(v.InvalidatedAt), Username: v.UserName,
		Realm: v.Realm.Name, RealmType: v.Realm.Type, LastUsed: instant(v.LastUsedAt),
	}

	// Decoded as a whole, metadata would take many times its size.
	var err error
	if key.Metadata, err = showMetadata(v.Metadata); err != nil {
		return key, err
	}
	if key.RoleDescriptors, err = s.descriptors(v.AssignedID, v.Assigned); err != nil || v.LimitedBy == nil {
		return key, err
	}
	limit, err := s.descriptors(v.LimitedByID, v.LimitedBy)
	key.LimitedBy = &[]server.RoleDescriptorsInformation{limit}
	return key, err
}

func (s keyShower) descriptors(id string, set roledescriptor.Set) (server.RoleDescriptorsInformation, error) {
	if shown, known := s.shown[id]; known {
		return shown, nil
	}
	shown, err := showDescriptors(set)
	s.shown[id] = shown
	return shown, err
}

// instant is a time in milliseconds since 1970, or nil for one that never was.
func instant(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	millis := t.UnixMilli()
	return &millis
}
