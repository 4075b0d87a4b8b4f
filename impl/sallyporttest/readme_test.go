package sallyporttest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// TestReadme has the code of README.md, which TestReadme_GoTest in impl compares with it.
func TestReadme(t *testing.T) {
	s := sallyporttest.New(t) // a whole server, which ends with the test
	alice := s.User("alice", "ece_deployment_viewer")
	key := s.Key(alice, sallyporttest.ExpiresIn(time.Hour))
	s.Clock.Advance(2 * time.Hour)
	response, err := s.Client(key).Get(s.URL + "/api/v1/account") // 401

	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("the status is %d", response.StatusCode)
	}
}
