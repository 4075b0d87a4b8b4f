//go:build tools

// Package tools keeps the generator a direct requirement, so that updates to it are offered; go.mod's tool directive is
// what runs it (go tool oapi-codegen).
package tools

import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
