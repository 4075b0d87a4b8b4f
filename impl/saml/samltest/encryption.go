package samltest

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // messages encrypted with it must be refused
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
)

const (
	oaep      = nsEncryption + "rsa-oaep-mgf1p"
	oaep11    = nsEncryption11 + "rsa-oaep"
	pkcs1     = nsEncryption + "rsa-1_5"
	aes128GCM = nsEncryption11 + "aes128-gcm"
	aes256GCM = nsEncryption11 + "aes256-gcm"
	aes128CBC = nsEncryption + "aes128-cbc"
	aes256CBC = nsEncryption + "aes256-cbc"
	tripleDES = nsEncryption + "tripledes-cbc"

	digestSHA1   = nsSignature + "sha1"
	digestSHA256 = nsEncryption + "sha256"
)

// encryption holds the parameters of an encrypted assertion (XML Encryption 1.1).
type encryption struct {
	cipher    string
	keySize   int // bytes
	transport string
	digest    string // absent: none is named
	mask      string // absent: none is named
	hash      crypto.Hash
	maskHash  crypto.Hash
	detached  bool // the key stands beside the content, not in its KeyInfo
	// plain and content change what is encrypted and what comes out.
	plain, content func([]byte) []byte
}

func newEncryption(name string) *encryption {
	same := func(b []byte) []byte { return b }
	sizes := map[string]int{
		aes128GCM: 16,
		aes128CBC: 16,
		aes256GCM: 32,
		aes256CBC: 32,
		tripleDES: 24,
	}
	return &encryption{
		cipher:    name,
		keySize:   sizes[name],
		transport: oaep,
		digest:    digestSHA1,
		mask:      absent,
		hash:      crypto.SHA1,
		maskHash:  crypto.SHA1,
		plain:     same,
		content:   same,
	}
}

// encrypt returns the EncryptedAssertion of an assertion.
func (e *encryption) encrypt(m *message, assertion string) string {
	secret := make([]byte, e.keySize)
	_, _ = rand.Read(secret)
	content := e.content(e.seal(secret, e.plain([]byte(assertion))))
	if m.request.Encryption == nil {
		panic("samltest: no certificate to encrypt for")
	}

	key := e.wrap(m.request.Encryption.PublicKey.(*rsa.PublicKey), secret)
	inside, beside := "", ""
	if e.detached {
		beside = e.encryptedKey(nsEncryption, key)
	} else {
		inside = el("ds", "KeyInfo", nsSignature, nil, e.encryptedKey("", key))
	}

	data := el("xenc", "EncryptedData", nsEncryption, []string{"Type", nsEncryption + "Element"},
		el("xenc", "EncryptionMethod", "", []string{"Algorithm", e.cipher}), inside, cipherData(content))

	return el(m.response.assertionPrefix, "EncryptedAssertion", nsAssertion, nil, data, beside)
}

// encryptedKey returns the EncryptedKey, which declares its namespace unless that is "".
func (e *encryption) encryptedKey(namespace string, key []byte) string {
	parameters := ""
	if e.digest != absent {
		declared := ""
		if namespace != "" {
			declared = nsSignature
		}
		parameters = el("ds", "DigestMethod", declared, []string{"Algorithm", e.digest})
	}

	if e.mask != absent {
		parameters += el("xenc11", "MGF", nsEncryption11, []string{"Algorithm", e.mask})
	}

	return el("xenc", "EncryptedKey", namespace, nil,
		el("xenc", "EncryptionMethod", "", []string{"Algorithm", e.transport}, parameters), cipherData(key))
}

func cipherData(content []byte) string {
	return el("xenc", "CipherData", "", nil,
		el("xenc", "CipherValue", "", nil, base64.StdEncoding.EncodeToString(content)))
}

// wrap encrypts the content key.
func (e *encryption) wrap(key *rsa.PublicKey, secret []byte) []byte {
	if e.transport == pkcs1 {
		return must(rsa.EncryptPKCS1v15(rand.Reader, key, secret)) //nolint:staticcheck // the message must be refused
	}
	return must(rsa.EncryptOAEPWithOptions(rand.Reader, key, secret, &rsa.OAEPOptions{Hash: e.hash, MGFHash: e.maskHash}))
}

// seal encrypts the content.
func (e *encryption) seal(secret, plain []byte) []byte {
	switch e.cipher {
	case aes128GCM, aes256GCM:
		gcm := must(cipher.NewGCM(must(aes.NewCipher(secret))))
		nonce := make([]byte, gcm.NonceSize())
		_, _ = rand.Read(nonce)
		return gcm.Seal(nonce, nonce, plain, nil)
	case tripleDES:
		return sealCBC(must(des.NewTripleDESCipher(secret)), plain) //nolint:gosec // the message must be refused
	}

	return sealCBC(must(aes.NewCipher(secret)), plain)
}

func sealCBC(block cipher.Block, plain []byte) []byte {
	size := block.BlockSize()
	padding := size - len(plain)%size
	last := byte(padding) //nolint:gosec // at most a block's 16 bytes
	plain = append(bytes.Clone(plain), bytes.Repeat([]byte{last}, padding)...)
	sealed := make([]byte, size+len(plain))
	_, _ = rand.Read(sealed[:size])
	cipher.NewCBCEncrypter(block, sealed[:size]).CryptBlocks(sealed[size:], plain)
	return sealed
}
