package http_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// BenchmarkCredentials measures authentication on PostgreSQL, and a whole read request with it, with and without the
// cache.
func BenchmarkCredentials(b *testing.B) {
	for name, lifetime := range map[string]time.Duration{"read": 0, "cached": store.MaxLifetime} {
		x := newCachedBench(b, postgrestest.DSN(b), cheap, lifetime)
		for credential, value := range map[string]string{"session": "Bearer " + x.token, "key": "ApiKey " + x.key} {
			b.Run(credential+"/GET account/"+name, func(b *testing.B) {
				x.run(b, http.MethodGet, "/api/v1/account", "", value)
			})
		}
	}
}
