package sallyporttest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// exampleT stands for the *testing.T of a test, which examples do not have.
type exampleT struct{ shortTest }

func (t *exampleT) Fatalf(format string, arguments ...any) { log.Fatalf(format, arguments...) }

// get returns the status of a GET request.
func get(client *http.Client, url string) int {
	response, err := client.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

func ExampleNew() {
	t := &exampleT{} // in a test: func TestX(t *testing.T)
	defer t.end()

	s := sallyporttest.New(t)
	fmt.Println(get(s.Client(s.Admin), s.URL+"/api/v1/users"))
	// Output: 200
}

func ExampleElevationPolicy() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t, sallyporttest.ElevationPolicy(sallyporttest.ElevationAlways))
	r, err := http.NewRequest(http.MethodDelete, s.URL+"/api/v1/users/alice", nil)
	if err != nil {
		log.Fatal(err)
	}
	response, err := s.Client(s.Admin).Do(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode, response.Header.Get("x-cloud-error-codes"))
	// Output: 449 root.unauthorized.rbac.elevated_permissions_required
}

func ExampleDeterministic() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t, sallyporttest.Deterministic(1))
	key := s.Key(s.User("alice", "ece_deployment_viewer"))
	fmt.Println(s.Clock.Now().Format(time.RFC3339), key.ID)
	// Output: 2026-01-01T00:00:00Z Ymp51l2iVYERQMktyOoF
}

func ExampleSetting() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t, sallyporttest.Setting("api_keys.max_lifetime", "1h"))
	key := s.Key(s.User("alice", "ece_deployment_viewer"))
	fmt.Println(key.Expires.Sub(s.Clock.Now()).Round(time.Minute))
	// Output: 1h0m0s
}

func ExampleElasticsearch() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t, sallyporttest.Elasticsearch("8.19"))
	answer, err := s.Client(s.Admin).Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var info struct{ Version struct{ Number string } }
	if err := json.NewDecoder(answer.Body).Decode(&info); err != nil {
		t.Fatal(err)
	}
	fmt.Println(info.Version.Number)
	// Output: 8.19.0
}

func ExampleECE() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t, sallyporttest.ECE("4.2"))
	alice := s.User("alice", "ece_deployment_viewer")
	device := s.TOTP(alice)
	signIn := func(code string) {
		body, err := json.Marshal(map[string]string{"username": alice.Name, "password": alice.Password, "token": code})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.Post(s.URL+"/api/v1/users/auth/_login", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		fmt.Println(answer.StatusCode, answer.Header.Get("X-Cloud-Error-Codes"))
	}
	signIn("")
	signIn(device.Code())
	// Output:
	// 401 root.unauthenticated.second_factor_required
	// 200
}

func ExampleServer_Handler() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	r := httptest.NewRequest(http.MethodGet, "/api/v1/account", nil)
	r.Header.Set("Authorization", s.Admin.Authorization())
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output: 200
}

func ExampleServer_User() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	fmt.Println(get(s.Client(alice), s.URL+"/api/v1/account"))
	fmt.Println(get(s.Client(alice), s.URL+"/api/v1/users"))
	// Output:
	// 200
	// 403
}

func ExampleServer_Key() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	key := s.Key(alice,
		sallyporttest.Named("nightly backup"),
		sallyporttest.ExpiresIn(time.Hour),
		sallyporttest.RoleDescriptors(`{"backup": {"cluster": ["manage_own_api_key"]}}`))
	fmt.Println(key.Name, get(s.Client(key), s.URL+"/_security/_authenticate"))
	// Output: nightly backup 200
}

func ExampleServer_Client() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	key := s.Key(alice)
	for _, client := range []*http.Client{s.Client(s.Admin), s.Client(alice), s.Client(key), http.DefaultClient} {
		fmt.Println(get(client, s.URL+"/api/v1/user"))
	}
	// Output:
	// 200
	// 200
	// 200
	// 401
}

func ExampleServer_TOTP() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	bob := s.User("bob", "ece_platform_admin")
	factor := s.TOTP(bob)
	first := factor.Code()
	s.Clock.Advance(30 * time.Second)
	fmt.Println(len(first), len(factor.RecoveryCodes), first != factor.Code())
	// Output: 6 10 true
}

func ExampleClock_Advance() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	key := s.Key(alice, sallyporttest.ExpiresIn(time.Hour))
	fmt.Println(get(s.Client(key), s.URL+"/api/v1/account"))
	s.Clock.Advance(2 * time.Hour)
	fmt.Println(get(s.Client(key), s.URL+"/api/v1/account"))
	// Output:
	// 200
	// 401
}

func ExampleServer_Fail() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	s.Fail("create-api-key", sallyporttest.Status(502), sallyporttest.Times(2))
	s.Fail("create-api-key", sallyporttest.Status(503), sallyporttest.RetryAfter(time.Second), sallyporttest.Times(1))
	for range 4 {
		body := strings.NewReader(`{"description": "nightly backup"}`)
		response, err := s.Client(alice).Post(s.URL+"/api/v1/users/auth/keys", "application/json", body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %q\n", response.StatusCode, response.Header.Get("Retry-After"))
		_ = response.Body.Close()
	}
	// Output:
	// 502 ""
	// 502 ""
	// 503 "1"
	// 201 ""
}

// A write of which the client does not get the answer.
func ExampleServer_Fail_answerLost() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	s.Fail("create-api-key", sallyporttest.Drop(), sallyporttest.Handled())
	body := strings.NewReader(`{"description": "nightly backup"}`)
	response, err := s.Client(alice).Post(s.URL+"/api/v1/users/auth/keys", "application/json", body)
	if err == nil {
		_ = response.Body.Close()
	}
	fmt.Println("is there an answer?", err == nil)
	// Output: is there an answer? false
}

func ExampleProbability() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	s.Fail("get-current-account", sallyporttest.Status(500), sallyporttest.Probability(0.5, 7))
	failed := 0
	for range 100 {
		if get(s.Client(s.Admin), s.URL+"/api/v1/account") == http.StatusInternalServerError {
			failed++
		}
	}
	fmt.Println(failed > 25 && failed < 75)
	// Output: true
}

func ExampleDelay() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	s.Fail("get-current-account", sallyporttest.Delay(time.Minute))
	impatient := s.Client(s.Admin)
	impatient.Timeout = 10 * time.Millisecond
	response, err := impatient.Get(s.URL + "/api/v1/account")
	if err == nil {
		_ = response.Body.Close()
	}
	fmt.Println("is there an answer?", err == nil)
	// Output: is there an answer? false
}

func ExampleServer_Restore() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	before := s.Snapshot()
	bob := s.User("bob", "ece_deployment_viewer")
	s.Restore(before)
	fmt.Println(get(s.Client(alice), s.URL+"/api/v1/account"))
	fmt.Println(get(s.Client(bob), s.URL+"/api/v1/account"))
	// Output:
	// 200
	// 401
}

func ExampleServer_Reset() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	s.Reset()
	fmt.Println(get(s.Client(alice), s.URL+"/api/v1/account"))
	// Output: 401
}

func ExampleServer_Requests() {
	t := &exampleT{}
	defer t.end()

	s := sallyporttest.New(t)
	body := strings.NewReader(`{"username": "alice", "password": "a secret"}`)
	response, err := http.Post(s.URL+"/api/v1/users/auth/_login", "application/json", body)
	if err != nil {
		log.Fatal(err)
	}
	_ = response.Body.Close()
	for _, r := range s.Requests() {
		fmt.Println(r.Operation, r.Status, r.Body)
	}
	// Output: login 401 {"password":"[masked]","username":"alice"}
}
