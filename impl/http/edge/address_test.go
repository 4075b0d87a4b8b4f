package edge

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Ensures that the address of a caller behind trusted proxies is the last one that is not a proxy's, in each form in
// which proxies write addresses, and that entries that the caller wrote before it are ignored.
func TestIPExtractor(t *testing.T) {
	t.Parallel()

	var trusted []*net.IPNet
	for _, text := range []string{"10.0.0.0/8", "fd00::/8"} {
		_, network, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		trusted = append(trusted, network)
	}

	for name, test := range map[string]struct {
		peer    string
		headers []string
		want    string
	}{
		"no header":             {"10.0.0.1:1", nil, "10.0.0.1"},
		"peer not trusted":      {"192.0.2.9:1", []string{"203.0.113.1"}, "192.0.2.9"},
		"IPv4":                  {"10.0.0.1:1", []string{"203.0.113.1"}, "203.0.113.1"},
		"IPv4 with port":        {"10.0.0.1:1", []string{"203.0.113.1:5678"}, "203.0.113.1"},
		"IPv6":                  {"10.0.0.1:1", []string{"2001:db8::1"}, "2001:db8::1"},
		"IPv6 in brackets":      {"10.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		"IPv6 with port":        {"10.0.0.1:1", []string{"[2001:db8::1]:5678"}, "2001:db8::1"},
		"IPv6 with zone":        {"10.0.0.1:1", []string{"[fe80::1%eth0]:5678"}, "fe80::1"},
		"IPv4 in IPv6":          {"[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.1"}, "203.0.113.1"},
		"IPv6 peer":             {"[fd00::1]:1", []string{"203.0.113.1"}, "203.0.113.1"},
		"written by the caller": {"10.0.0.1:1", []string{"198.51.100.7, 203.0.113.1:99"}, "203.0.113.1"},
		"two proxies":           {"10.0.0.1:1", []string{"203.0.113.1, 10.0.0.2:443"}, "203.0.113.1"},
		"two headers":           {"10.0.0.1:1", []string{"203.0.113.1", "10.0.0.2"}, "203.0.113.1"},
		"all trusted":           {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"no address":            {"10.0.0.1:1", []string{"unknown"}, "10.0.0.1"},
		"no address, then one":  {"10.0.0.1:1", []string{"unknown, 203.0.113.1"}, "203.0.113.1"},
		"no address, two hops":  {"10.0.0.1:1", []string{"203.0.113.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		"port out of range":     {"10.0.0.1:1", []string{"203.0.113.1:99999"}, "10.0.0.1"},
		"empty entry":           {"10.0.0.1:1", []string{"203.0.113.1,"}, "10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = test.peer, test.headers
			if got := ipExtractor(trusted)(r); got != test.want {
				t.Errorf("the caller is %s; want %s", got, test.want)
			}
		})
	}
}
