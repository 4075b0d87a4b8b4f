package store

import (
	"crypto/sha256"
	"encoding/hex"
)

// The statements on these records.
var (
	// PostgreSQL treats a conflict as a read, so a concurrent removal of the document makes a serializable
	// transaction retry.
	insertDocument = prepare(`INSERT INTO documents (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`)
	selectDocument = prepare(`SELECT body FROM documents WHERE id = $1`)
	// The tables are read as a whole, rather than once per document. Indexes would make each change of a key slower.
	purgeDocuments = prepare(`DELETE FROM documents WHERE id IN (SELECT id FROM documents
		EXCEPT SELECT assigned FROM api_keys EXCEPT SELECT limited_by FROM api_keys
		EXCEPT SELECT creator FROM api_keys)`)
)

// Put stores a text that records share, unless it is stored already, and returns its id. Equal texts have equal ids.
// A document that no key refers to is removed by the next Purge.
func (t Documents) Put(body []byte) (string, error) {
	id := DocumentID(body)
	_, err := t.tx.exec(insertDocument, id, string(body))
	return id, err
}

// DocumentID returns the id of a document with a text.
func DocumentID(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Get returns a document's text, which never changes, or ErrNotFound.
func (t Documents) Get(id string) ([]byte, error) {
	body, err := one(t.tx, single[[]byte], selectDocument, id)
	t.tx.read.bytes += len(body)
	return body, err
}

// Purge removes the documents that no key refers to, and returns how many there were. It reads all keys.
func (t Documents) Purge() (int, error) {
	return t.tx.exec(purgeDocuments)
}
