package sallyporttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// faultStatus is status, or 0 if there is no answer. It uses a new connection, so that the client does not repeat the
// request by itself.
func faultStatus(t *testing.T, s *sallyporttest.Server, c sallyporttest.Credentials, method, path, body string) int {
	t.Helper()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	response, err := send(t, s, c, method, path, body)
	if err != nil {
		return 0
	}
	return response.StatusCode
}

func TestFail(t *testing.T) {
	const created = `{"description": "x"}`
	for name, c := range map[string]struct {
		fault []sallyporttest.FaultOption
		// want are the statuses of the requests, and stored is the number of keys in the end.
		want   []int
		stored int
	}{
		"status, three times": {
			[]sallyporttest.FaultOption{sallyporttest.Status(502), sallyporttest.Times(3)},
			[]int{502, 502, 502, 201, 201}, 2,
		},
		"dropped connection": {
			[]sallyporttest.FaultOption{sallyporttest.Drop(), sallyporttest.Times(1)}, []int{0, 201}, 1,
		},
		"answer lost": {
			[]sallyporttest.FaultOption{sallyporttest.Drop(), sallyporttest.Handled(), sallyporttest.Times(1)},
			[]int{0, 201}, 2,
		},
		"answer replaced": {
			[]sallyporttest.FaultOption{sallyporttest.Status(504), sallyporttest.Handled(), sallyporttest.Times(1)},
			[]int{504, 201}, 2,
		},
		"delay": {[]sallyporttest.FaultOption{sallyporttest.Delay(time.Millisecond)}, []int{201, 201}, 2},
		"delay after the effect": {
			[]sallyporttest.FaultOption{sallyporttest.Delay(time.Millisecond), sallyporttest.Handled()}, []int{201, 201}, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := sallyporttest.New(t)
			alice := s.User("alice", "ece_deployment_viewer")
			s.Fail("create-api-key", c.fault...)
			for i, want := range c.want {
				if got := faultStatus(t, s, alice, "POST", keys, created); got != want {
					t.Errorf("request %d gets %d", i, got)
				}
			}
			response, err := send(t, s, alice, "GET", keys, "")
			if err != nil {
				t.Fatal(err)
			}
			var list struct{ Keys []any }
			if err := json.NewDecoder(response.Body).Decode(&list); err != nil || len(list.Keys) != c.stored {
				t.Errorf("there are %d keys (%v)", len(list.Keys), err)
			}
		})
	}
}

// Ensures that a truncated answer has its status, its length and half of its body, and that the operation takes effect
// once.
func TestFail_Truncate(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]sallyporttest.FaultOption{
		"alone":   {sallyporttest.Truncate()},
		"handled": {sallyporttest.Truncate(), sallyporttest.Handled()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sallyporttest.New(t)
			alice := s.User("alice", "ece_deployment_viewer")
			s.Fail("create-api-key", options...)
			request, err := http.NewRequest(http.MethodPost, s.URL+keys, strings.NewReader(`{"description": "x"}`))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			response, err := s.Client(alice).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusCreated || !errors.Is(err, io.ErrUnexpectedEOF) ||
				len(body) == 0 || int64(len(body)) != response.ContentLength/2 {
				t.Errorf("the answer is %d with %d of %d bytes, %v",
					response.StatusCode, len(body), response.ContentLength, err)
			}
			if response, err = s.Client(alice).Get(s.URL + keys); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			var list struct{ Keys []any }
			if err := json.NewDecoder(response.Body).Decode(&list); err != nil || len(list.Keys) != 1 {
				t.Errorf("there are %d keys (%v); want one", len(list.Keys), err)
			}
		})
	}
}

func TestFail_RetryAfter(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	s.Fail("get-current-account", sallyporttest.Status(503), sallyporttest.RetryAfter(1500*time.Millisecond))
	response, err := send(t, s, s.Admin, "GET", account, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Retry-After"); response.StatusCode != http.StatusServiceUnavailable || got != "2" {
		t.Errorf("the answer is %d with Retry-After %q", response.StatusCode, got)
	}
	s.ClearFaults()
	if got := status(t, s, s.Admin, "GET", account, ""); got != http.StatusOK {
		t.Errorf("without faults the answer is %d", got)
	}
}

// Ensures that the operation of a request is found as the server finds it, in both APIs.
func TestFail_Operations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ operation, method, path string }{
		"ECE":                            {"get-current-account", "GET", account},
		"region":                         {"get-current-account", "GET", "/api/v1/regions/ece-region/account"},
		"path with a parameter":          {"get-user", "GET", "/api/v1/users/alice"},
		"path with a constant":           {"get-current-user", "GET", "/api/v1/user"},
		"Elasticsearch":                  {"security-get-api-keys", "GET", "/_security/api_key"},
		"slash at the end":               {"security-get-api-keys", "GET", "/_security/api_key/"},
		"escaped parameter":              {"security-get-user", "GET", "/_security/user/a%2Fb"},
		"other method of the same path":  {"security-put-user", "PUT", "/_security/user/alice"},
		"another method with its own id": {"security-put-user-post", "POST", "/_security/user/alice"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sallyporttest.New(t)
			s.Fail(c.operation, sallyporttest.Status(599))
			if got := status(t, s, s.Admin, c.method, c.path, ""); got != 599 {
				t.Errorf("the status is %d; the request is %+v", got, s.Requests()[0])
			}
		})
	}
}

func TestFail_Probability(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) (statuses []int) {
		s := sallyporttest.New(t)
		s.Fail("get-current-account", sallyporttest.Status(500), sallyporttest.Probability(0.5, seed))
		for range 64 {
			statuses = append(statuses, status(t, s, s.Admin, "GET", account, ""))
		}
		return statuses
	}
	one, same, other := draw(1), draw(1), draw(2)
	if !slices.Equal(one, same) || slices.Equal(one, other) {
		t.Errorf("seed 1 gives %v and %v, seed 2 %v", one, same, other)
	}
	if !slices.Contains(one, 500) || !slices.Contains(one, 200) {
		t.Errorf("the statuses are %v", one)
	}
}

// Ensures that a server with a request that is delayed for an hour ends at once.
func TestFail_DelayEnds(t *testing.T) {
	began := time.Now()
	t.Run("server", func(t *testing.T) {
		s := sallyporttest.New(t)
		s.Fail("get-current-account", sallyporttest.Delay(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+account, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := s.Client(s.Admin).Do(r); err == nil {
			_ = response.Body.Close()
			t.Errorf("the answer came with %d", response.StatusCode)
		}
		go func() {
			defer func() { _ = recover() }() // http.ErrAbortHandler
			s.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, account, nil))
		}()
	})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
