//go:build race

package httpapi_test

// The race detector makes everything many times slower.
func init() { budget, runs = 20*budget, 1 }
