//go:build race

package http_test

import "os"

// The race detector makes everything many times slower, and finds in the hundredth case of a kind what it found in the
// first. In make test all cases run without it, except that there are 100 sequences and not 1,000; in make thorough all
// run with it.
func init() {
	budget, runs, quick = 20*budget, 1, 5*quick
	if os.Getenv("SALLYPORT_TEST_THOROUGH") != "1" {
		everyCase, massKeys, elevationRounds, sequences, everyCell = 8, 2_000, 100, "100", false
	}
}
