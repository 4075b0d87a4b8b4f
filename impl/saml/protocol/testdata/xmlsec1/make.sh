#!/bin/sh
# Makes the responses in this folder, with keys that are made for them: `./make.sh` in this folder, with xmlsec1 and openssl.
# The tests read the results only.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=idp -keyout "$work/idp.key" -out idp.pem 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=sp -keyout sp-key.pem -out "$work/sp.pem" 2>/dev/null

ds='xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
xenc='xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"'
saml='xmlns:ns1="urn:oasis:names:tc:SAML:2.0:assertion"'
tab=$(printf '\t')
cr=$(printf '\r')

# signature ID: a template to be filled in, with the Id that pysaml2 gives it
signature() {
	cat <<-EOF
	<ds:Signature $ds Id="Signature1"><ds:SignedInfo>
	<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
	<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
	<ds:Reference URI="#$1"><ds:Transforms>
	<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
	<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
	</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>
	</ds:SignedInfo><ds:SignatureValue/></ds:Signature>
	EOF
}

# assertion: an attribute's name over several lines, and lines that end in CR LF
assertion() {
	cat <<-EOF
	<ns1:Assertion $saml ID="id-a" IssueInstant="2027-03-04T05:06:07Z"${cr}
	  Version="2.0"><ns1:Issuer>https://idp.example.com/metadata</ns1:Issuer>$(signature id-a)<ns1:Subject>
	<ns1:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice</ns1:NameID>${cr}
	<ns1:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><ns1:SubjectConfirmationData InResponseTo="_request"
	NotOnOrAfter="2027-03-04T05:11:07Z" Recipient="https://sp.example.com/acs"/></ns1:SubjectConfirmation></ns1:Subject>
	<ns1:Conditions NotBefore="2027-03-04T05:05:07Z" NotOnOrAfter="2027-03-04T05:11:07Z"><ns1:AudienceRestriction>
	<ns1:Audience>https://sp.example.com</ns1:Audience></ns1:AudienceRestriction></ns1:Conditions>
	<ns1:AuthnStatement AuthnInstant="2027-03-04T05:06:07Z"><ns1:AuthnContext>
	<ns1:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</ns1:AuthnContextClassRef></ns1:AuthnContext></ns1:AuthnStatement>
	<ns1:AttributeStatement><ns1:Attribute FriendlyName="in${tab}three${cr}
	lines, one of them &#10; by reference" Name="postal
	address"><ns1:AttributeValue>1 Main Street${cr}
	Springfield &#13;</ns1:AttributeValue></ns1:Attribute></ns1:AttributeStatement></ns1:Assertion>
	EOF
}

# response CONTENT SIGNATURE
response() {
	cat <<-EOF
	<ns0:Response xmlns:ns0="urn:oasis:names:tc:SAML:2.0:protocol" $saml Destination="https://sp.example.com/acs" ID="id-r"
	InResponseTo="_request" IssueInstant="2027-03-04T05:06:07Z" Version="2.0"><ns1:Issuer>https://idp.example.com/metadata</ns1:Issuer>$2<ns0:Status>
	<ns0:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></ns0:Status>$1</ns0:Response>
	EOF
}

ids='--id-attr:ID urn:oasis:names:tc:SAML:2.0:assertion:Assertion --id-attr:ID urn:oasis:names:tc:SAML:2.0:protocol:Response'
sign() { xmlsec1 --sign $ids --privkey-pem "$work/idp.key" --node-id "$1" --output "$3" "$2"; }
verify() { xmlsec1 --verify $ids --pubkey-cert-pem idp.pem --node-id "$1" "$2" >/dev/null; }

# The text between the tags is what is signed, whatever xmlsec1 writes: it normalizes what it reads. The digest and the
# signature are taken over into the text as it was.
fill() { # TEMPLATE SIGNED OUTPUT
	python3 - "$@" <<-'EOF'
	import re, sys
	template, signed, output = sys.argv[1:]
	text, made = open(template, newline="").read(), open(signed, newline="").read()
	for tag in "DigestValue", "SignatureValue":
	    values = re.findall(f"<ds:{tag}>[^<]*</ds:{tag}>", made)
	    text = re.sub(f"<ds:{tag}/>", lambda _: values[-1], text)
	open(output, "w", newline="").write(text)
	EOF
}

response "$(assertion)" "" >"$work/template.xml"
sign id-a "$work/template.xml" "$work/signed.xml"
fill "$work/template.xml" "$work/signed.xml" whitespace.xml
verify id-a whitespace.xml

assertion >"$work/assertion.xml"
sign id-a "$work/assertion.xml" "$work/assertion-signed.xml"
cat >"$work/encryption.xml" <<EOF
<xenc:EncryptedData $xenc Id="ED_1" Type="http://www.w3.org/2001/04/xmlenc#Element">
<xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/><ds:KeyInfo $ds><xenc:EncryptedKey Id="EK_1">
<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData>
</xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>
EOF
response "<ns1:EncryptedAssertion>$(sed 1d "$work/assertion-signed.xml")</ns1:EncryptedAssertion>" "$(signature id-r)" >"$work/plain.xml"
xmlsec1 --encrypt --pubkey-cert-pem "$work/sp.pem" --session-key aes-256 --xml-data "$work/plain.xml" --node-name \
	urn:oasis:names:tc:SAML:2.0:assertion:Assertion --output "$work/encrypted.xml" "$work/encryption.xml"
sign id-r "$work/encrypted.xml" encrypted.xml
verify id-r encrypted.xml
