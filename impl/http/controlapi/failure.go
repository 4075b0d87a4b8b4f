package controlapi

import (
	"encoding/json"
	"errors"
	"net/http"

	generated "github.com/sallyport/sallyport/gen/control"
)

// refusal is the error of a request that cannot be fulfilled.
type refusal struct {
	status      int
	text, field string
}

// Error implements error.
func (r *refusal) Error() string { return r.field + ": " + r.text }

func invalid(field, text string) error { return &refusal{http.StatusBadRequest, text, field} }

// writeFailure writes the answer for an error of a handler. The reason of an internal error is only logged.
func (h *handlers) writeFailure(w http.ResponseWriter, r *http.Request, err error) {
	if refused, ok := errors.AsType[*refusal](err); ok {
		write(w, refused.status, refused.text, refused.field)
		return
	}
	h.Log.ErrorContext(r.Context(), "control operation failed", "method", r.Method, "path", r.URL.Path, "error", err)
	write(w, http.StatusInternalServerError, "the operation failed; the log has the reason", "")
}

// refuseBody refuses a body that does not fit the generated type, such as malformed base64. It does not quote it.
func refuseBody(w http.ResponseWriter, _ *http.Request, _ error) {
	write(w, http.StatusBadRequest, "a time must be as in RFC 3339, and bytes in base64", "body")
}

func refuseParameter(w http.ResponseWriter, _ *http.Request, _ error) {
	write(w, http.StatusBadRequest, "a parameter is not as the contract says", "path")
}

func refuseOperation(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusNotFound, "there is no such operation; api/control.yaml lists them", "path")
}

// write writes an error.
func write(w http.ResponseWriter, status int, text, field string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(generated.Error{Error: text, Field: given(field)}) // it fails only if the client is gone
}
