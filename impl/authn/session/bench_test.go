package session

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// BenchmarkRefresh measures the refreshes of concurrent clients, each of which has a session of its own, on SQLite with
// durable commits. One operation is one refresh.
func BenchmarkRefresh(b *testing.B) {
	for _, clients := range []int{1, 16, 2000} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) { benchmarkRefresh(b, clients) })
	}
}

func benchmarkRefresh(b *testing.B, clients int) {
	st, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "test.db"), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	st.Follow(store.MaxLifetime, nil)
	sealer, err := secret.NewSealer(make([]byte, secret.KeySize))
	if err != nil {
		b.Fatal(err)
	}
	s, err := New(b.Context(), st, sealer, DefaultSettings)
	if err != nil {
		b.Fatal(err)
	}

	tokens := make([]Token, clients)
	err = st.Update(b.Context(), func(tx *store.Tx) error {
		if err := tx.Users.Insert(store.User{Name: "alice", Enabled: true}); err != nil {
			return err
		}
		for i := range tokens {
			var err error
			if tokens[i], err = s.Begin(b.Context(), tx, "alice"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}

	refresh := func(old Token) (Token, error) {
		live, err := s.Verify(b.Context(), old.Value)
		if err != nil {
			return Token{}, err
		}
		return store.Write(b.Context(), st, func(tx *store.Tx) (Token, error) { return s.Refresh(tx, live.Token.ID) })
	}
	took := make([]time.Duration, b.N)
	var wg sync.WaitGroup
	b.ResetTimer()
	for i, token := range tokens {
		wg.Go(func() {
			for n := i; n < b.N; n += clients {
				began := time.Now()
				var err error
				if token, err = refresh(token); err != nil {
					b.Error(err)
					return
				}
				took[n] = time.Since(began)
			}
		})
	}
	wg.Wait()
	b.StopTimer()

	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "refreshes/s")
	b.ReportMetric(float64(took[b.N/2].Microseconds())/1e3, "median-ms")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds())/1e3, "p99-ms")
}
