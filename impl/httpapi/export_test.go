package httpapi

import "net/http"

// NewUnvalidated is New without validation, for benchmarks to show what validation costs.
func NewUnvalidated(d Deps) (http.Handler, error) { return newEcho(d, false) }
