package protocol_test

import (
	"crypto/rsa"
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/saml/hostile"
	"github.com/sallyport/sallyport/impl/saml/protocol"
)
var now = time.Date(2027, 3, 4, 5, 6, 7, 0, time.UTC)

func TestCases(t *testing.T) {
	idp := hostile.New(now)
	sp := hostile.New(now)
	r := hostile.Request{ID: "_request", ACS: "https://sp.example.com/acs", EntityID: "https://sp.example.com", Now: now, Encryption: sp.Rollover.Certificate}
	e := protocol.Expectation{EntityID: r.EntityID, ACS: r.ACS, Provider: protocol.Provider{EntityID: idp.EntityID, Certificates: idp.Certificates()}, RequestID: r.ID, Now: now,
	  DecryptionKeys: []*rsa.PrivateKey{sp.Rollover.Signer.(*rsa.PrivateKey)}}
	for _, c := range hostile.Cases() {
		t0:=time.Now()
		form := c.Make(idp, r)
		t1:=time.Now()
		data, err := protocol.DecodeResponse(form)
		if err == nil { _, err = protocol.Verify(data, e) }
		var ref *protocol.Refusal
		reason := ""
		if errors.As(err, &ref) { reason = ref.Reason } else if err != nil { t.Fatal(err) }
		bad := ""
		if (err == nil) != (c.Accepted || c.Replayed) { bad = "!!!!" ; t.Error(c.Name, err)}
		t.Logf("%s %-60q %v %q", bad, c.Name, time.Since(t1).Round(10*time.Microsecond), reason)
		_ = t0
	}
}
