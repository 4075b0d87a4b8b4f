//go:build race

package http_test

// The race detector makes everything many times slower. It sees some cases of each kind of attack; all cases run
// without it.
func init() {
	budget, runs = 20*budget, 1
	everyCase = 8
}
