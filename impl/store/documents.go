package store

import (
	"crypto/sha256"
	"encoding/hex"
)

// The statements on these records.
var (
	insertDocument = prepare(`INSERT INTO documents (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`)
	selectDocument = prepare(`SELECT body FROM documents WHERE id = $1`)
	// The tables are read once each, and not once a document, whatever their indexes.
	purgeDocuments = prepare(`DELETE FROM documents WHERE id NOT IN
		(SELECT assigned FROM api_keys UNION SELECT limited_by FROM api_keys UNION SELECT creator FROM api_keys)`)
)

// PutDocument stores a text that many records share, unless it is stored already, and returns its id. Equal texts have
// equal ids. A document that no key refers to lives until the next PurgeKeys.
func (tx *Tx) PutDocument(body []byte) (string, error) {
	sum := sha256.Sum256(body)
	id := hex.EncodeToString(sum[:])
	_, err := tx.exec(insertDocument, id, string(body))
	return id, err
}

// Document returns a document's text, or ErrNotFound.
func (tx *Tx) Document(id string) ([]byte, error) {
	return one(tx, func(row scanner) (body []byte, err error) {
		err = row.Scan(&body)
		return body, err
	}, selectDocument, id)
}
