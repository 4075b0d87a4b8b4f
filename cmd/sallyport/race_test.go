//go:build race

package main

// raceDetector tells whether the tests run with the race detector; the program under test is built alike.
const raceDetector = true
