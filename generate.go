// Package sallyport is the root of the module. It holds no code: the contract is in api, what is generated from it in
// gen, what people write in impl, and the program in cmd/sallyport.
package sallyport

//go:generate go tool oapi-codegen -config gen/client/config.yaml api/openapi.yaml
//go:generate go tool oapi-codegen -config gen/server/config.yaml api/openapi.yaml
