//go:build !unix

package main

import "math"

// descriptorLimit returns math.MaxInt32: there is no limit that a connection could meet.
func descriptorLimit() int { return math.MaxInt32 }
