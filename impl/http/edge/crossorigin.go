package edge

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
)

// refuseOtherSites refuses requests that a page of another site makes a browser send. A browser that has stored a name
// and a password for this server adds them to requests of any page, and some operations need no body that such a page
// could not send. No other site is allowed (there is no CORS). Programs other than browsers do not send the headers
// that it checks.
func refuseOtherSites(op *contract.Operation) echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	// Public operations take no credentials that a page could abuse, and identity providers' pages post their
	// answers.
	if op.Public {
		return skip
	}
	return Before(func(c echo.Context) error {
		if err := protection.Check(c.Request()); err != nil {
			message := "a page of another site cannot do this in its visitor's name"
			return fault.Wrap(fault.PermissionDenied, err, message, echo.HeaderOrigin)
		}
		return nil
	})
}
