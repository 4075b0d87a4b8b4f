package store

import (
	"context"
	"time"
)

// A document becomes a candidate when it is put, and when a key ceases to refer to it. A sweep checks candidates only,
// so a document that nothing has listed stays, and one that is listed for no reason costs its check.

const (
	// candidateAge is the age from which candidates are checked. The transactions that listed them have ended by then, and
	// so did most that put a document for a key.
	candidateAge = time.Minute
	// mostCandidates bounds the documents of one sweep.
	mostCandidates = 10_000
	// keysPerCandidate is the number of keys that may be read per candidate. With more keys, candidates wait for others.
	keysPerCandidate = 1_000
)

// checkedAtOnce is the number of keys that one transaction reads. It is changed in tests only.
var checkedAtOnce = 50_000

// The statements on these records.
var (
	insertCandidates = prepare(`INSERT INTO document_candidates (document, at)
		SELECT value ->> 0, CAST($2 AS BIGINT) FROM ` + elements)
	releaseUserDocuments = prepare(`INSERT INTO document_candidates (document, at) SELECT document, CAST($2 AS BIGINT)
		FROM (SELECT assigned AS document FROM api_keys WHERE user_name = $1
			UNION SELECT limited_by FROM api_keys WHERE user_name = $1
			UNION SELECT creator FROM api_keys WHERE user_name = $1) AS documents_of_keys WHERE document <> ''`)
	selectCandidates = prepare(`SELECT DISTINCT document FROM (SELECT document FROM document_candidates WHERE at <= $1
		ORDER BY at, document LIMIT $2) AS oldest ORDER BY document`)
	deleteCandidates = prepare(`DELETE FROM document_candidates WHERE at <= $2 AND document ` + among)
	countSomeKeys    = prepare(`SELECT COUNT(*) FROM (SELECT 1 FROM api_keys LIMIT $1) AS some_keys`)
	selectKeyAt      = prepare(`SELECT id FROM api_keys WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2`)

	selectUnreferencedFrom    = prepare(unreferenced(` WHERE id > $2`))
	selectUnreferencedBetween = prepare(unreferenced(` WHERE id > $2 AND id <= $3`))
	// All keys are read again, in the transaction that deletes: a key may have been given the document since.
	deleteUnreferenced = prepare(`DELETE FROM documents WHERE id IN (` + unreferenced(``) + `)`)
)

// unreferenced is a query for those documents that none of the selected keys refers to. The tables are read as a whole:
// indexes would make each change of a key slower.
func unreferenced(where string) string {
	return `SELECT id FROM documents WHERE id ` + among + `
		EXCEPT SELECT assigned FROM api_keys` + where + `
		EXCEPT SELECT limited_by FROM api_keys` + where + `
		EXCEPT SELECT creator FROM api_keys` + where
}

// Release makes documents candidates, because a key has ceased to refer to them.
func (t Documents) Release(ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	rows := make(list[[1]string], len(ids))
	for i, id := range ids {
		rows[i][0] = id
	}
	return t.tx.do(insertCandidates, rows, millis(t.tx.Now))
}

// DocumentSweep is the result of SweepDocuments.
type DocumentSweep struct {
	// Checked is the number of candidates that were checked. With 0, no keys were read.
	Checked int
	// Removed is the number of documents that were removed.
	Removed int
}

// SweepDocuments removes candidates that no key refers to, a bounded number per call. It reads the keys only if there
// are candidates, and unless eager only if there is one for each keysPerCandidate keys: in transactions that lock
// nothing, and once more in the transaction that deletes, if there is anything to delete.
func (s *Store) SweepDocuments(ctx context.Context, eager bool) (DocumentSweep, error) {
	before := s.Now().Add(-candidateAge)
	candidates, err := Read(ctx, s, func(tx *Tx) ([]string, error) { return tx.Documents.candidates(before, eager) })
	if err != nil || len(candidates) == 0 {
		return DocumentSweep{}, err
	}
	unreferenced, err := s.unreferenced(ctx, candidates)
	if err != nil {
		return DocumentSweep{}, err
	}
	removed, err := Write(ctx, s, func(tx *Tx) (removed int, err error) {
		if len(unreferenced) > 0 {
			if removed, err = tx.exec(deleteUnreferenced, texts(unreferenced)); err != nil {
				return 0, err
			}
		}
		return removed, tx.do(deleteCandidates, texts(candidates), millis(before))
	})
	return DocumentSweep{Checked: len(candidates), Removed: removed}, err
}

// candidates returns the documents to check now, in order.
func (t Documents) candidates(before time.Time, eager bool) ([]string, error) {
	ids, err := all(t.tx, single[string], selectCandidates, millis(before), mostCandidates)
	if err != nil || eager || len(ids) == 0 {
		return ids, err
	}
	most := len(ids) * keysPerCandidate
	keys, err := one(t.tx, single[int], countSomeKeys, most+1)
	if err != nil || keys > most {
		return nil, err
	}
	return ids, nil
}

// unreferenced returns those documents that no key refers to. It reads the keys in the order of their ids.
func (s *Store) unreferenced(ctx context.Context, documents []string) ([]string, error) {
	type part struct {
		left []string
		end  string
	}
	after := ""
	for len(documents) > 0 {
		read, err := Read(ctx, s, func(tx *Tx) (p part, err error) {
			ends, err := all(tx, single[string], selectKeyAt, after, checkedAtOnce-1)
			if err != nil {
				return p, err
			}
			if len(ends) == 0 {
				p.left, err = all(tx, single[string], selectUnreferencedFrom, texts(documents), after)
				return p, err
			}
			p.end = ends[0]
			p.left, err = all(tx, single[string], selectUnreferencedBetween, texts(documents), after, p.end)
			return p, err
		})
		if err != nil {
			return nil, err
		}
		documents, after = read.left, read.end
		if after == "" {
			break
		}
	}
	return documents, nil
}
