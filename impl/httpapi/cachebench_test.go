package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/httpapi"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// What it costs on PostgreSQL to find out who calls, and a whole read with it, with what is remembered and without.
func BenchmarkCredentials(b *testing.B) {
	for name, lifetime := range map[string]time.Duration{"read": 0, "remembered": store.MaxLifetime} {
		x := newCachedBench(b, postgrestest.DSN(b), cheap, lifetime)
		for credential, value := range map[string]string{"session": "Bearer " + x.token, "key": "ApiKey " + x.key} {
			b.Run(credential+"/check/"+name, func(b *testing.B) {
				authorization, began := []string{value}, processorTime(b)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := x.deps.Auth.Authenticate(b.Context(), authorization); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(processorTime(b)-began)/float64(b.N), "cpu-ns/op") // cares less about who else works
			})
			b.Run(credential+"/GET account/"+name, func(b *testing.B) {
				x.run(b, httpapi.New, http.MethodGet, "/api/v1/account", "", value)
			})
		}
	}
}
