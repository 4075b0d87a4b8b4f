package controlapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// The maximum sizes of a body in bytes.
const (
	maxBody     = 1 << 20
	maxSnapshot = 64 << 20
)

// validatingMux registers handlers that are called with requests that the contract allows.
type validatingMux struct {
	*http.ServeMux

	operations map[string]*contract.Operation
}

// HandleFunc implements the generated ServeMux.
func (m validatingMux) HandleFunc(pattern string, next func(http.ResponseWriter, *http.Request)) {
	op := m.operations[pattern]
	m.ServeMux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if validate(op, w, r) {
			next(w, r)
		}
	})
}

// validate checks a request against the contract, and reports whether it is valid. Otherwise it writes the answer.
func validate(op *contract.Operation, w http.ResponseWriter, r *http.Request) bool {
	text, valid := readBody(op, w, r)
	if !valid {
		return false
	}
	r.Body, r.ContentLength = contract.NewBody(text), int64(len(text))
	if _, err := op.Validate(r, pathParams(op, r)); err != nil {
		writeInvalid(w, err)
		return false
	}
	// The text was read strictly, so the generated code cannot understand it otherwise.
	r.Body = io.NopCloser(bytes.NewReader(text))
	return true
}

// readBody reads the body of an operation that has one.
func readBody(op *contract.Operation, w http.ResponseWriter, r *http.Request) (text []byte, valid bool) {
	if !op.TakesBody {
		return nil, true
	}
	limit := int64(maxBody)
	if op.ID == "restore-snapshot" {
		limit = maxSnapshot
	}

	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		write(w, http.StatusRequestEntityTooLarge, "the body is too large", "body")
	case err != nil:
		write(w, http.StatusBadRequest, "the body cannot be read to its end", "body")
	}
	return text, err == nil
}

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

func pathParams(op *contract.Operation, r *http.Request) map[string]string {
	params := map[string]string{}
	for _, found := range pathParam.FindAllStringSubmatch(op.Path, -1) {
		params[found[1]] = r.PathValue(found[1])
	}
	return params
}

// writeInvalid writes the answer to a request that the contract does not allow. It quotes no value of the request.
func writeInvalid(w http.ResponseWriter, err error) {
	var (
		invalid *contract.ValidationError
		twice   *strictjson.DuplicateError
	)
	switch {
	case errors.Is(err, contract.ErrCharset):
		write(w, http.StatusUnsupportedMediaType, "the body must have one content type, in UTF-8", "Content-Type")
	case errors.As(err, &twice):
		write(w, http.StatusBadRequest, "this member occurs twice", contract.Clip(twice.Path))
	case errors.As(err, &invalid) && invalid.MediaTypes != nil:
		write(w, http.StatusUnsupportedMediaType, "the body's content type must be "+strings.Join(invalid.MediaTypes, " or "),
			"Content-Type")
	case errors.As(err, &invalid) && len(invalid.Problems) > 0:
		first := invalid.Sorted()[0]
		write(w, http.StatusBadRequest, first.Text, first.Field)
	default:
		write(w, http.StatusBadRequest, "the body is not one JSON value, or is nested too deep", "body")
	}
}
