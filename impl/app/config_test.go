package app_test

import (
	"log/slog"
	"reflect"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/config"
)

// notConfigured are the settings of a server that are not in a configuration, or are zero by default.
var notConfigured = []string{"Memory", "Image", "Random", "KeyEncryptionKeyFallback", "Tracer", "Interpret",
	"AuditRetention", "Realms", "ReturnURLs", "TrustedProxies"}

// Ensures that each setting of the configuration is converted: with the default configuration all others are set.
func TestFromConfig(t *testing.T) {
	t.Parallel()
	none := func(string) (string, bool) { return "", false }
	c, err := config.Load(config.Sources{Env: none})
	if err != nil {
		t.Fatal(err)
	}
	settings := reflect.ValueOf(app.FromConfig(c, make([]byte, 32), slog.New(slog.DiscardHandler)))
	for i := range settings.NumField() {
		name := settings.Type().Field(i).Name
		if unset := settings.Field(i).IsZero(); unset != slices.Contains(notConfigured, name) {
			t.Errorf("%s is unset: %t; add it to FromConfig, or to notConfigured", name, unset)
		}
	}
}
