//go:build race

package main

// raceDetector reports whether the tests run with the race detector; the program under test is built the same way.
const raceDetector = true
