package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
)

// refuseRepeated refuses a parameter of SAML's operations that occurs twice in the query string, and one in the query string
// that belongs into the form: two readers of one message must not be able to take different ones. Twice in a form is for
// refuseRepeatedFields.
func refuseRepeated(op operation) echo.MiddlewareFunc {
	declared, fields := parametersOf(op), formFields(op)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if !strings.HasPrefix(op.id, "saml-") {
			return next
		}
		return func(c echo.Context) error {
			query, err := url.ParseQuery(c.Request().URL.RawQuery)
			if err != nil {
				return fault.New(fault.InvalidData, "the query string is not URL-encoded", "query")
			}
			if err := checkRepeated(query, declared, fields); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// checkRepeated is refuseRepeated for a query string, with the operation's parameters and the fields of its form.
func checkRepeated(query url.Values, declared, fields []string) error {
	for _, name := range declared {
		if len(query[name]) > 1 {
			return fault.New(fault.InvalidData, name+": this parameter occurs twice", name)
		}
	}
	for _, name := range fields {
		if query.Has(name) {
			return fault.New(fault.InvalidData, name+": this belongs into the form, not into the query string", name)
		}
	}
	if query.Has("SAMLRequest") && query.Has("SAMLResponse") {
		return fault.New(fault.InvalidData, "SAMLResponse: this does not go together with SAMLRequest", "SAMLResponse")
	}
	return nil
}

// parametersOf returns the names of an operation's parameters in the query string.
func parametersOf(op operation) []string {
	var names []string
	for _, p := range op.validated.Operation.Parameters {
		if p.Value.In == "query" {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

// formFields returns the names of the fields of an operation's form, if it takes one.
func formFields(op operation) []string {
	if op.body == nil {
		return nil
	}
	form := op.body.Content.Get(echo.MIMEApplicationForm)
	if form == nil {
		return nil
	}
	var names []string
	for name := range form.Schema.Value.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// refuseRepeatedFields refuses a form with a field that occurs twice. The form has been parsed.
func refuseRepeatedFields(r *http.Request) error {
	var repeated []string
	for name, values := range r.PostForm {
		if len(values) > 1 {
			repeated = append(repeated, clip(name))
		}
	}
	if repeated == nil {
		return nil
	}
	first := slices.Min(repeated)
	return fault.New(fault.InvalidData, first+": this field occurs twice", first)
}
