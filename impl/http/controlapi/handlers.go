package controlapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	generated "github.com/sallyport/sallyport/gen/control"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/control"
	"github.com/sallyport/sallyport/impl/seed"
)

// handlers converts requests to calls of the server under control. What changes the server goes on if the client
// disconnects, so that it is done as a whole.
type handlers struct{ Config }

var _ generated.StrictServerInterface = (*handlers)(nil)

// latest is the maximum time of the clock: a time.Duration, about 292 years, reaches it from today.
var latest = time.Date(2200, time.January, 1, 0, 0, 0, 0, time.UTC)

// GetClock implements the generated interface.
func (h *handlers) GetClock(
	context.Context, generated.GetClockRequestObject,
) (generated.GetClockResponseObject, error) {
	return generated.GetClock200JSONResponse{ClockJSONResponse: h.clock()}, nil
}

func (h *handlers) clock() generated.ClockJSONResponse {
	return generated.ClockJSONResponse{Now: h.Server.Clock.Now().UTC(), Frozen: h.Server.Clock.Frozen()}
}

// AdvanceClock implements the generated interface.
func (h *handlers) AdvanceClock(
	_ context.Context, r generated.AdvanceClockRequestObject,
) (generated.AdvanceClockResponseObject, error) {
	by := seconds(r.Body.Seconds)
	if h.Server.Clock.Now().Add(by).After(latest) {
		return nil, invalid("seconds", "the clock can be advanced to the year 2200")
	}
	h.Server.Clock.Advance(by)
	return generated.AdvanceClock200JSONResponse{ClockJSONResponse: h.clock()}, nil
}

// FreezeClock implements the generated interface.
func (h *handlers) FreezeClock(
	context.Context, generated.FreezeClockRequestObject,
) (generated.FreezeClockResponseObject, error) {
	h.Server.Clock.Freeze()
	return generated.FreezeClock200JSONResponse{ClockJSONResponse: h.clock()}, nil
}

// ListFaults implements the generated interface.
func (h *handlers) ListFaults(
	context.Context, generated.ListFaultsRequestObject,
) (generated.ListFaultsResponseObject, error) {
	answer := generated.ListFaults200JSONResponse{Faults: []generated.Fault{}}
	for _, f := range h.Server.Faults.List() {
		answer.Faults = append(answer.Faults, generated.Fault{
			ID:                given(f.ID),
			Operation:         f.Operation,
			Status:            given(f.Status),
			RetryAfterSeconds: given(int(f.RetryAfter / time.Second)),
			Drop:              given(f.Drop),
			Truncate:          given(f.Truncate),
			DelaySeconds:      given(f.Delay.Seconds()),
			Handled:           given(f.Handled),
			Times:             given(f.Times),
			Probability:       given(f.Probability),
			Seed:              given(int64(f.Seed)), //nolint:gosec // a Go test may choose a larger one, which is only shown
		})
	}
	return answer, nil
}

// PutFault implements the generated interface.
func (h *handlers) PutFault(
	_ context.Context, r generated.PutFaultRequestObject,
) (generated.PutFaultResponseObject, error) {
	err := h.Server.Faults.Add(control.Fault{
		ID:          r.FaultID,
		Operation:   r.Body.Operation,
		Status:      value(r.Body.Status),
		RetryAfter:  time.Duration(value(r.Body.RetryAfterSeconds)) * time.Second,
		Drop:        value(r.Body.Drop),
		Truncate:    value(r.Body.Truncate),
		Delay:       seconds(value(r.Body.DelaySeconds)),
		Handled:     value(r.Body.Handled),
		Times:       value(r.Body.Times),
		Probability: value(r.Body.Probability),
		Seed:        uint64(value(r.Body.Seed)), //nolint:gosec // the contract requires that it is not negative
	})
	switch {
	case errors.Is(err, control.ErrUnknownOperation):
		return nil, invalid("operation", err.Error())
	case err != nil:
		return nil, invalid("body", err.Error())
	}
	return generated.PutFault204Response{}, nil
}

// DeleteFault implements the generated interface.
func (h *handlers) DeleteFault(
	_ context.Context, r generated.DeleteFaultRequestObject,
) (generated.DeleteFaultResponseObject, error) {
	if !h.Server.Faults.Remove(r.FaultID) {
		return nil, &refusal{http.StatusNotFound, "there is no fault with this id, or it has ended", "fault_id"}
	}
	return generated.DeleteFault204Response{}, nil
}

// DeleteFaults implements the generated interface.
func (h *handlers) DeleteFaults(
	context.Context, generated.DeleteFaultsRequestObject,
) (generated.DeleteFaultsResponseObject, error) {
	h.Server.Faults.Clear()
	return generated.DeleteFaults204Response{}, nil
}

// ApplySeed implements the generated interface.
func (h *handlers) ApplySeed(
	ctx context.Context, r generated.ApplySeedRequestObject,
) (generated.ApplySeedResponseObject, error) {
	// It is encoded again, because YAML does not have all escapes of JSON, and with lines, which errors name.
	text, err := json.MarshalIndent(r.Body, "", "  ")
	if err != nil {
		return nil, err
	}
	data, err := seed.Read(text)
	if err != nil {
		return nil, invalid("body", err.Error())
	}

	err = h.Server.Do(func(a *app.App) error { return data.Apply(context.WithoutCancel(ctx), a) })
	if _, refused := errors.AsType[*fault.Error](err); refused {
		return nil, invalid("body", err.Error())
	}
	return generated.ApplySeed204Response{}, err
}

// Reset implements the generated interface.
func (h *handlers) Reset(ctx context.Context, _ generated.ResetRequestObject) (generated.ResetResponseObject, error) {
	return generated.Reset204Response{}, h.Server.Reset(context.WithoutCancel(ctx))
}

// GetSnapshot implements the generated interface.
func (h *handlers) GetSnapshot(
	ctx context.Context, _ generated.GetSnapshotRequestObject,
) (generated.GetSnapshotResponseObject, error) {
	s, err := h.Server.Snapshot(ctx)
	answer := generated.GetSnapshot200JSONResponse{
		Time:             s.Time.UTC(),
		KeyEncryptionKey: s.KeyEncryptionKey,
		Records:          s.Records,
	}
	if s.Draws != nil {
		answer.Draws = &s.Draws
	}
	return answer, err
}

// RestoreSnapshot implements the generated interface.
func (h *handlers) RestoreSnapshot(
	ctx context.Context, r generated.RestoreSnapshotRequestObject,
) (generated.RestoreSnapshotResponseObject, error) {
	if r.Body.Time.After(latest) {
		return nil, invalid("time", "the time can be up to the year 2200")
	}
	err := h.Server.Restore(context.WithoutCancel(ctx), control.Snapshot{
		Time:             r.Body.Time,
		KeyEncryptionKey: r.Body.KeyEncryptionKey,
		Records:          r.Body.Records,
		Draws:            value(r.Body.Draws),
	})
	if err != nil {
		h.Log.WarnContext(ctx, "snapshot refused", "error", err)
		return nil, invalid("body", "this is not a snapshot of a server of this version; the log has the reason")
	}
	return generated.RestoreSnapshot204Response{}, nil
}

// ListRequests implements the generated interface.
func (h *handlers) ListRequests(
	context.Context, generated.ListRequestsRequestObject,
) (generated.ListRequestsResponseObject, error) {
	answer := generated.ListRequests200JSONResponse{Requests: []generated.Request{}}
	for _, r := range h.Server.Journal.Requests() {
		answer.Requests = append(answer.Requests, generated.Request{
			Time:      r.Time.UTC(),
			Operation: given(r.Operation),
			Method:    r.Method,
			Path:      r.Path,
			Query:     generated.Values(r.Query),
			Header:    generated.Values(r.Header),
			Body:      given(r.Body),
			Status:    given(r.Status),
			Fault:     r.Fault,
		})
	}
	return answer, nil
}

// seconds returns a duration. The contract bounds the number.
func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// given returns a pointer to a value, or nil for the zero value.
func given[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// value returns what a pointer points to, or the zero value for nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
