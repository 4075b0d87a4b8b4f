// Package sallyport is the root of the module. It holds no code: the contract is in api, what is generated from it in
// gen, what people write in impl, and the program in cmd/sallyport.
package sallyport

//go:generate go tool oapi-codegen -config gen/client/models.yaml api/openapi.yaml
//go:generate go tool oapi-codegen -config gen/client/client.yaml api/openapi.yaml
//go:generate go tool oapi-codegen -config gen/ece/config.yaml api/openapi.yaml
//go:generate go tool oapi-codegen -config gen/elastic/config.yaml api/openapi.yaml
//go:generate go tool oapi-codegen -config gen/control/config.yaml api/control.yaml
