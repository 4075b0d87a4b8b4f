package app

import (
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// FromConfig converts a configuration to the settings of a server with a key-encryption key.
func FromConfig(c config.Config, key []byte, log *slog.Logger) Settings {
	return Settings{
		Store:            c.Store,
		KeyEncryptionKey: key,
		CacheLifetime:    c.CacheLifetime,
		AuditRetention:   c.AuditRetention,
		Builtins: user.Bootstrap{
			Passwords: map[string]string{user.Admin: c.AdminPassword, user.Readonly: c.ReadonlyPassword},
			Changed:   func(name string) { log.Info("password changed by the configuration", "user", name) },
		},
		Sessions:        c.Sessions,
		Elevation:       c.Elevation,
		Keys:            c.Keys,
		Compatibility:   c.Compatibility,
		Realms:          c.Realms,
		ReturnURLs:      c.ReturnURLs,
		SignOn:          c.SignOn,
		Lockout:         c.Lockout,
		AddressFailures: c.AddressFailures,
		AddressRecovery: c.AddressRecovery,
		Hashing:         secret.DefaultCost,
		TrustedProxies:  c.TrustedProxies,
		Responses:       edge.ResponseValidation(c.ResponseValidation),
		Log:             log,
		Now:             time.Now,
		ServerTime:      true,
	}
}
