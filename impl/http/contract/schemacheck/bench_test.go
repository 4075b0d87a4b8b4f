package schemacheck_test

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/impl/http/contract/schemacheck"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// bulkUpdate returns a body of about 2 KB.
func bulkUpdate() []byte {
	const descriptor = `{"cluster": ["monitor", "manage_api_key"], "indices": [{"names": ["logs-*", "metrics-*"], ` +
		`"privileges": ["read", "view_index_metadata"], "query": "{\"term\": {\"a\": 1}}"}], ` +
		`"metadata": {"team": "search", "level": 3}}`
	ids := strings.Repeat(`"kV3x0Zq8mT2sB7nLw5Yd", `, 40)
	return []byte(`{"ids": [` + strings.TrimSuffix(ids, ", ") + `], "role_descriptors": {"a": ` + descriptor + `, "b": ` + descriptor +
		`, "c": ` + descriptor + `, "d": ` + descriptor + `}, "metadata": {"release": "2026-11", "tags": ["x", "y"]}, "expiration": "30d"}`)
}

// bodies are valid values of schemas of the contract.
var bodies = map[string][]byte{
	"LoginRequest":             []byte(`{"username": "alice", "password": "correct horse battery staple"}`),
	"BulkUpdateApiKeysRequest": bulkUpdate(),
}

// What it costs to accept a value and to decode it, beside the interpreter and its decoder.
func BenchmarkCheck(b *testing.B) {
	for _, s := range subjects() {
		name, _, _ := strings.Cut(s.name, "/")
		text := bodies[name]
		if text == nil || s.direction != schemacheck.Request {
			continue
		}
		run := func(kind string, accept func() bool) {
			b.Run(name+"/"+kind, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					if !accept() {
						b.Fatal("it is not accepted")
					}
				}
			})
		}
		run("check", func() bool { return s.check.Accepts(text) })
		run("decode", func() bool { return schemacheck.Decode(text) != nil })
		run("strictjson", func() bool { _, err := strictjson.Decode(text); return err == nil })
		value, err := strictjson.Decode(text)
		if err != nil {
			b.Fatal(err)
		}
		run("interpreter", func() bool {
			return s.schema.VisitJSON(value, openapi3.VisitAsRequest(), openapi3.DisableSchemaErrorDetails()) == nil
		})
	}
}
