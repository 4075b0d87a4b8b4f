//go:build race

package schemacheck_test

func init() { raced = true }
