package store

import (
	"crypto/sha256"
	"encoding/hex"
)

// The statements on these records.
var (
	// PostgreSQL treats a conflict as a read, so a concurrent removal of the document makes a serializable
	// transaction retry.
	insertDocument  = prepare(`INSERT INTO documents (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`)
	selectDocument  = prepare(`SELECT body FROM documents WHERE id = $1`)
	selectDocuments = prepare(`SELECT id, body FROM documents WHERE id ` + among)
)

// Put stores a text that records share, unless it is stored already, and returns its id. Equal texts have equal ids.
// A new document that no key is given is removed by Store.SweepDocuments.
func (t Documents) Put(body []byte) (string, error) {
	id := DocumentID(body)
	inserted, err := t.tx.changes(insertDocument, id, string(body))
	if err == nil && inserted {
		err = t.Release(id)
	}
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

// All returns the texts of those documents that exist, by their ids.
func (t Documents) All(ids []string) (map[string][]byte, error) {
	type document struct {
		id   string
		body []byte
	}
	bodies := make(map[string][]byte, len(ids))
	err := each(t.tx, func(d *document) []any { return []any{&d.id, &d.body} }, func(d document) {
		bodies[d.id] = d.body
		t.tx.read.bytes += len(d.body)
	}, selectDocuments, texts(ids))
	return bodies, err
}
