package interop

import (
	"testing"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/elastic/go-elasticsearch/v9"
)

// optionsV9 returns the options of a client of version 9.
func optionsV9(c connection) []elasticsearch.Option {
	options := []elasticsearch.Option{
		elasticsearch.WithAddresses(c.address()),
		elasticsearch.WithTransportOptions(elastictransport.WithTransport(c.transport()),
			elastictransport.WithHeader(c.header())),
	}
	switch {
	case c.apiKey != "":
		options = append(options, elasticsearch.WithAPIKey(c.apiKey))
	case c.token != "":
		options = append(options, elasticsearch.WithServiceToken(c.token))
	case c.user != "":
		options = append(options, elasticsearch.WithBasicAuth(c.user, c.password))
	}
	if c.compressed {
		options = append(options, elasticsearch.WithCompression())
	}
	return options
}

func newLowLevelV9(t *testing.T, how connection) *elasticsearch.Client {
	t.Helper()
	c, err := elasticsearch.New(optionsV9(how)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newTypedV9(t *testing.T, how connection) *elasticsearch.TypedClient {
	t.Helper()
	c, err := elasticsearch.NewTyped(optionsV9(how)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// namesV9 converts names of privileges to the type of version 9.
func namesV9(name string) []string { return []string{name} }
