package protocol

import (
	"crypto"
	"strings"

	"github.com/beevik/etree"
)

// maxPrefixes bounds an InclusiveNamespaces list.
const maxPrefixes = 16

// signedInfo is the content of a SignedInfo (XML Signature 1.1 section 4.4).
type signedInfo struct {
	method queryAlgorithm
	// ownPrefixes is the prefix list for the canonicalization of the SignedInfo itself.
	ownPrefixes string
	uri         string
	// prefixes is the prefix list for the canonicalization of the referenced element.
	prefixes    string
	digest      crypto.Hash
	digestValue []byte
}

// readSignedInfo reads a SignedInfo with exactly one Reference.
func readSignedInfo(el *etree.Element) (signedInfo, error) {
	if !hasChildrenInOrder(el, nsSignature, "CanonicalizationMethod", "SignatureMethod", "Reference") {
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

// readReference reads the Reference.
func (i *signedInfo) readReference(el *etree.Element) error {
	if !hasChildrenInOrder(el, nsSignature, "Transforms", "DigestMethod", "DigestValue") {
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

// readTransforms requires the two transforms that SAML allows (SAML Core 5.4.4), and returns the prefix list of the
// second one.
func readTransforms(el *etree.Element) (string, error) {
	if !hasChildrenInOrder(el, nsSignature, "Transform", "Transform") {
		return "", refuse(reasonCanonicalization)
	}

	first, second := el.ChildElements()[0], el.ChildElements()[1]
	if value(first, "Algorithm") != enveloped || len(first.ChildElements()) > 0 {
		return "", refuse(reasonCanonicalization)
	}

	return readCanonicalization(second)
}

// readCanonicalization requires exclusive canonicalization without comments, and returns its prefix list (Exclusive
// XML Canonicalization 1.0 section 4).
func readCanonicalization(el *etree.Element) (string, error) {
	if value(el, "Algorithm") != nsExclusive {
		return "", refuse(reasonCanonicalization)
	}
	if len(el.ChildElements()) == 0 {
		return "", nil
	}
	if !hasChildrenInOrder(el, nsExclusive, "InclusiveNamespaces") {
		return "", refuse(reasonCanonicalization)
	}

	prefixes := value(el.ChildElements()[0], "PrefixList")
	if len(strings.Fields(prefixes)) > maxPrefixes {
		return "", refuse(reasonCanonicalization)
	}

	return prefixes, nil
}
