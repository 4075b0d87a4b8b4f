//go:build !unix

package main

import "math"

// descriptorLimit returns math.MaxInt32: the system has no limit that connections reach.
func descriptorLimit() int { return math.MaxInt32 }
