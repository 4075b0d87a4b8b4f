package protocol

import (
	"crypto"
	"strings"

	"github.com/beevik/etree"
)

// maxPrefixes bounds an InclusiveNamespaces list.
const maxPrefixes = 16

// signedInfo is what a SignedInfo says (XML Signature 1.1 section 4.4).
type signedInfo struct {
	method      queryAlgorithm
	ownPrefixes string // for the canonicalization of the SignedInfo itself
	uri         string
	prefixes    string // for the canonicalization of what is referred to
	digest      crypto.Hash
	digestValue []byte
}

// readSignedInfo takes a SignedInfo with one Reference and nothing else.
func readSignedInfo(el *etree.Element) (signedInfo, error) {
	if !sequence(el, nsSignature, "CanonicalizationMethod", "SignatureMethod", "Reference") {
		return signedInfo{}, refuse(reasonSignatureShape)
	}
	children := el.ChildElements()
	var info signedInfo
	var err error
	if info.ownPrefixes, err = readCanonicalization(children[0]); err != nil {
		return signedInfo{}, err
	}
	method, known := queryAlgorithms[value(children[1], "Algorithm")]
	if !known || len(children[1].ChildElements()) > 0 {
		return signedInfo{}, refuse(reasonAlgorithm)
	}
	info.method = method
	return info, info.readReference(children[2])
}

func (i *signedInfo) readReference(el *etree.Element) error {
	if !sequence(el, nsSignature, "Transforms", "DigestMethod", "DigestValue") {
		return refuse(reasonSignatureShape)
	}
	children := el.ChildElements()
	i.uri = value(el, "URI")
	var err error
	if i.prefixes, err = readTransforms(children[0]); err != nil {
		return err
	}
	digest, known := digests[value(children[1], "Algorithm")]
	if !known || len(children[1].ChildElements()) > 0 {
		return refuse(reasonAlgorithm)
	}
	i.digest = digest
	digestValue, ok := decodeText(children[2])
	if !ok {
		return refuse(reasonSignatureShape)
	}
	i.digestValue = digestValue
	return nil
}

// readTransforms takes exactly the two that SAML wants (SAML Core 5.4.4), and returns the second one's prefixes.
func readTransforms(el *etree.Element) (string, error) {
	if !sequence(el, nsSignature, "Transform", "Transform") {
		return "", refuse(reasonCanonicalization)
	}
	first, second := el.ChildElements()[0], el.ChildElements()[1]
	if value(first, "Algorithm") != enveloped || len(first.ChildElements()) > 0 {
		return "", refuse(reasonCanonicalization)
	}
	return readCanonicalization(second)
}

// readCanonicalization takes exclusive canonicalization without comments, and returns its list of prefixes (Exclusive XML
// Canonicalization 1.0 section 4).
func readCanonicalization(el *etree.Element) (string, error) {
	if value(el, "Algorithm") != nsExclusive {
		return "", refuse(reasonCanonicalization)
	}
	if len(el.ChildElements()) == 0 {
		return "", nil
	}
	if !sequence(el, nsExclusive, "InclusiveNamespaces") {
		return "", refuse(reasonCanonicalization)
	}
	prefixes := value(el.ChildElements()[0], "PrefixList")
	if len(strings.Fields(prefixes)) > maxPrefixes {
		return "", refuse(reasonCanonicalization)
	}
	return prefixes, nil
}
