package interop

import (
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v9/typedapi/security/cloneapikey"
)

// newerLowLevelV9 is lowLevelV9 with the operations that version 8 lacks.
func newerLowLevelV9(t *testing.T, how connection) operations {
	o, s, read := lowLevelV9(t, how), newLowLevelV9(t, how).Security, lowLevelReaderV9(t)
	o.cloneKey = func(body string) answer { return read(s.CloneAPIKey(strings.NewReader(body))) }
	o.stats = func() answer { return read(s.GetStats()) }
	return o
}

// newerTypedV9 is typedV9 with the operations that version 8 lacks.
func newerTypedV9(t *testing.T, how connection) operations {
	o, s, read := typedV9(t, how), newTypedV9(t, how).Security, typedReaderV9(t)
	o.cloneKey = func(body string) answer {
		return read(s.CloneApiKey().Request(fill(t, cloneapikey.NewRequest(), body)).Do(t.Context()))
	}
	o.stats = func() answer { return read(s.GetStats().Do(t.Context())) }
	return o
}
