//go:build unix

package main

import (
	"math"
	"syscall"
)

// descriptorLimit returns the number of files that this process may have open at once. Go's runtime has raised the soft
// limit to the hard one.
func descriptorLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(limit.Cur)
}
