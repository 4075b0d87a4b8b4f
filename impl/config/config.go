// Package config loads and validates the program's settings. A flag takes precedence over the environment, the
// environment over the file, and the file over the default. All errors are reported at once.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/store"
)

// Config holds the validated settings.
type Config struct {
	Listen string
	// AdminListen is empty if there is no admin listener.
	AdminListen string
	// AdminHosts are the host names that the admin listener accepts, in addition to localhost and IP addresses.
	AdminHosts []string
	// TLSCertificate and TLSKey are the paths of PEM files; both are empty without TLS.
	TLSCertificate string
	TLSKey         string
	// PlainHTTP allows serving other machines without TLS.
	PlainHTTP        bool
	Store            string
	AdminPassword    string
	ReadonlyPassword string
	// KeyEncryptionKey is nil if none was given.
	KeyEncryptionKey []byte
	// KeyEncryptionKeyFallback is a second key, which only decrypts; nil if none was given.
	KeyEncryptionKeyFallback []byte
	Sessions                 session.Settings
	Elevation                elevation.Settings
	Keys                     apikey.Settings
	// Compatibility holds the versions of the APIs that are spoken.
	Compatibility compatibility.Settings
	// CacheLifetime is zero if nothing is cached.
	CacheLifetime time.Duration
	// AuditRetention is the age at which entries of the audit trail are removed; zero is never.
	AuditRetention time.Duration
	// Realms are read from the file that saml.realms names; none if it is not set.
	Realms []saml.Realm
	// ReturnURLs are the URLs of front ends at which sign-ins at identity providers may end.
	ReturnURLs []string
	// SignOn limits sign-ins at identity providers.
	SignOn          saml.Limits
	Lockout         attempts.Policy
	AddressFailures int
	AddressRecovery time.Duration
	TrustedProxies  []*net.IPNet
	// DrainDelay is the time that a server that shuts down still serves requests while it reports that it is not ready.
	DrainDelay time.Duration
	// ResponseValidation says what happens to responses that the contract does not allow: off, log or refuse.
	ResponseValidation string
	// Tracing enables the export of traces.
	Tracing   bool
	LogLevel  slog.Level
	LogFormat string
	// Exposed are the files with a secret that every user of the machine can read.
	Exposed []SecretFile
}

// Setting describes one setting.
type Setting struct {
	// Key is the name in the configuration file.
	Key     string
	Default string
	// About is the text for the command line and the documentation.
	About string
	// Values are all values of a setting that has only some.
	Values []string
	// Secret values are never shown. Env with the suffix _FILE names a file that contains the value.
	Secret bool
	// Show returns the part of a secret that may be shown; nil if there is none.
	Show func(string) string
}

// switches are the values of a setting that is on or off.
var switches = []string{"true", "false"}

// Settings lists all settings.
var Settings = []Setting{
	{Key: "listen", Default: "127.0.0.1:12400", About: "address and port to serve on"},
	{Key: "admin.listen", Default: "127.0.0.1:12490",
		About: "address and port of `/healthz`, `/readyz` and `/metrics`, which ask for no credentials; empty for none"},
	{Key: "admin.hosts",
		About: "comma-separated host names that the admin listener accepts, in addition to `localhost` and IP addresses"},
	{Key: "tls.certificate", About: "PEM file with the server's certificate chain; reloaded when it changes"},
	{Key: "tls.key", About: "PEM file with the certificate's private key"},
	{Key: "plain_http", Default: "false", Values: switches,
		About: "`true` to serve other machines without TLS, because something in front adds it"},
	{Key: "store", Default: "sqlite:sallyport.db",
		About: "where to keep records: `sqlite:PATH`; `postgres://USER:PASSWORD@HOST/DATABASE`, which any number of " +
			"servers share; or `none` for the built-in users alone, with sessions that end with the server",
		Secret: true, Show: store.Redact},
	{Key: "admin_password",
		About: "password of the built-in user `admin`, which replaces another one at each start; if not set, the user " +
			"keeps its own, which the first start generates, except with PostgreSQL", Secret: true},
	{Key: "readonly_password",
		About: "password of the built-in user `readonly`, which replaces another one at each start; if not set, the user " +
			"keeps its own, which the first start generates, except with PostgreSQL", Secret: true},
	{Key: "key_encryption_key",
		About: "key-encryption key: 32 bytes in base64 that encrypt keys in the store; kept in a file beside a SQLite " +
			"database if not set", Secret: true},
	{Key: "key_encryption_key_fallback",
		About:  "second key-encryption key, which only decrypts: for the time of a rotation without downtime",
		Secret: true},
	{Key: "session.idle", Default: session.DefaultSettings.Idle.String(),
		About: "time until a session token expires if it is not refreshed"},
	{Key: "session.absolute", Default: session.DefaultSettings.Absolute.String(),
		About: "time until a session expires, even if it is refreshed"},
	{Key: "session.grace", Default: session.DefaultSettings.Grace.String(),
		About: "time until a refreshed token expires, for requests in progress"},
	{Key: "session.key_rotation", Default: session.DefaultSettings.KeyRotation.String(),
		About: "age at which the key that signs tokens is rotated, at least 1h; `0s` for never"},
	{Key: "session.issuers", Default: strings.Join(session.DefaultSettings.Issuers, ","),
		About: "comma-separated names of this installation, such as its URL: session tokens have the first as `iss`, and " +
			"are accepted with any"},
	{Key: "session.audiences", Default: strings.Join(session.DefaultSettings.Audiences, ","),
		About: "comma-separated names of whom session tokens are for: they have the first as `aud`, and are accepted " +
			"with any"},
	{Key: "elevation.policy", Default: string(elevation.DefaultSettings.Policy),
		Values: []string{string(elevation.Enrolled), string(elevation.Always), string(elevation.Never)},
		About: "which users need elevated permissions for protected operations: `enrolled` (users with a second factor), " +
			"`always` or `never`"},
	{Key: "elevation.length", Default: elevation.DefaultSettings.Length.String(),
		About: "the lifetime of elevated permissions, at most 60m"},
	{Key: "api_keys.max_lifetime", Default: "0s",
		About: "maximum time to live of an API key, such as `2160h`; `0s` for no limit"},
	{Key: "api_keys.max_per_user", Default: strconv.Itoa(apikey.DefaultMaxPerUser),
		About: "maximum number of valid API keys per user"},
	{Key: "compatibility.elasticsearch", Default: compatibility.Default.Elasticsearch.Version,
		Values: compatibility.ElasticsearchVersions(),
		About:  "the version of Elasticsearch's API that the server speaks and announces: `8.19` or `9.5`"},
	{Key: "compatibility.ece", Default: compatibility.Default.ECE.Version, Values: compatibility.ECEVersions(),
		About: "the version of Elastic Cloud Enterprise's API that the server speaks: `3.8`, `4.2`, or `sallyport` for 4.2 " +
			"with elevated permissions"},
	{Key: "compatibility.ece_content_type", Default: "curl", Values: []string{"curl", "strict"},
		About: "the content type of JSON bodies of Elastic Cloud Enterprise's operations: `strict` for `application/json` " +
			"only, `curl` also for curl's default `application/x-www-form-urlencoded`, except from browsers"},
	{Key: "audit.retention", Default: "0s",
		About: "age at which entries of the audit trail are removed, such as `8760h`, at least 24h; `0s` for never"},
	{Key: "cache.lifetime", Default: store.MaxLifetime.String(),
		About: "time to live of cached sessions and API keys, at most 5s: until then, this replica may accept one that was " +
			"invalidated on another if the invalidation message of PostgreSQL is lost; `0s` disables the cache"},
	{Key: "saml.realms", About: "file that describes the SAML identity providers to sign in at"},
	{Key: "saml.address_sign_ins", Default: strconv.Itoa(saml.DefaultLimits.AddressSignIns),
		About: "how many sign-ins at identity providers an address may begin at once, and how many answers it may try again"},
	{Key: "saml.address_recovery", Default: saml.DefaultLimits.AddressRecovery.String(),
		About: "the interval at which an address may begin one more, and try one more answer again"},
	{Key: "saml.answers", Default: strconv.Itoa(saml.DefaultLimits.Answers),
		About: "how many answers of an identity provider to one sign-in are verified, on each server"},
	{Key: "sso.return_urls",
		About: "comma-separated URLs of front ends at which sign-ins at identity providers may end: https, or http on this " +
			"machine, without user, query and fragment; compared byte for byte"},
	{Key: "lockout.failures", Default: strconv.Itoa(attempts.DefaultPolicy.Threshold),
		About: "number of consecutive failed attempts that lock a user"},
	{Key: "lockout.base", Default: attempts.DefaultPolicy.Base.String(),
		About: "duration of the first lock; each further failed attempt doubles it"},
	{Key: "lockout.max", Default: attempts.DefaultPolicy.Max.String(), About: "maximum duration of a lock"},
	{Key: "lockout.address_failures", Default: "100",
		About: "number of failed attempts that an address may make in a burst"},
	{Key: "lockout.address_recovery", Default: "1s",
		About: "interval after which an address may make one more failed attempt"},
	{Key: "trusted_proxies", About: "comma-separated networks of proxies with a trusted `X-Forwarded-For`"},
	{Key: "drain_delay", Default: "0s",
		About: "the time to continue serving after the signal to stop while `/readyz` answers 503, so that proxies can " +
			"remove this server"},
	{Key: "response_validation", Default: "log", Values: []string{"off", "log", "refuse"},
		About: "what happens to responses that the API's contract does not allow: `log` logs and counts them, `refuse` " +
			"also answers 500 instead, although the change was made, so a new key is lost; `off` does not check them"},
	{Key: "tracing", Default: "false", Values: switches,
		About: "`true` to send OpenTelemetry traces by OTLP over HTTP, to where the standard variables " +
			"(`OTEL_EXPORTER_OTLP_ENDPOINT` and others) say"},
	{Key: "log.level", Default: "info", Values: []string{"debug", "info", "warn", "error"},
		About: "`debug`, `info`, `warn` or `error`"},
	{Key: "log.format", Default: "text", Values: []string{"text", "json"}, About: "`text` or `json`"},
}

// Env returns the name of the setting's environment variable.
func (s Setting) Env() string {
	return "SALLYPORT_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// Sources holds the sources of settings, in addition to the defaults.
type Sources struct {
	// Defaults replace the defaults of settings, by key.
	Defaults map[string]string
	// Flags are the settings on the command line, by key.
	Flags map[string]string
	// Env looks up an environment variable, like os.LookupEnv.
	Env func(string) (string, bool)
	// File is the path of a YAML file, or empty.
	File string
}

// Load reads and validates the settings. It returns all errors, one per line.
func Load(from Sources) (Config, error) {
	values, gathering := gather(from)
	c, parsing := parse(values)
	exposed, exposing := checkSecretFiles(from, values, c.Realms)
	c.Exposed = exposed
	return c, errors.Join(gathering, parsing, exposing)
}

// Servable returns an error if a setting is missing that only a server needs. Commands that only read the store work
// without it.
func (c Config) Servable() error {
	if store.IsPostgres(c.Store) && c.KeyEncryptionKey == nil {
		return errors.New("key_encryption_key: PostgreSQL has no place for the key that all its servers share: " +
			"set SALLYPORT_KEY_ENCRYPTION_KEY_FILE for each of them to a file with the output of: openssl rand -base64 32")
	}
	if c.KeyEncryptionKeyFallback != nil && c.KeyEncryptionKey == nil {
		return errors.New("key_encryption_key_fallback: this needs key_encryption_key, the key to encrypt with; to keep " +
			"using the one in the file beside a SQLite database, set SALLYPORT_KEY_ENCRYPTION_KEY_FILE to that file")
	}
	return nil
}

// Given returns those of the keys that a source sets, in their order. Sources that cannot be read are Load's errors.
func Given(from Sources, keys ...string) []string {
	unset := Sources{Defaults: map[string]string{}, Flags: from.Flags, Env: from.Env, File: from.File}
	for _, key := range keys {
		unset.Defaults[key] = ""
	}
	values, _ := gather(unset) // Load returns the error
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return values[key] == "" })
}

// Effective returns the value of each setting by key, with secrets hidden, for display.
func Effective(from Sources) (map[string]string, error) {
	values, err := gather(from)
	if err != nil {
		return nil, err
	}

	for _, s := range Settings {
		if s.Secret && values[s.Key] != "" {
			values[s.Key] = s.shown(values[s.Key])
		}
	}
	return values, nil
}

// shown returns the value of a secret setting as it may be displayed.
func (s Setting) shown(value string) string {
	if s.Show == nil {
		return "(hidden)"
	}
	return s.Show(value)
}

// gather merges the sources by precedence and returns the value of each setting by key.
func gather(from Sources) (map[string]string, error) {
	var file map[string]any
	var fileErr, flagErr error
	if from.File != "" {
		file, fileErr = readFile(from.File)
	}

	env, envErr := environment(from.Env)

	if store.HasPassword(from.Flags["store"]) {
		flagErr = errors.New("store: every user of this machine can read a password on the command line: " +
			"set SALLYPORT_STORE_FILE to the path of a file with the complete value, or set SALLYPORT_STORE")
	}

	values := map[string]string{}
	for _, s := range Settings {
		values[s.Key] = s.Default
	}
	maps.Copy(values, from.Defaults)
	for key, value := range file {
		values[key] = text(value)
	}
	maps.Copy(values, env)
	maps.Copy(values, from.Flags)
	return values, errors.Join(fileErr, envErr, flagErr)
}

// environment reads the settings' environment variables. Others with the same prefix are ignored, because Kubernetes
// sets such variables for a service named sallyport.
func environment(lookup func(string) (string, bool)) (map[string]string, error) {
	values := map[string]string{}
	var problems []error
	for _, s := range Settings {
		value, given := lookup(s.Env())
		path, inFile := lookup(s.Env() + "_FILE")
		if s.Secret && inFile {
			if given {
				problems = append(problems, fmt.Errorf("%s and %s_FILE are both set", s.Env(), s.Env()))
			}
			data, err := os.ReadFile(path) //nolint:gosec // the administrator configures the path
			if err != nil {
				problems = append(problems, fmt.Errorf("%s_FILE: %w", s.Env(), err))
			}
			value, given = strings.TrimRight(string(data), "\r\n"), true
			if err == nil && value == "" {
				problems = append(problems, fmt.Errorf("%s_FILE: %s is empty", s.Env(), path))
			}
		}
		if given {
			values[s.Key] = value
		}
	}
	return values, errors.Join(problems...)
}

// Variables returns the names of all variables that are read.
func Variables() []string {
	names := []string{"SALLYPORT_CONFIG"}
	for _, s := range Settings {
		names = append(names, s.Env())
		if s.Secret {
			names = append(names, s.Env()+"_FILE")
		}
	}
	return names
}

// Ignored returns the names of the variables that have the settings' prefix but belong to no setting. The argument has
// the format of os.Environ.
func Ignored(environ []string) []string {
	known := Variables()
	// Those that dev prints for scripts, and those that conformance and commands for a server read, are no settings.
	other := func(name string) bool {
		return strings.HasPrefix(name, "SALLYPORT_DEV_") || strings.HasPrefix(name, "SALLYPORT_CONFORMANCE_") ||
			strings.HasPrefix(name, "SALLYPORT_CLIENT_")
	}

	var ignored []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "SALLYPORT_") && !slices.Contains(known, name) && !other(name) {
			ignored = append(ignored, name)
		}
	}
	return ignored
}

// text returns a value of the file as text; the elements of a list are joined by commas.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case []any:
		parts := make([]string, len(v))
		for i, each := range v {
			parts[i] = text(each)
		}
		return strings.Join(parts, ",")
	default:
		return fmt.Sprint(v)
	}
}
