package protocol

import (
	"crypto"
	"crypto/rsa"

	"github.com/beevik/etree"
)

// keyTransport is how the key of the content is encrypted: RSA-OAEP (RFC 8017 section 7.1) with a digest, and with one of
// some hashes to make masks.
type keyTransport struct {
	digest crypto.Hash
	masks  []crypto.Hash
}

var oaepDigests = map[string]crypto.Hash{
	"":                      crypto.SHA1,
	nsSignature + "sha1":    crypto.SHA1,
	nsEncryption + "sha256": crypto.SHA256,
}

var oaepMasks = map[string]crypto.Hash{
	nsEncryption11 + "mgf1sha1":   crypto.SHA1,
	nsEncryption11 + "mgf1sha256": crypto.SHA256,
}

// readKeyTransport reads how a key was encrypted (XML Encryption 1.1 section 5.5.2). RSA PKCS #1 v1.5 is refused: it can be
// broken by asking often enough.
func readKeyTransport(wrapped *etree.Element) (keyTransport, error) {
	name := algorithmOf(wrapped)
	if name != rsaOAEP && name != nsEncryption11+"rsa-oaep" {
		return keyTransport{}, refuse(reasonCipher)
	}
	method := one(wrapped, nsEncryption, "EncryptionMethod")
	if len(all(method, nsEncryption, "OAEPparams")) > 0 {
		return keyTransport{}, refuse(reasonCipher)
	}
	digest, known := oaepDigests[parameter(method, nsSignature, "DigestMethod")]
	if !known {
		return keyTransport{}, refuse(reasonCipher)
	}
	masks, err := readMasks(parameter(method, nsEncryption11, "MGF"), digest)
	return keyTransport{digest: digest, masks: masks}, err
}

// readMasks returns the hash that is named. If none is, it is SHA-1, but there are senders whose library takes the digest
// for both, so that this is tried as well.
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

// parameter returns the algorithm that a child names, "" if there is no such child.
func parameter(method *etree.Element, namespace, tag string) string {
	switch found := all(method, namespace, tag); len(found) {
	case 0:
		return ""
	case 1:
		return value(found[0], "Algorithm")
	}
	return "more than one"
}

// unwrap returns the key of the content, and false if none of ours decrypts it to a key of that many bytes.
func (t keyTransport) unwrap(wrapped *etree.Element, keys []*rsa.PrivateKey, size int) ([]byte, bool) {
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
