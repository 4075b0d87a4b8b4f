//go:build race

package sallyporttest_test

func init() { raced = true }
