package protocol

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	// SHA-1 is the default of RSA-OAEP (XML Encryption 1.1 section 5.5.2), which needs no collision resistance.
	_ "crypto/sha1" //nolint:gosec // see above

	"github.com/beevik/etree"
)

// blockCipher is a content encryption algorithm.
type blockCipher struct {
	keySize int
	decrypt func(cipher.Block, []byte) ([]byte, bool)
	// authenticated means that a change of the ciphertext is detected.
	authenticated bool
}

// blockCiphers maps algorithm URIs to ciphers (XML Encryption 1.1 sections 5.2.2 and 5.2.4). Triple DES is not
// supported.
var blockCiphers = map[string]blockCipher{
	aes128GCM:                   {keySize: 16, decrypt: decryptGCM, authenticated: true},
	aes256GCM:                   {keySize: 32, decrypt: decryptGCM, authenticated: true},
	nsEncryption + "aes128-cbc": {keySize: 16, decrypt: decryptCBC},
	nsEncryption + "aes256-cbc": {keySize: 32, decrypt: decryptCBC},
}

// decrypt returns the plaintext of an encrypted assertion. Unauthenticated encryption is accepted only in a response
// with a verified signature: otherwise an attacker could recover the text by sending changed ciphertexts and
// observing the outcome (XML Encryption 1.1 section 6.1.2). For the same reason all faults of a ciphertext have the
// same refusal.
func decrypt(encrypted *etree.Element, keys []*rsa.PrivateKey, signed bool) ([]byte, error) {
	data, wrapped, err := encryptedParts(encrypted)
	if err != nil {
		return nil, err
	}

	method, known := blockCiphers[algorithmOf(data)]
	if !known {
		return nil, refuse(reasonCipher)
	}
	if !method.authenticated && !signed {
		return nil, refuse(reasonCBC)
	}

	transport, err := readKeyTransport(wrapped)
	if err != nil {
		return nil, err
	}

	content, ok := cipherValue(data)
	if !ok {
		return nil, refuse(reasonDecryption)
	}

	secret, ok := transport.unwrap(wrapped, keys, method.keySize)
	if !ok {
		return nil, refuse(reasonDecryption)
	}

	plain, ok := method.open(secret, content)
	if !ok {
		return nil, refuse(reasonDecryption)
	}

	return plain, nil
}

// encryptedParts returns the content and its only key, which is in the content's KeyInfo or beside it (SAML Core
// 2.3.4).
func encryptedParts(encrypted *etree.Element) (data, wrapped *etree.Element, err error) {
	data = onlyChild(encrypted, nsEncryption, "EncryptedData")
	if data == nil {
		return nil, nil, refuse(reasonDecryption)
	}

	keys := childrenNamed(encrypted, nsEncryption, "EncryptedKey")
	if info := onlyChild(data, nsSignature, "KeyInfo"); info != nil {
		keys = append(keys, childrenNamed(info, nsEncryption, "EncryptedKey")...)
	}
	if len(keys) != 1 {
		return nil, nil, refuse(reasonDecryption)
	}

	return data, keys[0], nil
}

// algorithmOf returns the URI of the algorithm of an EncryptedData or EncryptedKey, "" if there is none.
func algorithmOf(el *etree.Element) string {
	method := onlyChild(el, nsEncryption, "EncryptionMethod")
	if method == nil {
		return ""
	}
	return value(method, "Algorithm")
}

// cipherValue returns the decoded CipherValue of an element.
func cipherValue(el *etree.Element) ([]byte, bool) {
	data := onlyChild(el, nsEncryption, "CipherData")
	if data == nil {
		return nil, false
	}

	encoded := onlyChild(data, nsEncryption, "CipherValue")
	if encoded == nil {
		return nil, false
	}

	return decodeText(encoded)
}

// open decrypts content with a key. ok is false for every kind of fault.
func (m blockCipher) open(secret, content []byte) (plain []byte, ok bool) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, false
	}
	return m.decrypt(block, content)
}

// decryptGCM decrypts a nonce of 96 bits, the ciphertext and a tag of 128 bits (XML Encryption 1.1 section 5.2.4).
func decryptGCM(block cipher.Block, content []byte) ([]byte, bool) {
	gcm, err := cipher.NewGCM(block)
	if err != nil || len(content) < gcm.NonceSize()+gcm.Overhead() {
		return nil, false
	}
	plain, err := gcm.Open(nil, content[:gcm.NonceSize()], content[gcm.NonceSize():], nil)
	return plain, err == nil
}

// decryptCBC decrypts an initialization vector and whole blocks. The last byte is the length of the padding (XML
// Encryption 1.1 section 5.2.1).
func decryptCBC(block cipher.Block, content []byte) ([]byte, bool) {
	size := block.BlockSize()
	if len(content) < 2*size || len(content)%size != 0 {
		return nil, false
	}

	plain := make([]byte, len(content)-size)
	cipher.NewCBCDecrypter(block, content[:size]).CryptBlocks(plain, content[size:])
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > size {
		return nil, false
	}

	return plain[:len(plain)-padding], true
}
