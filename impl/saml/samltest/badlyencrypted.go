package samltest

import (
	"bytes"
	"crypto"
)

// badlyEncrypted returns encrypted assertions that must not or cannot be decrypted.
func badlyEncrypted() []Case {
	encrypted := func(name, cipher string, change func(*message, *encryption)) Case {
		return refusedCase(name, func(m *message) {
			m.encryption = newEncryption(cipher)
			change(m, m.encryption)
		})
	}

	asIs := func(*message, *encryption) {}
	content := func(name, cipher string, change func([]byte) []byte) Case {
		return encrypted(name, cipher, func(m *message, e *encryption) {
			m.signResponse, e.content = newSigning(m.idp.RSA), change
		})
	}

	plain := func(name, text string) Case {
		return encrypted(name, aes256GCM,
			func(_ *message, e *encryption) { e.plain = func([]byte) []byte { return []byte(text) } })
	}

	return []Case{
		encrypted("unauthenticated AES-128-CBC", aes128CBC, asIs),
		encrypted("unauthenticated AES-256-CBC", aes256CBC, asIs),
		encrypted("triple DES", tripleDES, asIs),
		encrypted("triple DES in a signed response", tripleDES,
			func(m *message, _ *encryption) { m.signResponse = newSigning(m.idp.RSA) }),
		encrypted("RSA-1.5", aes256GCM, func(_ *message, e *encryption) { e.transport, e.digest = pkcs1, absent }),
		encrypted("RSA-1.5 in a signed response", aes256GCM, func(m *message, e *encryption) {
			m.signResponse, e.transport, e.digest = newSigning(m.idp.RSA), pkcs1, absent
		}),
		encrypted("RSA-OAEP with another digest than it says", aes256GCM,
			func(_ *message, e *encryption) { e.hash = crypto.SHA512 }),
		encrypted("encrypted for another service provider", aes256GCM,
			func(m *message, _ *encryption) { m.request.Encryption = m.idp.Attacker.Certificate }),
		encrypted("encrypted and unsigned", aes256GCM, func(m *message, _ *encryption) { m.signAssertion = nil }),
		encrypted("key of another length", aes256GCM, func(_ *message, e *encryption) { e.keySize = 16 }),
		content("short ciphertext", aes256GCM, func(b []byte) []byte { return b[:20] }),
		content("short ciphertext of CBC", aes256CBC, func(b []byte) []byte { return b[:16] }),
		content("ciphertext of no whole blocks", aes256CBC, func(b []byte) []byte { return b[:len(b)-1] }),
		content("tampered ciphertext", aes256GCM, flipBit),
		content("tampered ciphertext of CBC", aes256CBC, flipBit),
		content("empty ciphertext", aes256GCM, func([]byte) []byte { return nil }),
		content("empty ciphertext of CBC", aes256CBC, func([]byte) []byte { return nil }),
		plain("decrypts to text", "no assertion"),
		plain("decrypts to nothing", ""),
		plain("decrypts to another element", `<saml:Issuer xmlns:saml="`+nsAssertion+`">x</saml:Issuer>`),
		encrypted("decrypts to a document type", aes256GCM, func(_ *message, e *encryption) {
			e.plain = func(b []byte) []byte { return append([]byte("<!DOCTYPE x>"), b...) }
		}),
		encrypted("decrypts to two assertions", aes256GCM, func(_ *message, e *encryption) {
			e.plain = func(b []byte) []byte { return bytes.Repeat(b, 2) }
		}),
		encrypted("decrypts to duplicate IDs", aes256GCM, func(m *message, _ *encryption) {
			m.assertion.extra = m.assertion.el("Advice", nil, m.assertion.el("Issuer", []string{"Id", m.assertion.id}))
		}),
		encrypted("decrypts to another assertion of the same ID with the signature", aes256GCM,
			func(m *message, e *encryption) {
				evil := m.evil()
				evil.id = m.assertion.id
				signature := m.signAssertion.signatureOver(m.assertion.id, m.assertion.xml(""))
				e.plain = func([]byte) []byte { return []byte(evil.xml(signature)) }
			}),
		encrypted("decrypts to an assertion that has the response's ID and its signature", aes256GCM,
			func(m *message, e *encryption) {
				evil := m.evil()
				evil.id = m.response.id
				signature := newSigning(m.idp.RSA).signatureOver(m.response.id, m.response.xml("", m.assertion.xml("")))
				e.plain = func([]byte) []byte { return []byte(evil.xml(signature)) }
			}),
		encrypted("decrypts to a wrapped assertion", aes256GCM, func(m *message, e *encryption) {
			evil := m.evil()
			evil.extra = m.assertion.signed(newSigning(m.idp.RSA))
			e.plain = func([]byte) []byte { return []byte(evil.xml("")) }
		}),
	}
}

// flipBit changes one bit in the middle.
func flipBit(b []byte) []byte {
	b[len(b)/2] ^= 1
	return b
}
