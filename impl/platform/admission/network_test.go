package admission_test

import (
	"testing"

	"github.com/sallyport/sallyport/impl/platform/admission"
)

// Ensures that addresses that a single client can choose from have the same network, and others have not.
func TestNetwork(t *testing.T) {
	for name, test := range map[string]struct {
		first, second string
		same          bool
	}{
		"one IPv4 address":           {"192.0.2.1", "192.0.2.1", true},
		"two IPv4 addresses":         {"192.0.2.1", "192.0.2.2", false},
		"IPv4 mapped into IPv6":      {"192.0.2.1", "::ffff:192.0.2.1", true},
		"two mapped addresses":       {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		"one IPv6 subnet":            {"2001:db8::1", "2001:DB8:0:0:ffff:ffff:ffff:ffff", true},
		"two IPv6 subnets":           {"2001:db8::1", "2001:db8:0:1::1", false},
		"two zones":                  {"fe80::1%eth0", "fe80::2%eth1", true},
		"loopback":                   {"::1", "127.0.0.1", false},
		"two texts":                  {"nonsense", "192.0.2.1:443", true},
		"text and IPv4":              {"nonsense", "192.0.2.1", false},
		"text and unspecified":       {"nonsense", "::", false},
		"text and unspecified, IPv4": {"nonsense", "0.0.0.0", false},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := admission.Network(test.first), admission.Network(test.second)
			if (first == second) != test.same {
				t.Errorf("%v and %v", first, second)
			}
		})
	}
}
