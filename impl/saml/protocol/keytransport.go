package protocol

import (
	"crypto"
	"crypto/rsa"

	"github.com/beevik/etree"
)

// keyTransport is the encryption of a content key: RSA-OAEP (RFC 8017 section 7.1) with a digest. masks are the
// hashes of the mask generation function to try.
type keyTransport struct {
	digest crypto.Hash
	masks  []crypto.Hash
}

// oaepDigests maps digest algorithm URIs to hashes. The default is SHA-1.
var oaepDigests = map[string]crypto.Hash{
	"":                      crypto.SHA1,
	nsSignature + "sha1":    crypto.SHA1,
	nsEncryption + "sha256": crypto.SHA256,
}

// oaepMasks maps mask generation function URIs to hashes.
var oaepMasks = map[string]crypto.Hash{
	nsEncryption11 + "mgf1sha1":   crypto.SHA1,
	nsEncryption11 + "mgf1sha256": crypto.SHA256,
}

// readKeyTransport reads the parameters of an encrypted key (XML Encryption 1.1 section 5.5.2). RSA PKCS #1 v1.5 is
// refused, because it is open to padding oracle attacks.
func readKeyTransport(wrapped *etree.Element) (keyTransport, error) {
	name := algorithmOf(wrapped)
	if name != rsaOAEP && name != nsEncryption11+"rsa-oaep" {
		return keyTransport{}, refuse(reasonCipher)
	}

	method := onlyChild(wrapped, nsEncryption, "EncryptionMethod")
	if len(childrenNamed(method, nsEncryption, "OAEPparams")) > 0 {
		return keyTransport{}, refuse(reasonCipher)
	}

	digest, known := oaepDigests[parameter(method, nsSignature, "DigestMethod")]
	if !known {
		return keyTransport{}, refuse(reasonCipher)
	}

	masks, err := readMasks(parameter(method, nsEncryption11, "MGF"), digest)
	return keyTransport{digest: digest, masks: masks}, err
}

// readMasks returns the hashes to try for a mask generation function. The default is SHA-1, but some libraries use
// the digest for both, so it is tried as well.
func readMasks(name string, digest crypto.Hash) ([]crypto.Hash, error) {
	if name == "" {
		if digest == crypto.SHA1 {
			return []crypto.Hash{crypto.SHA1}, nil
		}
		return []crypto.Hash{crypto.SHA1, digest}, nil
	}

	mask, known := oaepMasks[name]
	if !known {
		return nil, refuse(reasonCipher)
	}

	return []crypto.Hash{mask}, nil
}

// parameter returns the algorithm URI of a child element, "" if there is no such child.
func parameter(method *etree.Element, namespace, tag string) string {
	switch found := childrenNamed(method, namespace, tag); len(found) {
	case 0:
		return ""
	case 1:
		return value(found[0], "Algorithm")
	}

	// No algorithm has this name, so it is refused as unknown.
	return "more than one"
}

// unwrap decrypts a content key. ok is false if no private key yields a key of size bytes.
func (t keyTransport) unwrap(wrapped *etree.Element, keys []*rsa.PrivateKey, size int) (secret []byte, ok bool) {
	ciphertext, ok := cipherValue(wrapped)
	if !ok {
		return nil, false
	}

	for _, key := range keys {
		for _, mask := range t.masks {
			secret, err := key.Decrypt(nil, ciphertext, &rsa.OAEPOptions{Hash: t.digest, MGFHash: mask})
			if err == nil && len(secret) == size {
				return secret, true
			}
		}
	}

	return nil, false
}
