package protocol

import (
	"strings"
	"testing"
)

// Ensures that no document panics, and that accepted providers are usable.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{
		plainMetadata(), entities(`validUntil="2027-01-01T00:00:00Z"`, plainMetadata()), "", "<a/>", "<!DOCTYPE a><a/>",
		strings.Repeat("<a>", 40),
		"\uFEFF<!-- x -->" + plainMetadata(), strings.Replace(plainMetadata(), "https://", "javascript:", 1),
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseMetadata(data, idpEntity, noon)
		if err != nil {
			return
		}
		if _, err := parseEndpoint(p.SSOURL); err != nil || p.EntityID != idpEntity || len(p.Certificates) == 0 {
			t.Errorf("%+v", p)
		}

		for _, location := range []string{p.SSOURL, p.SLOURL, p.SLOResponseURL} {
			if location != "" && !strings.HasPrefix(strings.ToLower(location), "http") {
				t.Errorf("%q", location)
			}
		}
	})
}
