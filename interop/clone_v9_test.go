package interop

import (
	"errors"
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v9/typedapi/security/cloneapikey"
	"github.com/elastic/go-elasticsearch/v9/typedapi/types"
)

// cloningLowLevelV9 is lowLevelV9 with the operation that version 8 lacks.
func cloningLowLevelV9(t *testing.T, how connection) operations {
	o, s := lowLevelV9(t, how), newLowLevelV9(t, how).Security
	o.cloneKey = func(body string) answer {
		t.Helper()
		r, err := s.CloneAPIKey(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return readAll(t, r.StatusCode, r.Body)
	}
	return o
}

// cloningTypedV9 is typedV9 with the operation that version 8 lacks.
func cloningTypedV9(t *testing.T, how connection) operations {
	o, s := typedV9(t, how), newTypedV9(t, how).Security
	o.cloneKey = func(body string) answer {
		t.Helper()
		response, err := s.CloneApiKey().Request(fill(t, cloneapikey.NewRequest(), body)).Do(t.Context())
		if failure, ok := errors.AsType[*types.ElasticsearchError](err); ok {
			return answer{t, failure.Status, encode(t, failure)}
		}
		if err != nil {
			t.Fatal(err)
		}
		return answer{t, 200, encode(t, response)}
	}
	return o
}
