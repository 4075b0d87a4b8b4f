package protocol

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// rollover returns the certificates of a provider during a key rollover.
func rollover() []*x509.Certificate {
	return []*x509.Certificate{ecIdentity().certificate, rsaIdentity().certificate}
}

func expectation() LogoutExpectation {
	return LogoutExpectation{
		Destination: ourSLO,
		Provider:    Provider{EntityID: idpEntity, Certificates: rollover()},
		Now:         noon,
	}
}

const theirRequest = `<p:LogoutRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0" ` +
	`IssueInstant="2026-11-21T12:00:00.123Z" Destination="https://us.example/slo" NotOnOrAfter="2026-11-21T12:05:00Z"><Issuer>https://idp.example/metadata</Issuer>` +
	`<NameID Format="urn:f" SPNameQualifier="q">ann</NameID><p:SessionIndex>one</p:SessionIndex></p:LogoutRequest>`

const theirResponse = `<p:LogoutResponse xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0" ` +
	`IssueInstant="2026-11-21T12:00:00Z" Destination="https://us.example/slo" InResponseTo="_ours"><Issuer>https://idp.example/metadata</Issuer>` +
	`<p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></p:Status></p:LogoutResponse>`

// sealed returns a query with a document, signed with the provider's RSA key.
func sealed(t *testing.T, parameter, document string) string {
	t.Helper()
	return rsaIdentity().signed(t, parameter+"="+url.QueryEscape(squeeze(document)), rsaSHA256, crypto.SHA256)
}

// Ensures that requests are accepted in all forms that providers send.
func TestVerifyLogoutRequest(t *testing.T) {
	message := "SAMLRequest=" + url.QueryEscape(squeeze(theirRequest))
	lower := strings.NewReplacer("%2B", "%2b", "%2F", "%2f", "%3D", "%3d").Replace(message)
	plain := rsaIdentity().signed(t, message, rsaSHA256, crypto.SHA256)
	parts := strings.Split(rsaIdentity().signed(t, message+"&RelayState=r%20s", rsaSHA256, crypto.SHA256), "&")
	for name, c := range map[string]struct{ query, relayState string }{
		"RSA-SHA256":         {plain, ""},
		"RSA-SHA384":         {rsaIdentity().signed(t, message, rsaSHA384, crypto.SHA384), ""},
		"RSA-SHA512":         {rsaIdentity().signed(t, message, rsaSHA512, crypto.SHA512), ""},
		"ECDSA-SHA256":       {ecIdentity().signed(t, message, ecdsaSHA256, crypto.SHA256), ""},
		"ECDSA-SHA384":       {ecIdentity().signed(t, message, ecdsaSHA384, crypto.SHA384), ""},
		"ECDSA-SHA512":       {ecIdentity().signed(t, message, ecdsaSHA512, crypto.SHA512), ""},
		"relay state":        {rsaIdentity().signed(t, message+"&RelayState=r", rsaSHA256, crypto.SHA256), "r"},
		"plus for a blank":   {rsaIdentity().signed(t, message+"&RelayState=r+s", rsaSHA256, crypto.SHA256), "r s"},
		"%20 for a blank":    {rsaIdentity().signed(t, message+"&RelayState=r%20s", rsaSHA256, crypto.SHA256), "r s"},
		"relay state empty":  {rsaIdentity().signed(t, message+"&RelayState=", rsaSHA256, crypto.SHA256), ""},
		"lower-case escapes": {rsaIdentity().signed(t, lower, rsaSHA256, crypto.SHA256), ""},
		"another order":      {strings.Join([]string{parts[3], parts[1], parts[2], parts[0]}, "&"), "r s"},
		"others' parameters": {"realm=a&" + plain + "&utm_source=b&realm=c", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := VerifyLogoutRequest(c.query, expectation())
			if err != nil {
				t.Fatal(err)
			}

			want := NameID{Value: "ann", Format: "urn:f", SPNameQualifier: "q"}
			if r.ID != "_r" || r.Issuer != idpEntity || r.Destination != ourSLO || r.NameID != want ||
				!slices.Equal(r.SessionIndexes, []string{"one"}) || r.RelayState != c.relayState {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Ensures that a signature in ASN.1 form is accepted.
func TestVerifyLogoutRequest_ASN1(t *testing.T) {
	query := "SAMLRequest=" + url.QueryEscape(squeeze(theirRequest)) + "&SigAlg=" + url.QueryEscape(ecdsaSHA256)
	h := crypto.SHA256.New()
	h.Write([]byte(query))
	signature, err := ecIdentity().key.Sign(nil, h.Sum(nil), crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyLogoutRequest(query+"&Signature="+url.QueryEscape(encode(signature)), expectation()); err != nil {
		t.Error(err)
	}
}

// Ensures that queries that differ from the signed text are refused.
func TestVerifyLogoutRequest_QueryRefused(t *testing.T) {
	message := "SAMLRequest=" + url.QueryEscape(squeeze(theirRequest))
	other := "SAMLRequest=" + url.QueryEscape(squeeze(strings.Replace(theirRequest, "ann", "bob", 1)))
	good := rsaIdentity().signed(t, message+"&RelayState=r", rsaSHA256, crypto.SHA256)
	parts := strings.Split(good, "&")
	without := func(i int) string { return strings.Join(slices.Delete(slices.Clone(parts), i, i+1), "&") }
	with := func(i int, part string) string {
		changed := slices.Clone(parts)
		changed[i] = part
		return strings.Join(changed, "&")
	}

	for name, c := range map[string]struct{ query, reason string }{
		"nothing":                   {"", reasonQueryMissing},
		"junk":                      {"&&=&=&;", reasonQueryMissing},
		"too long":                  {good + "&a=" + strings.Repeat("a", maxQueryBytes), reasonQueryTooLarge},
		"bad escape in a name":      {good + "&%zz=1", reasonQueryEncoding},
		"bad escape in SigAlg":      {with(2, "SigAlg=%zz"), reasonQueryEncoding},
		"bad escape in Signature":   {with(3, "Signature=%zz"), reasonQueryEncoding},
		"no message":                {without(0), reasonQueryMissing},
		"no relay state":            {without(1), reasonQuerySignature},
		"no SigAlg":                 {without(2), reasonQueryUnsigned},
		"stripped":                  {without(3), reasonQueryUnsigned},
		"stripped altogether":       {message, reasonQueryUnsigned},
		"empty signature":           {with(3, "Signature="), reasonQueryBase64},
		"signature without a value": {with(3, "Signature"), reasonQueryBase64},
		"signature not base64":      {with(3, "Signature=%25%25"), reasonQueryBase64},
		"signature in base64url":    {with(3, "Signature=_-_-"), reasonQueryBase64},
		"signature of zeros":        {with(3, "Signature="+strings.Repeat("A", 344)), reasonQuerySignature},
		"short signature":           {with(3, "Signature=AAAA"), reasonQuerySignature},
		"tampered message":          {with(0, other), reasonQuerySignature},
		"tampered relay state":      {with(1, "RelayState=s"), reasonQuerySignature},
		"encoded differently":       {with(1, "RelayState=%72"), reasonQuerySignature},
		"message escaped more": {with(0,
			strings.Replace(parts[0], "=", "=%"+fmt.Sprintf("%02x", parts[0][len("SAMLRequest=")]), 1)), reasonQuerySignature},
		"escapes in lower case":     {with(2, strings.ReplaceAll(parts[2], "%3A", "%3a")), reasonQuerySignature},
		"message twice":             {good + "&" + parts[0], reasonQueryTwice},
		"another message first":     {other + "&" + good, reasonQueryTwice},
		"another message last":      {good + "&" + other, reasonQueryTwice},
		"message in other spelling": {good + "&%53AMLRequest=" + strings.TrimPrefix(other, "SAMLRequest="), reasonQueryTwice},
		"only in other spelling":    {with(0, strings.Replace(parts[0], "SAML", "%53AML", 1)), reasonQueryTwice},
		"relay state twice":         {good + "&RelayState=s", reasonQueryTwice},
		"SigAlg twice":              {good + "&" + parts[2], reasonQueryTwice},
		"signature twice":           {good + "&" + parts[3], reasonQueryTwice},
		"request and response":      {good + "&SAMLResponse=AAAA", reasonQueryKind},
		"names in lower case":       {strings.Replace(good, "SAMLRequest", "samlrequest", 1), reasonQueryMissing},
		"semicolons":                {strings.ReplaceAll(good, "&", ";"), reasonQueryUnsigned},
		"attacker's key":            {otherIdentity().signed(t, message, rsaSHA256, crypto.SHA256), reasonQuerySignature},
		"RSA-SHA1": {rsaIdentity().signed(t, message, "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
			crypto.SHA1), reasonQueryAlgorithm},
		"DSA-SHA1": {with(2, "SigAlg="+url.QueryEscape("http://www.w3.org/2000/09/xmldsig#dsa-sha1")),
			reasonQueryAlgorithm},
		"HMAC": {with(2,
			"SigAlg="+url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")), reasonQueryAlgorithm},
		"empty algorithm":        {with(2, "SigAlg="), reasonQueryAlgorithm},
		"algorithm with a blank": {rsaIdentity().signed(t, message, rsaSHA256+" ", crypto.SHA256), reasonQueryAlgorithm},
		"other algorithm named":  {with(2, "SigAlg="+url.QueryEscape(rsaSHA512)), reasonQuerySignature},
		"RSA named for ECDSA":    {ecIdentity().signed(t, message, rsaSHA256, crypto.SHA256), reasonQuerySignature},
		"ECDSA named for RSA":    {rsaIdentity().signed(t, message, ecdsaSHA256, crypto.SHA256), reasonQuerySignature},
		"signed in another order": {rsaIdentity().signed(t, "RelayState=r&"+message, rsaSHA256, crypto.SHA256),
			reasonQuerySignature},
		"signed with foreign text": {rsaIdentity().signed(t, "realm=a&"+message, rsaSHA256, crypto.SHA256),
			reasonQuerySignature},
		"long relay state": {rsaIdentity().signed(t, message+"&RelayState="+strings.Repeat("r", 81), rsaSHA256,
			crypto.SHA256), reasonQueryRelayState},
		"bad escape in relay state": {rsaIdentity().signed(t, message+"&RelayState=%zz", rsaSHA256, crypto.SHA256),
			reasonQueryEncoding},
		"response for a request": {sealed(t, "SAMLResponse", theirResponse), reasonQueryKind},
		"message not base64":     {rsaIdentity().signed(t, "SAMLRequest=%25", rsaSHA256, crypto.SHA256), reasonQueryBase64},
		"message empty":          {rsaIdentity().signed(t, "SAMLRequest=", rsaSHA256, crypto.SHA256), reasonQueryBase64},
		"message not deflated": {rsaIdentity().signed(t, "SAMLRequest="+url.QueryEscape(encode([]byte(theirRequest))),
			rsaSHA256, crypto.SHA256), reasonQueryDeflate},
		"message cut": {rsaIdentity().signed(t, "SAMLRequest="+url.QueryEscape(cut(theirRequest)), rsaSHA256,
			crypto.SHA256), reasonQueryDeflate},
		"something after it": {rsaIdentity().signed(t, "SAMLRequest="+url.QueryEscape(squeezed(theirRequest, "more")),
			rsaSHA256, crypto.SHA256), reasonQueryDeflate},
		"bomb": {sealed(t, "SAMLRequest", theirRequest+strings.Repeat(" ", 40<<20)), reasonQueryBomb},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := VerifyLogoutRequest(c.query, expectation())
			wantRefusal(t, err, c.reason)
		})
	}
}

// Ensures that signatures are accepted only while the certificate and the metadata are valid.
func TestVerifyLogoutRequest_Certificates(t *testing.T) {
	query := sealed(t, "SAMLRequest", theirRequest)
	expired := certify(rsaIdentity().key, noon.AddDate(-1, 0, 0), noon.Add(-time.Second)).certificate
	early := certify(rsaIdentity().key, noon.Add(time.Second), noon.AddDate(1, 0, 0)).certificate
	for name, c := range map[string]struct {
		change func(*Provider)
		reason string
	}{
		"no certificates": {func(p *Provider) { p.Certificates = nil }, reasonQueryNoKey},
		"expired":         {func(p *Provider) { p.Certificates = []*x509.Certificate{expired} }, reasonQueryNoKey},
		"not yet valid":   {func(p *Provider) { p.Certificates = []*x509.Certificate{early} }, reasonQueryNoKey},
		"expired beside another": {func(p *Provider) {
			p.Certificates = []*x509.Certificate{expired,
				otherIdentity().certificate}
		}, reasonQuerySignature},
		"metadata over": {func(p *Provider) { p.ValidUntil = noon }, reasonQueryNoKey},
	} {
		e := expectation()
		c.change(&e.Provider)
		_, err := VerifyLogoutRequest(query, e)
		t.Run(name, func(t *testing.T) { wantRefusal(t, err, c.reason) })
	}
}

// Ensures that signed requests with invalid or missing content are refused.
func TestVerifyLogoutRequest_MessageRefused(t *testing.T) {
	session := "<p:SessionIndex>one</p:SessionIndex>"
	for name, c := range map[string]struct{ old, new, reason string }{
		"no XML":          {theirRequest, "hello", reasonQueryXML},
		"document type":   {"<p:LogoutRequest", "<!DOCTYPE a><p:LogoutRequest", reasonQueryXML},
		"comment":         {">ann<", ">an<!-- -->n<", reasonQueryXML},
		"comment between": {"<NameID", "<!-- --><NameID", reasonQueryXML},
		"many levels": {"<NameID", strings.Repeat("<a>", 20) + strings.Repeat("</a>", 20) + "<NameID",
			reasonQueryXML},
		"many elements":        {"<NameID", strings.Repeat("<a/>", 1000) + "<NameID", reasonQueryXML},
		"ID twice":             {`ID="_r"`, `ID="_r" ID="_s"`, reasonQueryXML},
		"a response":           {theirRequest, theirResponse, reasonLogoutKind},
		"another namespace":    {"SAML:2.0:protocol", "SAML:2.1:protocol", reasonLogoutKind},
		"another root":         {"LogoutRequest", "AuthnRequest", reasonLogoutKind},
		"version 1.1":          {`"2.0"`, `"1.1"`, reasonLogoutVersion},
		"no version":           {` Version="2.0"`, "", reasonLogoutVersion},
		"no ID":                {` ID="_r"`, "", reasonLogoutID},
		"long ID":              {`"_r"`, `"` + strings.Repeat("r", 257) + `"`, reasonLogoutID},
		"wrong destination":    {ourSLO, "https://evil.example/slo", reasonLogoutDestination},
		"destination and more": {ourSLO + `"`, ourSLO + `/"`, reasonLogoutDestination},
		"no destination":       {` Destination="https://us.example/slo"`, "", reasonLogoutDestination},
		"foreign attribute":    {" Destination=", ` xmlns:x="u" x:Destination=`, reasonLogoutDestination},
		"wrong issuer":         {idpEntity, "https://evil.example/metadata", reasonLogoutIssuer},
		"empty issuer":         {idpEntity, "", reasonLogoutIssuer},
		"no issuer":            {"<Issuer>" + idpEntity + "</Issuer>", "", reasonLogoutIssuer},
		"two issuers":          {"<NameID", "<Issuer>" + idpEntity + "</Issuer><NameID", reasonLogoutIssuer},
		"issuer is no entity":  {"<Issuer>", `<Issuer Format="urn:f">`, reasonLogoutIssuer},
		"issuer within":        {"<Issuer>" + idpEntity, "<Issuer>" + idpEntity + "<a/>", reasonLogoutIssuer},
		"too old":              {"12:00:00.123Z", "11:53:59Z", reasonLogoutInstant},
		"of the future":        {"12:00:00.123Z", "12:01:00.001Z", reasonLogoutInstant},
		"hour by zone":         {"12:00:00.123Z", "12:00:00-01:00", reasonLogoutInstant},
		"no zone":              {"12:00:00.123Z", "12:00:00", reasonLogoutInstant},
		"no time":              {` IssueInstant="2026-11-21T12:00:00.123Z"`, "", reasonLogoutInstant},
		"expired":              {"12:05:00Z", "11:59:00Z", reasonLogoutExpired},
		"end in no form":       {"2026-11-21T12:05:00Z", "soon", reasonLogoutExpired},
		"no name":              {`<NameID Format="urn:f" SPNameQualifier="q">ann</NameID>`, "", reasonLogoutName},
		"empty name":           {">ann<", "> <", reasonLogoutName},
		"two names":            {"<p:SessionIndex>", "<NameID>bob</NameID><p:SessionIndex>", reasonLogoutName},
		"name within":          {">ann<", ">ann<a/><", reasonLogoutName},
		"control in the name":  {">ann<", ">an&#10;n<", reasonLogoutName},
		"C1 in the name":       {">ann<", ">an&#133;n<", reasonLogoutName},
		"encrypted name": {`<NameID Format="urn:f" SPNameQualifier="q">ann</NameID>`, "<EncryptedID>x</EncryptedID>",
			reasonLogoutName},
		"empty session":         {session, "<p:SessionIndex/>", reasonLogoutSessions},
		"one session empty":     {session, session + "<p:SessionIndex> </p:SessionIndex>", reasonLogoutSessions},
		"sessions without end":  {session, strings.Repeat(session, 101), reasonLogoutSessions},
		"session with elements": {">one<", ">one<a/><", reasonLogoutSessions},
	} {
		t.Run(name, func(t *testing.T) {
			document := strings.ReplaceAll(theirRequest, c.old, c.new)
			if document == theirRequest {
				t.Fatal("the case changes nothing")
			}
			_, err := VerifyLogoutRequest(sealed(t, "SAMLRequest", document), expectation())
			wantRefusal(t, err, c.reason)
		})
	}
}

// Ensures that clocks may differ by the skew, and that the skew can be configured.
func TestVerifyLogoutRequest_Clock(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		change   func(*LogoutExpectation)
		want     bool
	}{
		"ahead":            {"12:00:00.123Z", "12:01:00Z", func(*LogoutExpectation) {}, true},
		"oldest":           {"12:00:00.123Z", "11:54:00.001Z", func(*LogoutExpectation) {}, true},
		"another zone":     {"12:00:00.123Z", "13:00:00+01:00", func(*LogoutExpectation) {}, true},
		"just expired":     {"12:05:00Z", "11:59:00.001Z", func(*LogoutExpectation) {}, true},
		"no end":           {` NotOnOrAfter="2026-11-21T12:05:00Z"`, "", func(*LogoutExpectation) {}, true},
		"issuer as entity": {"<Issuer>", `<Issuer Format="` + entityFormat + `">`, func(*LogoutExpectation) {}, true},
		"all sessions":     {"<p:SessionIndex>one</p:SessionIndex>", "", func(*LogoutExpectation) {}, true},
		"small skew":       {"12:00:00.123Z", "12:00:02Z", func(e *LogoutExpectation) { e.Skew = time.Second }, false},
		"small age": {"12:00:00.123Z", "11:58:30Z", func(e *LogoutExpectation) { e.MaxAge = 20 * time.Second },
			false},
		"nothing expected":   {"https://us.example/slo", "", func(e *LogoutExpectation) { e.Destination = "" }, false},
		"no issuer expected": {idpEntity, "", func(e *LogoutExpectation) { e.Provider.EntityID = "" }, false},
		"certificates alone": {"ann", "bob", func(e *LogoutExpectation) { e.Provider = Provider{Certificates: rollover()} },
			false},
	} {
		e := expectation()
		c.change(&e)
		_, err := VerifyLogoutRequest(sealed(t, "SAMLRequest", strings.Replace(theirRequest, c.old, c.new, 1)), e)
		if (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
