package authn_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
)

// Ensures that credentials of a user that is disabled in the store alone, so that they still exist, are not active.
func TestIntrospect_Disabled(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	_, key := w.newAPIKey(nil)
	credentials := map[identity.Method]string{
		identity.Session: w.grant("alice").Access.Value,
		identity.APIKey:  strings.TrimPrefix(key, "ApiKey "),
	}
	for method, credential := range credentials {
		if i, active, err := w.Introspect(t.Context(), credential); err != nil || !active || i.Principal.Method != method ||
			i.Principal.User != "alice" || !i.IssuedAt.Equal(w.store.Now()) {
			t.Errorf("%s: %+v, %t, %v", method, i, active, err)
		}
	}

	w.disableDirectly()
	for method, credential := range credentials {
		if i, active, err := w.Introspect(t.Context(), credential); err != nil || active || i.Principal.User != "" {
			t.Errorf("%s of a disabled user: %+v, %t, %v", method, i, active, err)
		}
	}
}

// Ensures that a credential that cannot be checked is not called inactive.
func TestIntrospect_StoreFails(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	_, key := w.newAPIKey(nil)
	token := w.grant("alice").Access.Value
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, credential := range []string{
		strings.TrimPrefix(key, "ApiKey "), token, "AAEAAWVsYXN0aWMvZmxlZXQtc2VydmVyL3QxOng",
	} {
		if _, active, err := w.Introspect(t.Context(), credential); active || !fault.Has(err, fault.StoreUnavailable) {
			t.Errorf("%.9s: active is %t, and the error %v", credential, active, err)
		}
	}
}
