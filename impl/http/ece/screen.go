package ece

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/edge"
)

// Screen implements edge.Family. It returns the checks of SAML's operations that precede all others.
func (a *API) Screen(op *contract.Operation) []echo.MiddlewareFunc {
	if !strings.HasPrefix(op.ID, "saml-") {
		return nil
	}

	checks := []echo.MiddlewareFunc{refuseRepeated(op)}
	switch op.ID {
	case "saml-init":
		checks = append(checks, edge.Before(refuseEmbedded))
	case "saml-single-logout":
		checks = append(checks, edge.Before(keepQuery))
	}

	return checks
}

// refuseEmbedded refuses a sign-in that a page of another site begins without its visitor going anywhere, as with an
// image or a frame. Otherwise such a page could exhaust the sign-ins that the visitor's address may begin, and replace
// the pending sign-ins of the visitor's browser. Requests without the headers (Fetch Metadata, W3C) pass: those of
// programs and of older browsers.
func refuseEmbedded(c echo.Context) error {
	h := c.Request().Header
	site, destination := h.Get("Sec-Fetch-Site"), h.Get("Sec-Fetch-Dest")
	if destination != "" && destination != "document" && (site == "cross-site" || site == "same-site") {
		message := "a page of another site can link to a sign-in, and not embed it"
		return fault.New(fault.PermissionDenied, message, "Sec-Fetch-Dest")
	}
	return nil
}

type rawQueryKey struct{}

// keepQuery keeps the query string as it was sent, because the signature covers those bytes.
func keepQuery(c echo.Context) error {
	r := c.Request()
	c.SetRequest(r.WithContext(context.WithValue(r.Context(), rawQueryKey{}, r.URL.RawQuery)))
	return nil
}

func rawQueryOf(ctx context.Context) string {
	query, _ := ctx.Value(rawQueryKey{}).(string)
	return query
}

// refuseRepeated refuses a parameter that occurs twice in the query string, and a form field in the query string: all
// readers of a message must see the same value. refuseRepeatedFields does the same for forms.
func refuseRepeated(op *contract.Operation) echo.MiddlewareFunc {
	return edge.Before(func(c echo.Context) error {
		query, err := url.ParseQuery(c.Request().URL.RawQuery)
		if err != nil {
			return fault.New(fault.InvalidData, "the query string is not URL-encoded", "query")
		}
		return checkRepeated(query, op)
	})
}

func checkRepeated(query url.Values, op *contract.Operation) error {
	for _, name := range slices.Sorted(maps.Keys(op.Query)) {
		if len(query[name]) > 1 {
			return fault.New(fault.InvalidData, name+": this parameter occurs twice", name)
		}
	}

	for _, name := range op.FormFields {
		if query.Has(name) {
			return fault.New(fault.InvalidData, name+": this belongs into the form, not into the query string", name)
		}
	}

	if query.Has("SAMLRequest") && query.Has("SAMLResponse") {
		return fault.New(fault.InvalidData, "SAMLResponse: this does not go together with SAMLRequest", "SAMLResponse")
	}

	return nil
}

// refuseRepeatedFields refuses a form with a field that occurs twice. The form has been parsed.
func refuseRepeatedFields(r *http.Request) error {
	var repeated []string
	for name, values := range r.PostForm {
		if len(values) > 1 {
			repeated = append(repeated, contract.Clip(name))
		}
	}

	if repeated == nil {
		return nil
	}

	first := slices.Min(repeated)
	return fault.New(fault.InvalidData, first+": this field occurs twice", first)
}
