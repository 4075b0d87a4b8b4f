// Package api holds the contract: the OpenAPI document that the client and the server are generated from, and the facts
// about the API it is compatible with that its tests hold it to.
package api

import _ "embed"

// OpenAPI is the contract, an OpenAPI 3.0.3 document in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte
