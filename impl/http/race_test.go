//go:build race

package http_test

import "os"

// The race detector makes everything many times slower. It sees some cases of each kind of attack; all cases run without it.
func init() {
	budget, runs, quick = 20*budget, 1, 5*quick
	if os.Getenv("SALLYPORT_TEST_THOROUGH") != "1" {
		everyCase = 8
	}
}
