package ece

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/authn/session"
)

// GetSigningKeys implements the generated interface.
func (a *API) GetSigningKeys(
	context.Context, server.GetSigningKeysRequestObject,
) (server.GetSigningKeysResponseObject, error) {
	return keySet{a.Auth.KeySet()}, nil
}

// keySet is the generated response with a body that is encoded already, and a 304 without one.
type keySet struct{ *session.KeySet }

// keySetCaching is the Cache-Control of the public keys, which are no secret.
var keySetCaching = fmt.Sprintf("public, max-age=%.0f", session.KeySetMaxAge.Seconds())

// VisitGetSigningKeysResponse implements server.GetSigningKeysResponseObject.
func (k keySet) VisitGetSigningKeysResponse(w http.ResponseWriter) error {
	k.describe(w.Header())
	w.Header()[echo.HeaderContentType] = jsonType
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(k.Document)
	return err
}

func (k keySet) describe(h http.Header) {
	h.Set(echo.HeaderCacheControl, keySetCaching)
	h.Set("ETag", k.ETag)
}

// sendKeySet answers a request for the public keys, which the caller may have already.
func sendKeySet(c echo.Context, k keySet) error {
	if !matchesTag(c.Request().Header.Values("If-None-Match"), k.ETag) {
		return k.VisitGetSigningKeysResponse(c.Response())
	}
	k.describe(c.Response().Header())
	c.Response().WriteHeader(http.StatusNotModified)
	return nil
}

// matchesTag reports whether an entity tag is among those of If-None-Match, which compares weakly (RFC 9110 section
// 13.1.2).
func matchesTag(fields []string, tag string) bool {
	for _, field := range fields {
		for each := range strings.SplitSeq(field, ",") {
			each = strings.TrimSpace(each)
			if each == "*" || strings.TrimPrefix(each, "W/") == tag {
				return true
			}
		}
	}
	return false
}
