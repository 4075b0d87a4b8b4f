package sallyporttest

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/config"
)

// Option changes how a server is configured.
type Option struct {
	key, value string
	// seed is that of a deterministic server; nil for settings.
	seed *uint64
}

// Setting sets one of the server's settings, by the name that it has in a configuration file: for example
// Setting("session.idle", "5m"). Settings that have no effect on a server in a test, such as listen and store, are
// refused.
func Setting(key, value string) Option { return Option{key: key, value: value} }

// Elasticsearch sets the version of Elasticsearch's API that the server speaks: "8.19", or the default, "9.5".
func Elasticsearch(version string) Option { return Setting("compatibility.elasticsearch", version) }

// ECE sets the version of Elastic Cloud Enterprise's API that the server speaks: "3.8", "4.2", or the default,
// "sallyport", which is 4.2 with elevated permissions. In the others users with a second factor sign in with a code.
func ECE(version string) Option { return Setting("compatibility.ece", version) }

// Deterministic has a server make the same ids, keys, passwords and tokens in each run from the same seed, if the test
// does the same in the same order; parallel requests may come in any. The clock stands at the beginning of 2026 (UTC)
// until it is advanced. So a test can compare whole answers. Such a server starts within tens of milliseconds, because
// it makes its own records. [Server.Reset] returns to the beginning, so the test meets the same ids again.
func Deterministic(seed uint64) Option { return Option{seed: &seed} }

// seedOf returns the seed of a deterministic server, or nil.
func seedOf(options []Option) *uint64 {
	var seed *uint64
	for _, o := range options {
		if o.seed != nil {
			seed = o.seed
		}
	}
	return seed
}

// Elevation says which users need elevated permissions for operations that are protected by a second factor.
type Elevation string

// The values of [ElevationPolicy].
const (
	// ElevationEnrolled requires them of users with a second factor. This is the default.
	ElevationEnrolled Elevation = "enrolled"
	// ElevationAlways requires them of all users.
	ElevationAlways Elevation = "always"
	// ElevationNever requires them of no user.
	ElevationNever Elevation = "never"
)

// ElevationPolicy sets which users need elevated permissions.
func ElevationPolicy(policy Elevation) Option { return Setting("elevation.policy", string(policy)) }

// fixed are the settings that have no effect on a server in a test.
var fixed = []string{
	"listen", "admin.listen", "admin.hosts", "tls.certificate", "tls.key", "plain_http", "store", "key_encryption_key",
	"key_encryption_key_fallback", "drain_delay", "tracing", "log.level", "log.format",
}

// configure returns the settings of a server.
func configure(options []Option, log *slog.Logger) (app.Settings, error) {
	c, err := load(options)
	if err != nil {
		return app.Settings{}, err
	}
	settings := app.FromConfig(c, nil, log)
	settings.Hashing = cheap
	settings.Builtins.Changed = nil
	return settings, nil
}

// defaults is the configuration without options.
var defaults = sync.OnceValues(func() (config.Config, error) { return loadWith(nil) })

func load(options []Option) (config.Config, error) {
	if len(options) == 0 {
		return defaults()
	}
	values := map[string]string{}
	for _, o := range options {
		if o.seed != nil {
			continue
		}
		if slices.Contains(fixed, o.key) {
			return config.Config{}, fmt.Errorf("the setting %q has no effect on a server in a test", o.key)
		}
		if !slices.ContainsFunc(config.Settings, func(s config.Setting) bool { return s.Key == o.key }) {
			return config.Config{}, fmt.Errorf("there is no setting %q", o.key)
		}
		values[o.key] = o.value
	}
	return loadWith(values)
}

// loadWith returns the configuration with these settings, which reads neither a file nor the environment.
func loadWith(values map[string]string) (config.Config, error) {
	// Responses are not checked unless the test asks for it: the server's own tests do that.
	flags := map[string]string{"response_validation": "off"}
	maps.Copy(flags, values)
	none := func(string) (string, bool) { return "", false }
	c, err := config.Load(config.Sources{Flags: flags, Env: none})
	if err != nil {
		return c, errors.Join(errors.New("invalid settings"), err)
	}
	return c, nil
}
