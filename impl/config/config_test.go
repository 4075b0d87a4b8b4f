package config

import (
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
)

// environ is an environment by variable name.
type environ map[string]string

func (e environ) lookup(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

// write creates a file in a temporary directory and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// key returns an encoded key-encryption key that consists of one byte, repeated.
func key(b byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), 32)))
}

// precedence holds three valid values for each setting, for the file, the environment and the flag, and a function that
// reads the setting from a Config.
var precedence = map[string]struct {
	values [3]string
	in     func(Config) string
}{
	"listen": {[3]string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"},
		func(c Config) string { return c.Listen }},
	"admin.listen": {[3]string{"127.0.0.1:1", "", "127.0.0.1:3"},
		func(c Config) string { return c.AdminListen }},
	"admin.hosts": {[3]string{"a", "", "a.example.org,b"},
		func(c Config) string { return strings.Join(c.AdminHosts, ",") }},
	"tls.certificate": {[3]string{"1.crt", "2.crt", "3.crt"}, func(c Config) string { return c.TLSCertificate }},
	"tls.key":         {[3]string{"1.key", "2.key", "3.key"}, func(c Config) string { return c.TLSKey }},
	"plain_http": {[3]string{"true", "false", "true"},
		func(c Config) string { return strconv.FormatBool(c.PlainHTTP) }},
	"store": {[3]string{"sqlite:1", "sqlite:2", "none"}, func(c Config) string { return c.Store }},
	"admin_password": {[3]string{"password 1", "password 2", "password 3"},
		func(c Config) string { return c.AdminPassword }},
	"readonly_password": {[3]string{"password 1", "password 2", "password 3"},
		func(c Config) string { return c.ReadonlyPassword }},
	"key_encryption_key": {[3]string{key('1'), key('2'), key('3')},
		func(c Config) string { return base64.StdEncoding.EncodeToString(c.KeyEncryptionKey) }},
	"key_encryption_key_fallback": {[3]string{key('4'), key('5'), key('6')},
		func(c Config) string { return base64.StdEncoding.EncodeToString(c.KeyEncryptionKeyFallback) }},
	"session.idle": {[3]string{"1m0s", "2m0s", "3m0s"},
		func(c Config) string { return c.Sessions.Idle.String() }},
	"session.absolute": {[3]string{"1h0m0s", "2h0m0s", "3h0m0s"},
		func(c Config) string { return c.Sessions.Absolute.String() }},
	"session.grace": {[3]string{"1s", "2s", "3s"}, func(c Config) string { return c.Sessions.Grace.String() }},
	"session.key_rotation": {[3]string{"1h0m0s", "0s", "48h0m0s"},
		func(c Config) string { return c.Sessions.KeyRotation.String() }},
	"session.issuers": {[3]string{"a", "https://b.example", "https://c.example,a"},
		func(c Config) string { return strings.Join(c.Sessions.Issuers, ",") }},
	"session.audiences": {[3]string{"a", "urn:b", "c,a"},
		func(c Config) string { return strings.Join(c.Sessions.Audiences, ",") }},
	"elevation.policy": {[3]string{"always", "never", "enrolled"},
		func(c Config) string { return string(c.Elevation.Policy) }},
	"elevation.length": {[3]string{"1m0s", "2m0s", "1h0m0s"},
		func(c Config) string { return c.Elevation.Length.String() }},
	"compatibility.elasticsearch": {[3]string{"8.19", "9.5", "8.19"},
		func(c Config) string { return c.Compatibility.Elasticsearch.Version }},
	"compatibility.ece": {[3]string{"3.8", "4.2", "sallyport"},
		func(c Config) string { return c.Compatibility.ECE.Version }},
	"compatibility.ece_content_type": {[3]string{"strict", "curl", "strict"},
		func(c Config) string {
			if c.Compatibility.StrictContentType {
				return "strict"
			}
			return "curl"
		}},
	"lockout.failures": {[3]string{"1", "2", "3"},
		func(c Config) string { return strconv.Itoa(c.Lockout.Threshold) }},
	"lockout.base": {[3]string{"1s", "2s", "15m0s"}, func(c Config) string { return c.Lockout.Base.String() }},
	"lockout.max": {[3]string{"30s", "1h0m0s", "24h0m0s"},
		func(c Config) string { return c.Lockout.Max.String() }},
	"lockout.address_failures": {[3]string{"1", "2", "2147483647"},
		func(c Config) string { return strconv.Itoa(c.AddressFailures) }},
	"cache.lifetime": {[3]string{"1s", "2s", "500ms"},
		func(c Config) string { return c.CacheLifetime.String() }},
	"audit.retention": {[3]string{"24h0m0s", "0s", "48h0m0s"},
		func(c Config) string { return c.AuditRetention.String() }},
	"api_keys.max_per_user": {[3]string{"1", "2", "3"},
		func(c Config) string { return strconv.Itoa(c.Keys.MaxPerUser) }},
	"api_keys.max_lifetime": {[3]string{"1h0m0s", "2h0m0s", "720h0m0s"},
		func(c Config) string { return c.Keys.MaxLifetime.String() }},
	"lockout.address_recovery": {[3]string{"1ms", "2s", "3s"},
		func(c Config) string { return c.AddressRecovery.String() }},
	"saml.realms": {realmFiles, realmIDs},
	"saml.address_sign_ins": {[3]string{"1", "2", "3"},
		func(c Config) string { return strconv.Itoa(c.SignOn.AddressSignIns) }},
	"saml.address_recovery": {[3]string{"1ms", "2s", "3s"},
		func(c Config) string { return c.SignOn.AddressRecovery.String() }},
	"saml.answers": {[3]string{"1", "2", "3"}, func(c Config) string { return strconv.Itoa(c.SignOn.Answers) }},
	"sso.return_urls": {[3]string{"https://a.example/", "", "https://a.example/,http://localhost:3000/b"},
		func(c Config) string { return strings.Join(c.ReturnURLs, ",") }},
	"trusted_proxies": {[3]string{"10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16,10.3.0.0/16"}, networks},
	"drain_delay":     {[3]string{"1s", "2s", "1m0s"}, func(c Config) string { return c.DrainDelay.String() }},
	"response_validation": {[3]string{"off", "refuse", "log"},
		func(c Config) string { return c.ResponseValidation }},
	"tracing": {[3]string{"true", "false", "true"},
		func(c Config) string { return strconv.FormatBool(c.Tracing) }},
	"log.level":  {[3]string{"DEBUG", "WARN", "ERROR"}, func(c Config) string { return c.LogLevel.String() }},
	"log.format": {[3]string{"json", "text", "json"}, func(c Config) string { return c.LogFormat }},
}

// together maps a setting to the variable of another that must be set with it.
var together = map[string]string{"tls.certificate": "SALLYPORT_TLS_KEY", "tls.key": "SALLYPORT_TLS_CERTIFICATE"}

// realmFiles are files that each define one realm, with the same id as the file name.
var realmFiles = [3]string{"testdata/first.yaml", "testdata/second.yaml", "testdata/third.yaml"}

func realmIDs(c Config) string {
	texts := make([]string, len(c.Realms))
	for i, realm := range c.Realms {
		texts[i] = "testdata/" + realm.ID
	}
	return strings.Join(texts, ",")
}

func networks(c Config) string {
	texts := make([]string, len(c.TrustedProxies))
	for i, network := range c.TrustedProxies {
		texts[i] = network.String()
	}
	return strings.Join(texts, ",")
}

// Ensures for each setting that a flag takes precedence over the environment, the environment over the file, and the
// file over the default.
func TestLoad_Precedence(t *testing.T) {
	t.Parallel()
	for _, s := range Settings {
		each, ok := precedence[s.Key]
		if !ok {
			t.Errorf("%s is missing in the table of this test", s.Key)
			continue
		}
		from := Sources{Env: environ{}.lookup}
		if c, err := Load(from); err != nil || !strings.EqualFold(each.in(c), s.Default) {
			t.Errorf("%s is %q (%v) by default; want %q", s.Key, each.in(c), err, s.Default)
		}
		from.Env = environ{together[s.Key]: "set"}.lookup
		from.File = write(t, s.Key+": '"+each.values[0]+"'\n")
		wantLoaded(t, from, s.Key, each.values[0])
		from.Env = environ{together[s.Key]: "set", s.Env(): each.values[1]}.lookup
		wantLoaded(t, from, s.Key, each.values[1])
		from.Flags = map[string]string{s.Key: each.values[2]}
		wantLoaded(t, from, s.Key, each.values[2])
	}
}

func wantLoaded(t *testing.T, from Sources, key, want string) {
	t.Helper()
	c, err := Load(from)
	if got := precedence[key].in(c); err != nil || got != want {
		t.Errorf("%s is %q (%v); want %q", key, got, err, want)
	}
}

// Ensures that the defaults are as documented.
func TestLoad_Defaults(t *testing.T) {
	t.Parallel()
	c, err := Load(Sources{Env: environ{}.lookup})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:12400" || c.Store != "sqlite:sallyport.db" || c.LogLevel != slog.LevelInfo ||
		c.LogFormat != "text" {
		t.Errorf("got %+v", c)
	}
	if c.Sessions.Idle != 30*time.Minute || c.Sessions.Absolute != 12*time.Hour || c.Sessions.Grace != 10*time.Second {
		t.Errorf("got %+v", c.Sessions)
	}
	if c.Elevation != (elevation.Settings{Policy: elevation.Enrolled, Length: 15 * time.Minute}) {
		t.Errorf("got %+v", c.Elevation)
	}
	wantLockout := attempts.Policy{
		Threshold: 10, Base: 30 * time.Second, Max: 15 * time.Minute, ResetAfter: 24 * time.Hour,
	}
	if c.Lockout != wantLockout || c.AddressFailures != 100 || c.AddressRecovery != time.Second {
		t.Errorf("got %+v, %d, %s", c.Lockout, c.AddressFailures, c.AddressRecovery)
	}
	if c.AdminPassword != "" || c.ReadonlyPassword != "" || c.KeyEncryptionKey != nil || c.TrustedProxies != nil {
		t.Errorf("got %+v", c)
	}
}

// Ensures that every setting has its own environment variable, named after it.
func TestSetting_Env(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range Settings {
		names = append(names, s.Env())
	}
	if !slices.Contains(names, "SALLYPORT_SESSION_IDLE") || !slices.Contains(names, "SALLYPORT_KEY_ENCRYPTION_KEY") {
		t.Errorf("the variables are %q", names)
	}
	slices.Sort(names)
	if n := len(names); len(slices.Compact(names)) != n {
		t.Errorf("two settings share a variable: %q", names)
	}
}

// Ensures that other variables with the settings' prefix, as set by Kubernetes, are ignored.
func TestLoad_ForeignEnvironment(t *testing.T) {
	t.Parallel()
	env := environ{
		"SALLYPORT_PORT": "tcp://10.0.0.1:80", "SALLYPORT_SERVICE_HOST": "10.0.0.1", "SALLYPORT_LISTEN_FILE": "/nowhere",
	}
	if _, err := Load(Sources{Env: env.lookup}); err != nil {
		t.Error(err)
	}
}

// Ensures that the effective settings are complete, and that secrets from all sources are hidden.
func TestEffective(t *testing.T) {
	t.Parallel()
	secrets := []string{"from the file", "from a variable", key('k')}
	from := Sources{
		File: write(t, "admin_password: from the file\nsession:\n  idle: 5m\n"),
		Env: environ{
			"SALLYPORT_READONLY_PASSWORD": secrets[1], "SALLYPORT_KEY_ENCRYPTION_KEY_FILE": write(t, secrets[2]),
		}.lookup,
		Flags: map[string]string{"listen": "127.0.0.1:1"},
	}
	values, err := Effective(from)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"admin_password": "(hidden)", "readonly_password": "(hidden)", "key_encryption_key": "(hidden)",
		"session.idle": "5m", "session.absolute": "12h0m0s", "listen": "127.0.0.1:1", "trusted_proxies": "",
	} {
		if values[key] != want {
			t.Errorf("%s is shown as %q; want %q", key, values[key], want)
		}
	}
	if len(values) != len(Settings) {
		t.Errorf("%d settings are shown; want %d", len(values), len(Settings))
	}
}

// Ensures that a secret that is not set is shown as empty, not as hidden.
func TestEffective_NoSecret(t *testing.T) {
	t.Parallel()
	values, err := Effective(Sources{Env: environ{}.lookup})
	if err != nil || values["admin_password"] != "" {
		t.Errorf("admin_password is shown as %q (%v)", values["admin_password"], err)
	}
}
