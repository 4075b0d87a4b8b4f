// Package config finds out how the program is to run: a flag wins over the environment, the environment over the file,
// the file over the default. Everything that is wrong is reported at once.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/elevation"
	"github.com/sallyport/sallyport/impl/lockout"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/session"
	"github.com/sallyport/sallyport/impl/store"
)

// Config is how the program is to run.
type Config struct {
	Listen string
	// AdminListen is empty if there is to be no admin listener.
	AdminListen string
	// AdminHosts are the names that the admin listener answers to, beside localhost and IP addresses.
	AdminHosts []string
	// TLSCertificate and TLSKey name files in PEM; both are empty if there is to be no TLS.
	TLSCertificate string
	TLSKey         string
	// PlainHTTP allows other machines to be served without TLS.
	PlainHTTP        bool
	Store            string
	AdminPassword    string
	ReadonlyPassword string
	// KeyEncryptionKey is nil if none was given.
	KeyEncryptionKey []byte
	Sessions         session.Settings
	Elevation        elevation.Settings
	Keys             apikey.Settings
	// CacheLifetime is zero if nothing is to be cached.
	CacheLifetime time.Duration
	// Realms are those of the file that saml.realms names; none without it.
	Realms []saml.Realm
	// SignOn bounds sign-ins at identity providers.
	SignOn          saml.Limits
	Lockout         lockout.Policy
	AddressFailures int
	AddressRecovery time.Duration
	TrustedProxies  []*net.IPNet
	// DrainDelay is how long a server that is to stop still serves, while it says that it is not ready.
	DrainDelay time.Duration
	// Tracing has traces of requests sent to a collector.
	Tracing   bool
	LogLevel  slog.Level
	LogFormat string
	// Exposed are the files with secrets that every user of the machine can read.
	Exposed []SecretFile
}

// Setting describes one setting.
type Setting struct {
	// Key is its name in the file.
	Key     string
	Default string
	About   string
	// Secret settings are never shown; Env with _FILE behind it names a file that holds one.
	Secret bool
	// Show returns what may be shown of a secret; nil if nothing may.
	Show func(string) string
}

// Settings lists every setting there is.
var Settings = []Setting{
	{Key: "listen", Default: "127.0.0.1:12400", About: "address and port to serve on"},
	{Key: "admin.listen", Default: "127.0.0.1:12490", About: "address and port of `/healthz`, `/readyz` and `/metrics`, which ask for no credentials; empty for none"},
	{Key: "admin.hosts", About: "names, separated by commas, that the admin listener answers to, beside `localhost` and IP addresses"},
	{Key: "tls.certificate", About: "file with the server's certificate, and those that lead to its authority, in PEM; read again when it changes"},
	{Key: "tls.key", About: "file with the certificate's key, in PEM"},
	{Key: "plain_http", Default: "false", About: "`true` to serve other machines without TLS, because something in front adds it"},
	{Key: "store", Default: "sqlite:sallyport.db", About: "where to keep records: `sqlite:PATH`; `postgres://USER:PASSWORD@HOST/DATABASE`, which any number of servers share; or `none` to run without an authentication cluster", Secret: true, Show: store.Redact},
	{Key: "admin_password", About: "password of the built-in user `admin`; made at the first start if not given, except with PostgreSQL", Secret: true},
	{Key: "readonly_password", About: "password of the built-in user `readonly`; made at the first start if not given, except with PostgreSQL", Secret: true},
	{Key: "key_encryption_key", About: "32 bytes in base64 that seal keys in the store; kept in a file beside a SQLite database if not given", Secret: true},
	{Key: "session.idle", Default: session.DefaultSettings.Idle.String(), About: "how long a session's token lives without a refresh"},
	{Key: "session.absolute", Default: session.DefaultSettings.Absolute.String(), About: "how long a session lives, however often it is refreshed"},
	{Key: "session.grace", Default: session.DefaultSettings.Grace.String(), About: "how long a refreshed token stays good for requests under way"},
	{Key: "session.key_rotation", Default: session.DefaultSettings.KeyRotation.String(), About: "how old the key that signs tokens gets before another takes over, at least 1h; `0s` is for ever"},
	{Key: "elevation.policy", Default: string(elevation.DefaultSettings.Policy), About: "who must take elevated permissions for what needs them: `enrolled` (users with a second factor), `always` or `never`"},
	{Key: "elevation.length", Default: elevation.DefaultSettings.Length.String(), About: "how long elevated permissions last, at most 60m"},
	{Key: "api_keys.max_lifetime", Default: "0s", About: "how long an API key lives at most, such as `2160h`; `0s` is no limit"},
	{Key: "api_keys.max_per_user", Default: strconv.Itoa(apikey.DefaultMaxPerUser), About: "how many API keys a user has at most that are neither invalidated nor expired"},
	{Key: "cache.lifetime", Default: store.MaxLifetime.String(), About: "how long a session or an API key that ended on another replica may live here if PostgreSQL's word of it is lost, at most 5s; `0s` asks the store each time"},
	{Key: "saml.realms", About: "file that describes the SAML identity providers to sign in at"},
	{Key: "saml.address_sign_ins", Default: strconv.Itoa(saml.DefaultLimits.AddressSignIns), About: "how many sign-ins at identity providers an address may begin at once, and how many answers it may try again"},
	{Key: "saml.address_recovery", Default: saml.DefaultLimits.AddressRecovery.String(), About: "after how long an address may begin one more, and try one more answer again"},
	{Key: "saml.answers", Default: strconv.Itoa(saml.DefaultLimits.Answers), About: "how many answers of an identity provider to one sign-in are verified, on each server"},
	{Key: "lockout.failures", Default: strconv.Itoa(lockout.DefaultPolicy.Threshold), About: "how many wrong guesses in a row lock a user"},
	{Key: "lockout.base", Default: lockout.DefaultPolicy.Base.String(), About: "how long the first lock lasts; each further wrong guess doubles it"},
	{Key: "lockout.max", Default: lockout.DefaultPolicy.Max.String(), About: "how long a lock lasts at most"},
	{Key: "lockout.address_failures", Default: "100", About: "how many wrong guesses an address may make at once"},
	{Key: "lockout.address_recovery", Default: "1s", About: "after how long an address may make one more"},
	{Key: "trusted_proxies", About: "networks, separated by commas, whose `X-Forwarded-For` is believed"},
	{Key: "drain_delay", Default: "0s", About: "how long to go on serving after the signal to stop, while `/readyz` answers 503, so that a proxy notices first"},
	{Key: "tracing", Default: "false", About: "`true` to send OpenTelemetry traces by OTLP over HTTP, to where the standard variables (`OTEL_EXPORTER_OTLP_ENDPOINT` and others) say"},
	{Key: "log.level", Default: "info", About: "`debug`, `info`, `warn` or `error`"},
	{Key: "log.format", Default: "text", About: "`text` or `json`"},
}

// Env is the environment variable of the setting.
func (s Setting) Env() string {
	return "SALLYPORT_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// Sources are where settings come from, beside the defaults.
type Sources struct {
	// Flags are the settings given on the command line, by key.
	Flags map[string]string
	// Env looks up an environment variable, as os.LookupEnv does.
	Env func(string) (string, bool)
	// File is the path of a YAML file, or empty.
	File string
}

// Load reads the configuration. Its error names everything that is wrong, one thing a line.
func Load(from Sources) (Config, error) {
	values, gathering := gather(from)
	c, parsing := parse(values)
	exposed, exposing := checkSecretFiles(from, values, c.Realms)
	c.Exposed = exposed
	return c, errors.Join(gathering, parsing, exposing)
}

// Servable returns what a server lacks, where commands that only look at records do not.
func (c Config) Servable() error {
	if store.IsPostgres(c.Store) && c.KeyEncryptionKey == nil {
		return errors.New("key_encryption_key: PostgreSQL has no place for the key that all its servers share: " +
			"set SALLYPORT_KEY_ENCRYPTION_KEY_FILE for each of them to a file with the output of: openssl rand -base64 32")
	}
	return nil
}

// Effective returns the value of each setting by key, with secrets hidden, for people to look at.
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

func (s Setting) shown(value string) string {
	if s.Show == nil {
		return "(hidden)"
	}
	return s.Show(value)
}

func gather(from Sources) (map[string]string, error) {
	k := koanf.New(".")
	var problems []error
	problems = append(problems, k.Load(confmap.Provider(defaults(), "."), nil))
	if from.File != "" {
		values, err := readFile(from.File)
		problems = append(problems, err, k.Load(confmap.Provider(values, "."), nil))
	}
	env, err := environment(from.Env)
	problems = append(problems, err, k.Load(confmap.Provider(env, "."), nil))
	if store.HasPassword(from.Flags["store"]) {
		problems = append(problems, errors.New("store: everybody on this machine can read a password on the command line: "+
			"set SALLYPORT_STORE_FILE, the name of a file with the whole, or SALLYPORT_STORE"))
	}
	flags := map[string]any{}
	for key, value := range from.Flags {
		flags[key] = value
	}
	problems = append(problems, k.Load(confmap.Provider(flags, "."), nil))
	values := map[string]string{}
	for _, s := range Settings {
		values[s.Key] = text(k.Get(s.Key))
	}
	return values, errors.Join(problems...)
}

func defaults() map[string]any {
	values := map[string]any{}
	for _, s := range Settings {
		values[s.Key] = s.Default
	}
	return values
}

// environment reads the settings' own variables only: a cluster's scheduler puts others with our prefix there.
func environment(lookup func(string) (string, bool)) (map[string]any, error) {
	values := map[string]any{}
	var problems []error
	for _, s := range Settings {
		value, given := lookup(s.Env())
		path, inFile := lookup(s.Env() + "_FILE")
		if s.Secret && inFile {
			if given {
				problems = append(problems, fmt.Errorf("%s and %s_FILE are both set", s.Env(), s.Env()))
			}
			data, err := os.ReadFile(path) //nolint:gosec // the operator names the file
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

// Ignored returns the variables, of those in the form of os.Environ, that look like settings and are none.
func Ignored(environ []string) []string {
	known := map[string]bool{"SALLYPORT_CONFIG": true}
	for _, s := range Settings {
		known[s.Env()] = true
		known[s.Env()+"_FILE"] = s.Secret
	}
	var ignored []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "SALLYPORT_") && !known[name] {
			ignored = append(ignored, name)
		}
	}
	return ignored
}

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
