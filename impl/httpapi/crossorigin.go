package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
)

// refuseOtherSites refuses what a page of another site makes a browser send. A browser that was once given a name and a
// password for this server sends them along with whatever any page sends here, and some of what changes things has no body
// that such a page could not send. Nobody is a page of another site by right: none may read an answer (there is no CORS).
// Programs, which are no browsers, send none of the headers that this looks at.
func refuseOtherSites(op operation) echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if op.public { // who needs no credentials has none that a page could use; identity providers' pages post answers
			return next
		}
		return func(c echo.Context) error {
			if err := protection.Check(c.Request()); err != nil {
				return fault.Wrap(fault.PermissionDenied, err, "a page of another site cannot do this in its visitor's name", echo.HeaderOrigin)
			}
			return next(c)
		}
	}
}

// refuseEmbedded refuses a sign-in that a page of another site begins without its visitor going anywhere, as with an image
// or a frame. Such a page could otherwise use up the sign-ins that the visitor's address may begin, and replace those that
// the visitor's browser has pending. Programs, and browsers that do not send the headers (Fetch Metadata, W3C), pass.
func refuseEmbedded(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if op.id != "saml-init" {
			return next
		}
		return func(c echo.Context) error {
			h := c.Request().Header
			site, destination := h.Get("Sec-Fetch-Site"), h.Get("Sec-Fetch-Dest")
			if destination != "" && destination != "document" && (site == "cross-site" || site == "same-site") {
				return fault.New(fault.PermissionDenied, "a page of another site can link to a sign-in, and not embed it", "Sec-Fetch-Dest")
			}
			return next(c)
		}
	}
}
