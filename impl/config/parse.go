package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/password"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/platform/suggest"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/store"
)

// parser parses values by key and collects the errors.
type parser struct {
	values   map[string]string
	problems []error
}

// parse converts and validates the values of all settings.
func parse(values map[string]string) (Config, error) {
	p := &parser{values: values}
	c := Config{
		Listen:           p.address("listen"),
		AdminListen:      p.optionalAddress("admin.listen"),
		AdminHosts:       p.hosts("admin.hosts"),
		TLSCertificate:   values["tls.certificate"],
		TLSKey:           values["tls.key"],
		PlainHTTP:        p.oneOf("plain_http") == "true",
		Store:            p.store("store"),
		AdminPassword:    p.password("admin_password", user.Admin),
		ReadonlyPassword: p.password("readonly_password", user.Readonly),
		KeyEncryptionKey: p.key("key_encryption_key"),

		KeyEncryptionKeyFallback: p.fallbackKey("key_encryption_key_fallback"),

		CacheLifetime:  p.limit("cache.lifetime"),
		AuditRetention: p.limit("audit.retention"),
		Sessions: session.Settings{
			Idle:        p.duration("session.idle"),
			Absolute:    p.duration("session.absolute"),
			Grace:       p.duration("session.grace"),
			KeyRotation: p.limit("session.key_rotation"),
			Issuers:     p.names("session.issuers"),
			Audiences:   p.names("session.audiences"),
		},
		Elevation: elevation.Settings{
			Policy: elevation.Policy(p.oneOf("elevation.policy")),
			Length: p.duration("elevation.length"),
		},
		Keys: apikey.Settings{
			MaxLifetime: p.limit("api_keys.max_lifetime"),
			MaxPerUser:  p.count("api_keys.max_per_user"),
		},
		Compatibility: compatibility.Settings{
			Elasticsearch: version(p, "compatibility.elasticsearch", compatibility.FindElasticsearch),
			ECE:           version(p, "compatibility.ece", compatibility.FindECE),

			StrictContentType: p.oneOf("compatibility.ece_content_type") == "strict",
		},
		Realms:     p.realms("saml.realms"),
		ReturnURLs: p.returnURLs("sso.return_urls"),
		SignOn: saml.Limits{
			AddressSignIns:  p.count("saml.address_sign_ins"),
			AddressRecovery: p.duration("saml.address_recovery"),
			Answers:         p.count("saml.answers"),
		},
		Lockout: attempts.Policy{
			Threshold:  p.count("lockout.failures"),
			Base:       p.duration("lockout.base"),
			Max:        p.duration("lockout.max"),
			ResetAfter: attempts.DefaultPolicy.ResetAfter,
		},
		AddressFailures: p.count("lockout.address_failures"),
		AddressRecovery: p.duration("lockout.address_recovery"),
		TrustedProxies:  p.networks("trusted_proxies"),
		DrainDelay:      p.limit("drain_delay"),
		Tracing:         p.oneOf("tracing") == "true",
		LogLevel:        p.level("log.level"),
		LogFormat:       p.oneOf("log.format"),

		ResponseValidation: p.oneOf("response_validation"),
	}

	p.checkCombinations(c)
	return c, errors.Join(p.problems...)
}

// checkCombinations checks the settings that restrict each other, and the limits that are not part of a type's syntax.
func (p *parser) checkCombinations(c Config) {
	if (c.TLSCertificate == "") != (c.TLSKey == "") {
		p.addProblem("tls.certificate", "set both this and tls.key, or neither")
	}
	if c.Sessions.Absolute > 0 && c.Sessions.Idle > c.Sessions.Absolute {
		p.addProblem("session.idle", "%s is longer than session.absolute, %s", c.Sessions.Idle, c.Sessions.Absolute)
	}
	if c.Sessions.Idle > 0 && c.Sessions.Grace > c.Sessions.Idle {
		p.addProblem("session.grace", "%s is longer than session.idle, %s", c.Sessions.Grace, c.Sessions.Idle)
	}
	if c.Sessions.KeyRotation > 0 && c.Sessions.KeyRotation < session.MinKeyRotation {
		p.addProblem("session.key_rotation", "%s is shorter than %s", c.Sessions.KeyRotation, session.MinKeyRotation)
	}
	if c.Elevation.Length > elevation.MaxLength {
		p.addProblem("elevation.length", "%s is longer than %s", c.Elevation.Length, elevation.MaxLength)
	}
	if c.AuditRetention > 0 && c.AuditRetention < audit.MinRetention {
		p.addProblem("audit.retention", "%s is shorter than %s", c.AuditRetention, audit.MinRetention)
	}
	if c.CacheLifetime > store.MaxLifetime {
		p.addProblem("cache.lifetime", "%s is longer than %s", c.CacheLifetime, store.MaxLifetime)
	}
	if c.Lockout.Max > 0 && c.Lockout.Base > c.Lockout.Max {
		p.addProblem("lockout.base", "%s is longer than lockout.max, %s", c.Lockout.Base, c.Lockout.Max)
	}
}

func (p *parser) addProblem(key, format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
}

func (p *parser) address(key string) string {
	_, port, err := net.SplitHostPort(p.values[key])
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		p.addProblem(key, "%q is not an address and a port, such as 127.0.0.1:12400", p.values[key])
	}
	return p.values[key]
}

// optionalAddress parses an address that may be empty.
func (p *parser) optionalAddress(key string) string {
	if p.values[key] == "" {
		return ""
	}
	return p.address(key)
}

func (p *parser) store(key string) string {
	if err := store.CheckDSN(p.values[key]); err != nil {
		p.addProblem(key, "%s", err)
	}
	return p.values[key]
}

// password checks the password of a built-in user, unless it is empty.
func (p *parser) password(key, userName string) string {
	given := p.values[key]
	if given == "" {
		return ""
	}
	if problem, ok := errors.AsType[*fault.Error](password.Check(given, userName)); ok {
		p.addProblem(key, "%s", problem.Message)
	}
	return given
}

func (p *parser) key(key string) []byte {
	if p.values[key] == "" {
		return nil
	}

	decoded, err := base64.StdEncoding.DecodeString(p.values[key])
	if err != nil || len(decoded) != secret.KeySize {
		p.addProblem(key, "this must be %d bytes in base64, such as the output of: openssl rand -base64 %d", secret.KeySize,
			secret.KeySize)
	}
	return decoded
}

// fallbackKey returns a key that differs from the one that it is a fallback for.
func (p *parser) fallbackKey(key string) []byte {
	fallback := p.key(key)
	if fallback != nil && p.values[key] == p.values["key_encryption_key"] {
		p.addProblem(key, "this must differ from key_encryption_key")
	}
	return fallback
}

func (p *parser) duration(key string) time.Duration {
	return p.durationFrom(key, 1, "a positive duration such as 30m")
}

// realms reads the file that the setting names; nil if it is empty.
func (p *parser) realms(key string) []saml.Realm {
	if p.values[key] == "" {
		return nil
	}

	realms, err := saml.Load(p.values[key], saml.Endpoints{Callback: api.SAMLCallback, SingleLogout: api.SAMLSingleLogout})
	if err != nil {
		p.addProblem(key, "%s", err)
	}
	return realms
}

// limit parses a duration that may be zero, which usually means no limit.
func (p *parser) limit(key string) time.Duration {
	return p.durationFrom(key, 0, "0s or a positive duration such as 30m")
}

// durationFrom parses a duration of at least a minimum. Like Go, it knows no days; unlike Go, it wants a unit for zero.
func (p *parser) durationFrom(key string, minimum time.Duration, accepted string) time.Duration {
	text := p.values[key]
	d, err := time.ParseDuration(text)
	digits, inDays := strings.CutSuffix(text, "d")
	n, notNumber := strconv.ParseUint(digits, 10, 31)
	switch {
	case notNumber == nil && n == 0 && !inDays && minimum == 0:
		p.addProblem(key, "%q has no unit: write 0s", text)
	case notNumber == nil && n > 0 && inDays:
		p.addProblem(key, "%q is in days, and hours are the longest unit: write %dh", text, 24*n)
	case notNumber == nil && n > 0:
		p.addProblem(key, "%q has no unit: write %ds, %dm or %dh", text, n, n, n)
	case err != nil || d < minimum:
		p.addProblem(key, "%q is not %s", text, accepted)
	}
	return d
}

func (p *parser) count(key string) int {
	n, err := strconv.ParseUint(p.values[key], 10, 31)
	if err != nil || n == 0 {
		p.addProblem(key, "%q is not a whole number from 1 to %d", p.values[key], math.MaxInt32)
	}
	return int(n)
}

func (p *parser) networks(key string) []*net.IPNet {
	var networks []*net.IPNet
	for part := range strings.SplitSeq(p.values[key], ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}

		_, network, err := net.ParseCIDR(part)
		if err != nil {
			p.addProblem(key, "%q is not a network such as 10.0.0.0/8", part)
		}
		networks = append(networks, network)
	}
	return networks
}

// hosts parses a list of host names. Names with a port are refused, because they would match no request.
func (p *parser) hosts(key string) []string {
	var hosts []string
	for part := range strings.SplitSeq(p.values[key], ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}

		if strings.ContainsAny(part, ":/*@ ") {
			p.addProblem(key, "%q is not the name of a host, such as sallyport.example.org", part)
		}
		hosts = append(hosts, strings.TrimSuffix(part, "."))
	}
	return hosts
}

// names parses a list of values for claims of tokens.
func (p *parser) names(key string) []string {
	var names []string
	for part := range strings.SplitSeq(p.values[key], ",") {
		name := strings.TrimSpace(part)
		if err := session.CheckName(name); err != nil {
			p.addProblem(key, "%q: %s", name, err)
		}
		if slices.Contains(names, name) {
			p.addProblem(key, "%q is listed twice", name)
		}
		names = append(names, name)
	}
	if len(names) > session.MaxNames {
		p.addProblem(key, "there are %d names, more than %d", len(names), session.MaxNames)
	}
	return names
}

// returnURLs parses a list of URLs at which sign-ins may end.
func (p *parser) returnURLs(key string) []string {
	var urls []string
	for part := range strings.SplitSeq(p.values[key], ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}

		if err := saml.CheckReturnURL(part); err != nil {
			p.addProblem(key, "%q: %s", part, err)
		}
		urls = append(urls, part)
	}
	return urls
}

func (p *parser) level(key string) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(p.values[key])); err != nil {
		p.addProblem(key, "%q is not one of debug, info, warn, error", p.values[key])
	}
	return level
}

// version parses the version of an API that find returns.
func version[T any](p *parser, key string, find func(string) (T, error)) T {
	found, err := find(p.values[key])
	if err != nil {
		p.addProblem(key, "%s", err)
	}
	return found
}

// oneOf parses a setting that has only some values.
func (p *parser) oneOf(key string) string {
	i := slices.IndexFunc(Settings, func(s Setting) bool { return s.Key == key })
	choices, given := Settings[i].Values, p.values[key]
	if slices.Contains(choices, given) {
		return given
	}
	p.addProblem(key, "%q is not one of %s%s", given, strings.Join(choices, ", "), suggest.Hint(given, choices))
	return ""
}
