package http_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// parallel runs f n times at once.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}

	close(start)
	wg.Wait()
}

const crowd = 200

// Ensures that 200 refreshes of one token at once all succeed, with 200 tokens that work, and that one logout ends all.
func TestParallel_Refresh(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	old := w.login("alice", alicePassword)
	tokens := make([]string, crowd)
	parallel(crowd, func(i int) {
		r, err := w.client.RefreshTokenWithResponse(t.Context(), bearer(old))
		if err != nil || r.JSON200 == nil {
			t.Errorf("refresh: %v %v", err, r)
			return
		}
		tokens[i] = r.JSON200.Token
	})

	distinct := map[string]bool{}
	for _, token := range tokens {
		distinct[token] = true
	}

	if len(distinct) != crowd || !w.alive(bearer(tokens[crowd-1])) {
		t.Errorf("%d distinct tokens", len(distinct))
	}
	if r, err := w.client.LogoutWithResponse(t.Context(), bearer(tokens[0])); err != nil || r.JSON200 == nil {
		t.Fatalf("logout: %v %v", err, r)
	}

	for _, token := range append(tokens, old) {
		if w.alive(bearer(token)) {
			t.Fatal("a token is alive after the logout")
		}
	}
}

// Ensures that concurrent refreshes, logouts and creations of keys get only answers of the contract, that no token
// works after the answer to its logout, and that every key works after the answer to its creation.
func TestParallel_Mixed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	token := w.login("alice", alicePassword)
	var mu sync.Mutex
	tokens, keys := []string{token}, []string{}
	half := make(chan struct{}) // closed when half of the refreshes and creations were answered: then the logouts begin
	answered := func() {
		if len(tokens)+len(keys) == crowd {
			close(half)
		}
	}

	refresh := func() {
		r, err := w.client.RefreshTokenWithResponse(t.Context(), bearer(token))
		w.oneOf(err, r.StatusCode(), http.StatusOK, http.StatusUnauthorized)
		if r.JSON200 != nil {
			mu.Lock()
			tokens = append(tokens, r.JSON200.Token)
			answered()
			mu.Unlock()
		}
	}

	create := func() {
		r, err := w.client.CreateAPIKeyWithResponse(t.Context(), client.CreateAPIKeyRequest{Description: "a key"},
			bearer(token))
		w.oneOf(err, r.StatusCode(), http.StatusCreated, http.StatusUnauthorized)
		if r.JSON201 != nil {
			mu.Lock()
			keys = append(keys, *r.JSON201.Key)
			answered()
			mu.Unlock()
		}
	}

	const rounds = 10 // writers are queued in order, so concurrent requests would all precede the logout
	parallel(3*crowd/rounds, func(i int) {
		switch i % 3 {
		case 0:
			for range rounds {
				refresh()
			}
		case 1:
			for range rounds {
				create()
			}
		default:
			<-half
			r, err := w.client.LogoutWithResponse(t.Context(), bearer(token))
			w.oneOf(err, r.StatusCode(), http.StatusOK, http.StatusUnauthorized)
		}
	})

	for _, token := range tokens {
		if w.alive(bearer(token)) {
			t.Fatal("a token is alive after the logout")
		}
	}

	for _, key := range keys {
		if !w.alive(apiKey(key)) {
			t.Fatal("a key does not work after its creation was answered")
		}
	}

	if n := len(tokens) + len(keys); n == 2*crowd+1 {
		t.Error("every request came before the first logout, so nothing was tested")
	} else {
		t.Logf("%d refreshes and %d creations came before the logout", len(tokens)-1, len(keys))
	}
}

func (w *world) oneOf(err error, status int, allowed ...int) {
	w.Helper()
	for _, each := range allowed {
		if err == nil && status == each {
			return
		}
	}
	w.Errorf("answered %d, %v; allowed are %v", status, err, allowed)
}

// Ensures that of many deletions of one key at once exactly one finds it.
func TestParallel_Delete(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.newKey(alice, "a key", "")
	token := w.login("alice", alicePassword)
	var mu sync.Mutex
	found := 0
	parallel(crowd, func(int) {
		r, err := w.client.DeleteAPIKeyWithResponse(t.Context(), key.ID, bearer(token))
		w.oneOf(err, r.StatusCode(), http.StatusOK, http.StatusNotFound)
		if r.JSON200 != nil {
			mu.Lock()
			found++
			mu.Unlock()
		}
	})
	if found != 1 {
		t.Errorf("%d deletions found the key", found)
	}
}
