package http_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/app"
)

// Ensures that refused answers of identity providers, which a page of another site can make a browser send, do not
// prevent users behind the same address from signing in with a password.
func TestSAML_RefusedAnswersAreNoGuesses(t *testing.T) {
	t.Parallel()
	w := openTuned(t, func(s *app.Settings) { s.AddressFailures, s.AddressRecovery = 3, time.Hour })
	form := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return nil
	}
	for range 4 {
		w.do(http.MethodPost, "/api/v1/users/auth/saml/_callback", "SAMLResponse=x", form)
	}
	w.do(http.MethodGet, "/api/v1/users/auth/saml/_single_logout?SAMLRequest=x", "")
	if status := w.loginStatus("admin", adminPassword); status != http.StatusOK {
		t.Errorf("the password is answered with %d", status)
	}
}
