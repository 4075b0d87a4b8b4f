package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// manyKeys is how many keys one request may change.
const manyKeys = 10_000

// filled returns a store with keys of one user, and their ids.
func filled(b *testing.B) (*store.Store, []string) {
	b.Helper()
	st := open(b, "sqlite:"+filepath.Join(b.TempDir(), "test.db"), time.Now)
	ids := make([]string, manyKeys)
	err := st.Update(b.Context(), func(tx *store.Tx) error {
		if err := tx.InsertUser(store.User{Name: "alice"}); err != nil {
			return err
		}
		for i := range ids {
			ids[i] = fmt.Sprintf("%020d", i*7919%manyKeys)
			key := store.APIKey{ID: ids[i], UserName: "alice", SecretDigest: fmt.Sprintf("%064d", i), ExpiresAt: tx.Now.Add(time.Hour)}
			if err := tx.InsertAPIKey(key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return st, ids
}

func perSecond(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.N)*manyKeys/b.Elapsed().Seconds(), "keys/s")
}

func BenchmarkUpdateKeys(b *testing.B) {
	st, ids := filled(b)
	b.ReportAllocs()
	for version := 0; b.Loop(); version++ {
		metadata := fmt.Sprintf(`{"version":%d}`, version)
		change := store.KeyChange{Metadata: &metadata, LimitedBy: "l", Creator: "c", Version: version}
		if err := st.Update(b.Context(), func(tx *store.Tx) error { return tx.UpdateKeys(ids, change) }); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b)
}

func BenchmarkKeysByIDs(b *testing.B) {
	st, ids := filled(b)
	b.ReportAllocs()
	for b.Loop() {
		err := st.View(b.Context(), func(tx *store.Tx) error {
			_, err := tx.KeysByIDs(ids)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b)
}
