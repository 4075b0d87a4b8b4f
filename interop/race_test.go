//go:build race

package interop

// raceDetector reports whether the tests run with the race detector; the server under test is built the same way.
const raceDetector = true
