// Package api holds the contract: the OpenAPI document that the client and the server are generated from, and the facts
// about the API it is compatible with that its tests hold it to. The control API of temporary servers has a contract of
// its own.
package api

import _ "embed"

// OpenAPI is the contract, an OpenAPI 3.0.3 document in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte

// Control is the contract of the control API of temporary servers, an OpenAPI 3.0.3 document in YAML.
//
//go:embed control.yaml
var Control []byte

// Coverage is the table of published operations: which of them the contract has, and where it differs from them on
// purpose. impl/http/conformance describes its members.
//
//go:embed coverage.json
var Coverage []byte

// Patterns (path.Match) of the paths to which SAML identity providers redirect browsers, without and with a region.
// Files that describe identity providers contain such paths.
var (
	SAMLCallback     = []string{"/api/v1/users/auth/saml/_callback", "/api/v1/regions/?*/users/auth/saml/_callback"}
	SAMLSingleLogout = []string{"/api/v1/users/auth/saml/_single_logout",
		"/api/v1/regions/?*/users/auth/saml/_single_logout"}
)
