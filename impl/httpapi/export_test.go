package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// NewUnvalidated is New without validation, for benchmarks to show what validation costs.
func NewUnvalidated(d Deps) (http.Handler, error) {
	return newEcho(d, func(operation) echo.MiddlewareFunc {
		return func(next echo.HandlerFunc) echo.HandlerFunc { return next }
	})
}
