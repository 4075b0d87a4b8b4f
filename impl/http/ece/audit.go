package ece

import (
	"context"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/http/convert"
)

// defaultAuditEntries is the number of entries of a page without the parameter limit.
const defaultAuditEntries = 100

// GetAuditEntries implements the generated interface.
func (a *API) GetAuditEntries(
	ctx context.Context, r server.GetAuditEntriesRequestObject,
) (server.GetAuditEntriesResponseObject, error) {
	q := audit.Query{
		Actor:   convert.Value(r.Params.Actor),
		Subject: convert.Value(r.Params.Subject),
		Event:   audit.Event(convert.Value(r.Params.Event)),
		Since:   convert.Value(r.Params.Since),
		Until:   convert.Value(r.Params.Until),
		Cursor:  convert.Value(r.Params.Cursor),
		Limit:   defaultAuditEntries,
	}
	if r.Params.Limit != nil {
		q.Limit = *r.Params.Limit
	}

	page, err := a.Trail.Read(ctx, q)
	return server.GetAuditEntries200JSONResponse{Body: server.AuditEntries{
		Entries:    convert.Each(page.Entries, showAuditEntry),
		NextCursor: convert.Text(page.Next),
	}}, err
}

func showAuditEntry(e audit.Entry) server.AuditEntry {
	return server.AuditEntry{
		ID:        e.ID,
		At:        e.At,
		Event:     e.Event,
		Actor:     e.Actor,
		Subject:   e.Subject,
		Address:   e.Address,
		RequestID: e.RequestID,
		Details:   e.Details,
	}
}
