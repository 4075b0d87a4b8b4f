package contract

import (
	"slices"
	"testing"

	"github.com/sallyport/sallyport/impl/http/contract/schemacheck"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// What it costs to check a response.
func BenchmarkCheckResponse(b *testing.B) {
	c := load(b).With(Options{Responses: true})
	for id, body := range map[string]string{
		"get-current-account": `{"id":"8d2a5f0c7b1e4a63","trust":{"trust_all":true},"x":"abcd"}` + "\n",
		"login":               `{"session_expiration_time":"2026-11-28T12:00:00Z","token":"eyJhbGciOiJFZERTQSJ9.e30.c2ln"}` + "\n",
	} {
		op := c.Operation(id)
		text := []byte(body)
		for name, alternate := range map[string]bool{"the same": false, "another": true} {
			b.Run(id+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if alternate {
						text[len(text)-4] ^= 1
					}
					if err := op.CheckResponse(200, "application/json", text); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What it costs at the start to compile the checks of all requests, and those of all responses.
func BenchmarkCompile(b *testing.B) {
	c := load(b)
	b.Run("requests", func(b *testing.B) {
		for b.Loop() {
			compiler := newBodyCompiler(schemacheck.Request, strictjson.MaxDepth)
			for _, op := range c.Operations {
				parameters := slices.Concat(op.route.PathItem.Parameters, op.route.Operation.Parameters)
				compileRequest(parameters, op.body, compiler)
			}
		}
	})
	b.Run("responses", func(b *testing.B) {
		for b.Loop() {
			c.With(Options{Responses: true})
		}
	})
}
