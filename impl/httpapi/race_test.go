//go:build race

package httpapi_test

import "os"

// The race detector makes everything many times slower. It is told of each kind of attack; all of them are tried without it.
func init() {
	budget, runs = 20*budget, 1
	if os.Getenv("SALLYPORT_TEST_THOROUGH") != "1" {
		everyCase = 8
	}
}
