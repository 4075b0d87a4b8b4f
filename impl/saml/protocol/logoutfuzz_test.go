package protocol

import (
	"crypto"
	"errors"
	"net/url"
	"strings"
	"testing"
)

// Ensures that no query panics, that every error is a refusal, and that only signed queries are accepted.
func FuzzLogoutQuery(f *testing.F) {
	message := "SAMLRequest=" + url.QueryEscape(squeeze(theirRequest))
	genuine := map[string]bool{}
	for _, relayState := range []string{"", "&RelayState=r+s"} {
		query := rsaIdentity().signed(f, message+relayState, rsaSHA256, crypto.SHA256)
		genuine[query] = true
		f.Add(query)
	}

	f.Add(message + "&SigAlg=" + url.QueryEscape(ecdsaSHA256) + "&Signature=" + strings.Repeat("A", 88))
	f.Add("SAMLRequest=%&SAMLRequest=&Signature&SigAlg=+&%53igAlg=")
	f.Fuzz(func(t *testing.T, query string) {
		r, err := VerifyLogoutRequest(query, expectation())
		var refusal *Refusal
		if err != nil {
			if !errors.As(err, &refusal) || r.ID != "" {
				t.Errorf("%v, %+v", err, r)
			}
			return
		}

		text, _ := readQuery(query)
		for known := range genuine {
			if q, _ := readQuery(known); q.signedContent(requestParameter) == text.signedContent(requestParameter) {
				return
			}
		}

		t.Errorf("%q holds", query)
	})
}

// Ensures that no authenticated message panics: providers may send malformed messages.
func FuzzLogoutMessage(f *testing.F) {
	f.Add([]byte(theirRequest))
	f.Add([]byte(theirResponse))
	f.Add([]byte("<a"))
	f.Fuzz(func(t *testing.T, document []byte) {
		if message, err := readDeflatedMessage(document); err == nil && message == nil {
			t.Fatal("nothing was read")
		}

		message, err := readXML(document, messageBounds)
		if err != nil {
			return
		}

		e := expectation()
		for _, kind := range []string{"LogoutRequest", "LogoutResponse"} {
			if h, err := e.head(message, kind); err == nil && (h.id == "" || h.issued.IsZero()) {
				t.Errorf("%+v", h)
			}
		}

		if name, err := readNameID(message); err == nil && name.Value == "" {
			t.Error("an empty name")
		}

		_, _ = readSessionIndexes(message)
		_, _ = e.end(message)
	})
}
