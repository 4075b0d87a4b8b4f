package store

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Ensures that members of documents are compared by their bytes, as texts in columns are, in statements and in indexes.
func TestPostgres_BytewiseMembers(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), postgrestest.DSN(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})

	for name, statement := range map[string]string{
		"statement": `SELECT pg_collation_for(` + creatorRealm + `) FROM (VALUES ('{}')) AS documents (body)`,
		"index": `SELECT quote_ident(collname) FROM pg_index CROSS JOIN unnest(indcollation) AS indexed
			JOIN pg_collation ON pg_collation.oid = indexed WHERE indexrelid = 'documents_realm'::regclass`,
	} {
		var order string
		if err := s.reader.QueryRowContext(t.Context(), statement).Scan(&order); err != nil || order != `"C"` {
			t.Errorf("the order of the %s is %s: %v", name, order, err)
		}
	}
}
