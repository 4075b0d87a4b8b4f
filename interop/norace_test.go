//go:build !race

package interop

// raceDetector tells whether the tests run with the race detector; the server under test is built alike.
const raceDetector = false
