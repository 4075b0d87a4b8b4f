package interop

import (
	"testing"

	"github.com/elastic/go-elasticsearch/v8"
)

// configV8 returns the configuration of a client of version 8.
func configV8(c connection) elasticsearch.Config {
	return elasticsearch.Config{
		Addresses: []string{c.address()}, Transport: c.transport(), Header: c.header(), CompressRequestBody: c.compressed,
		Username: c.user, Password: c.password, APIKey: c.apiKey, ServiceToken: c.token,
	}
}

func newLowLevelV8(t *testing.T, how connection) *elasticsearch.Client {
	t.Helper()
	c, err := elasticsearch.NewClient(configV8(how))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newTypedV8(t *testing.T, how connection) *elasticsearch.TypedClient {
	t.Helper()
	c, err := elasticsearch.NewTypedClient(configV8(how))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// namesV8 converts names of privileges to the type of version 8.
func namesV8(name string) string { return name }
