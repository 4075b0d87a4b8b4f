package protocol_test

import (
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// message returns a signed response, decoded, with a number of groups.
func (f fixture) message(tb testing.TB, groups int) []byte {
	tb.Helper()
	f.request.Attributes = map[string][]string{"groups": make([]string, groups)}
	data, err := protocol.DecodeResponse(f.idp.Answer(f.request))
	if err != nil {
		tb.Fatal(err)
	}

	return data
}

func benchmarkVerify(b *testing.B, groups int) {
	f := newFixture()
	data := f.message(b, groups)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := protocol.Verify(data, f.expectation); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify checks a response with 20 groups, with a signed assertion.
func BenchmarkVerify(b *testing.B) { benchmarkVerify(b, 20) }

// BenchmarkVerifyLarge is BenchmarkVerify with 1,500 groups, which the library's own validation refuses.
func BenchmarkVerifyLarge(b *testing.B) { benchmarkVerify(b, 1500) }

// BenchmarkGoxmldsig validates the signature of BenchmarkVerify's message with the library alone: neither a gate, nor
// what the assertion says.
func BenchmarkGoxmldsig(b *testing.B) {
	f := newFixture()
	data := f.message(b, 20)
	validation := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: f.idp.Certificates()})
	validation.Clock = dsig.NewFakeClockAt(f.expectation.Now)
	b.ReportAllocs()
	for b.Loop() {
		document := etree.NewDocument()
		if err := document.ReadFromBytes(data); err != nil {
			b.Fatal(err)
		}
		if _, err := validation.Validate(document.Root().SelectElement("Assertion")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecrypt opens an encrypted assertion in the response.
func BenchmarkDecrypt(b *testing.B) {
	f := newFixture()
	data := f.make(b, "encrypted with AES-256-GCM, RSA-OAEP with SHA-256")
	for b.Loop() {
		if _, err := protocol.Verify(data, f.expectation); err != nil {
			b.Fatal(err)
		}
	}
}

// make returns what the case of a name makes, decoded.
func (f fixture) make(tb testing.TB, name string) []byte {
	tb.Helper()
	for _, c := range samltest.Cases() {
		if c.Name == name {
			data, err := protocol.DecodeResponse(c.Make(f.idp, f.request))
			if err != nil {
				tb.Fatal(err)
			}
			return data
		}
	}

	tb.Fatalf("no case %q", name)
	return nil
}
