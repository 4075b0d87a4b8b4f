package httpapi

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/fault"
)

const errorCodesHeader = "X-Cloud-Error-Codes"

// challenges are the ways to authenticate (RFC 9110, section 11.6.1).
var challenges = []string{`Basic realm="sallyport", charset="UTF-8"`, "ApiKey", "Bearer"}

// failureOfECE answers a failure as ECE does.
func failureOfECE(c echo.Context, f *fault.Error) (status int, body any) {
	status = statuses[f.Code.Kind]
	h := c.Response().Header()
	h.Set(errorCodesHeader, f.Code.Name)
	if status == http.StatusUnauthorized {
		h[echo.HeaderWWWAuthenticate] = challenges
	}
	if f.Link != "" {
		h.Set("Link", fmt.Sprintf(`<%s>; rel="https://github.com/sallyport/sallyport#second-factors-and-elevation"`, f.Link))
	}
	element := server.BasicFailedReplyElement{Code: f.Code.Name, Message: f.Message}
	if len(f.Fields) > 0 {
		element.Fields = &f.Fields
	}
	return status, server.BasicFailedReply{Errors: []server.BasicFailedReplyElement{element}}
}
