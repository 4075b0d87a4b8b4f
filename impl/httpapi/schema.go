package httpapi

import (
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// Everything is validated by the two functions of this file, because kin-openapi writes the whole value into the error of
// each alternative that does not fit, at each level of the document, unless it is told not to: the cost is the square of the
// depth, and the text may hold a password.
var plainErrors = openapi3.DisableSchemaErrorDetails()

// A handler must see what was sent (no defaults filled in, above all in a patch) and what was validated (not a second
// reading of it). Of a body of the usual size all errors are reported, of a larger one the first, because a megabyte can be
// wrong in a hundred thousand ways.
var (
	brief = openapi3filter.Options{
		SkipSettingDefaults:     true,
		KeepValidatedValue:      true,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{plainErrors},
	}
	thorough = openapi3filter.Options{
		SkipSettingDefaults:     true,
		KeepValidatedValue:      true,
		MultiError:              true,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{plainErrors},
	}
)

const maxThorough = 16 << 10

// checkRequest validates a request's parameters and body against the operation's part of the contract.
func checkRequest(op operation, r *http.Request, params map[string]string) error {
	options := &brief
	if r.ContentLength >= 0 && r.ContentLength <= maxThorough {
		options = &thorough
	}
	return openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request:    r,
		PathParams: params,
		Route:      op.validated,
		Options:    options,
	})
}

// checkValue validates a value that a request brought against a schema.
func checkValue(schema *openapi3.Schema, value any) error {
	return schema.VisitJSON(value, openapi3.VisitAsRequest(), plainErrors)
}
