//go:build race

package app

func init() { raced = true }
