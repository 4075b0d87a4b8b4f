package edge

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
)

// refuseOtherSites refuses what a page of another site makes a browser send. A browser that was once given a name and a password
// for this server sends them along with requests that any page makes, and some operations have no body that such a page could not
// send. No other site is allowed (there is no CORS). Programs other than browsers send none of the headers that this checks.
func refuseOtherSites(op *contract.Operation) echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if op.Public { // a page could use no credentials here; identity providers' pages post their answers
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
