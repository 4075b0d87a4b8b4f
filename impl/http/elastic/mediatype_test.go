package elastic

import (
	"net/http"
	"strings"
	"testing"
)

// Ensures that an answer has the media type that the request accepts, and that other media types are refused.
func TestExchange_Accept(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	const plain, vendor, unsupported, incompatible = "application/json", "application/vnd.elasticsearch+json",
		"406 : Accept header", "400 media_type_header_exception: "
	for accept, want := range map[string]string{
		"":                                plain,
		"*/*":                             plain,
		"application/*":                   plain,
		plain:                             plain,
		"application/json; charset=UTF-8": plain,
		"Application/JSON":                plain,
		vendor + "; compatible-with=8":    vendor + ";compatible-with=8",
		vendor + ";compatible-with=9":     vendor + ";compatible-with=9",
		vendor:                            vendor,
		vendor + ";compatible-with=9;charset=utf-8":        vendor + ";compatible-with=9",
		"text/html, */*;q=0.1":                             plain,
		plain + ";q=0.5, " + vendor + ";compatible-with=8": vendor + ";compatible-with=8",
		vendor + ";compatible-with=7, " + plain:            plain,
		"%%%, " + plain:                                    plain,
		"text/html, image/gif, *; q=.2, */*; q=.2":         plain,
		vendor + ";compatible-with=7":                      incompatible,
		vendor + ";compatible-with=10":                     incompatible,
		"text/html":                                        unsupported,
		"application/yaml":                                 unsupported,
		"application/json;q=0":                             unsupported,
		"application/json;q=x":                             unsupported,
		"application/json;charset=utf-16":                  unsupported,
		"%%%":                                              unsupported,
	} {
		answer := s.do("GET", thing, "", "Accept: "+accept)
		got := answer.Header().Get("Content-Type")
		if answer.Code != http.StatusOK {
			got = reasonOf(t, answer)
		}
		if got != want && (answer.Code == http.StatusOK || !strings.HasPrefix(got, want)) {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}

	answer := s.do("GET", thing+"?x", "", "Accept: "+vendor+";compatible-with=8")
	if got := answer.Header().Get("Content-Type"); answer.Code != http.StatusBadRequest ||
		got != vendor+";compatible-with=8" {
		t.Errorf("a failure is sent as %s", got)
	}
}

// Ensures that a body is accepted under each name of its media type, and under no other.
func TestExchange_ContentType(t *testing.T) {
	t.Parallel()

	s := newTestServer(t)
	const vendor = "application/vnd.elasticsearch+json"
	for _, c := range []struct{ contentType, accept, want string }{
		{"application/json", "", ""},
		{"application/json;charset=UTF-8", "", ""},
		{vendor, "", ""},
		{vendor + ";compatible-with=8", "", ""},
		{vendor + "; compatible-with=9", vendor + "; compatible-with=9", ""},
		{"application/json", vendor + ";compatible-with=9", ""},
		{vendor + ";compatible-with=8", vendor + ";compatible-with=9", "400 media_type_header_exception: "},
		{vendor + ";compatible-with=7", "", "400 media_type_header_exception: "},
		{"", "", "406 : Content-Type header is missing"},
		{"text/plain", "", "406 : Content-Type header [text/plain] is not supported"},
		{"application/x-ndjson", "", "406 : Content-Type header [application/x-ndjson] is not supported"},
		{"application/json;charset=latin1", "",
			"406 : Content-Type header [application/json;charset=latin1] is not supported"},
		{"application/json; =", "", "406 : Content-Type header [application/json; =] is not supported"},
	} {
		answer := s.do("PUT", thing, `{"name":"x"}`, "Content-Type: "+c.contentType, "Accept: "+c.accept)
		if c.want == "" && answer.Code == http.StatusOK && strings.Contains(answer.Body.String(), `{"name":"x"}`) {
			continue
		}
		if got := reasonOf(t, answer); c.want == "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
	}

	if answer := s.do("POST", thing, "", "Content-Type: text/plain"); answer.Code != http.StatusOK {
		t.Errorf("a type without a body: %s", answer.Body)
	}
}
