package config

import (
	"strings"
	"testing"
)

// Ensures that a fallback key is accepted only beside another key to encrypt with, and that no error has a key.
func TestLoad_FallbackKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ current, fallback, problem string }{
		"both":        {key('a'), key('b'), ""},
		"current":     {key('a'), "", ""},
		"alone":       {"", key('b'), "key_encryption_key_fallback: this needs key_encryption_key, the key to encrypt with"},
		"the same":    {key('a'), key('a'), "key_encryption_key_fallback: this must differ from key_encryption_key"},
		"not 32 long": {key('a'), "eA==", "key_encryption_key_fallback: this must be 32 bytes in base64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Load(Sources{Env: environ{
				"SALLYPORT_KEY_ENCRYPTION_KEY": test.current, "SALLYPORT_KEY_ENCRYPTION_KEY_FALLBACK": test.fallback,
			}.lookup})
			if err == nil {
				err = c.Servable()
			}
			switch {
			case test.problem == "" && (err != nil || (c.KeyEncryptionKeyFallback != nil) != (test.fallback != "")):
				t.Errorf("%v; the fallback has %d bytes", err, len(c.KeyEncryptionKeyFallback))
			case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
				t.Errorf("the error is %v; want %q", err, test.problem)
			case err != nil && strings.Contains(err.Error(), key('b')):
				t.Errorf("the error has the key: %v", err)
			}
		})
	}
}
