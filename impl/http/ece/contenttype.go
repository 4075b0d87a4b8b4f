package ece

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// isJSONByCurl reports whether a body is meant as JSON and has the content type that curl sends by default, as in the
// examples of ECE's documentation. It is false for requests of browsers. They send this type to other sites without a
// preflight (CORS, Fetch Standard), so any page could otherwise make its visitors send JSON, also to public operations.
// A form begins with neither of the two characters, which its encoding escapes. Whether the body is valid JSON is
// checked later, so that the refusal names the position.
func isJSONByCurl(h http.Header, body []byte) bool {
	if !slices.Equal(h.Values(echo.HeaderContentType), []string{echo.MIMEApplicationForm}) || isFromBrowser(h) {
		return false
	}
	text := bytes.TrimLeft(body, " \t\r\n") // the white space of RFC 8259
	return len(text) > 0 && (text[0] == '{' || text[0] == '"')
}

// isFromBrowser reports whether a request has a header that only browsers send: Origin, or one of Fetch Metadata (W3C).
func isFromBrowser(h http.Header) bool {
	for name := range h {
		if name == echo.HeaderOrigin || strings.HasPrefix(name, "Sec-Fetch-") {
			return true
		}
	}
	return false
}
