//go:build race

package logging_test

func init() { raced = true }
