// Command bench measures what docs/explanation/performance.md records, in rounds that each measure everything once,
// and prints the medians as the tables of that page. It is a separate module, so that the server does not depend on
// what it is compared with.
package main

//go:generate mkdir -p ogen
//go:generate go run ./reduce ../api/openapi.yaml ogen/openapi.json
//go:generate go tool ogen --loglevel warn --config ogen.yml --target ogen --package ogen ogen/openapi.json
