// Package app assembles the program from its parts: store, domain, HTTP edge.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/impl/account"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/applicationprivilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/httpapi"
	"github.com/sallyport/sallyport/impl/platform/metrics"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/platform/tracing"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/store"
)

// Settings are what the program is made of. All but TrustedProxies, Tracer and ServerTime must be set.
type Settings struct {
	// Store is a DSN, as store.Open takes it.
	Store string
	// KeyEncryptionKey has secret.KeySize bytes.
	KeyEncryptionKey []byte
	Builtins         user.Bootstrap
	Sessions         session.Settings
	Elevation        elevation.Settings
	Keys             apikey.Settings
	// CacheLifetime is how long credentials are remembered at most; zero for not at all. See store.Follow.
	CacheLifetime time.Duration
	// Realms are those of SAML, as saml.Load returns them.
	Realms []saml.Realm
	// SignOn bounds sign-ins at the realms.
	SignOn  saml.Limits
	Lockout attempts.Policy
	// AddressFailures is how many wrong guesses an address may make at once; it gets one back each AddressRecovery.
	AddressFailures int
	AddressRecovery time.Duration
	Hashing         secret.Cost
	TrustedProxies  []*net.IPNet
	Log             *slog.Logger
	// Tracer is nil where no requests are to be traced. Closing it is up to whoever made it.
	Tracer *tracing.Tracer
	Now    func() time.Time
	// ServerTime has everything go by the clock of the store's server in place of Now, if it has one.
	ServerTime bool
}

// App is the program, ready to serve.
type App struct {
	Handler http.Handler
	Users   *user.Service
	Keys    *apikey.Service
	// Elevation gives users second factors.
	Elevation *elevation.Service
	// Metrics answers with what Prometheus reads.
	Metrics http.Handler

	counts   *metrics.Metrics
	sessions *session.Service
	signOn   *saml.Service
	store    *store.Store
}

// Open opens the store and assembles the program on it.
func Open(ctx context.Context, s Settings) (*App, error) {
	st, err := store.Open(ctx, s.Store, s.Now)
	if err != nil {
		return nil, err
	}
	if s.ServerTime {
		s.Now = st.ServerTime()
	}
	a, err := assemble(ctx, st, s)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return a, nil
}

func assemble(ctx context.Context, st *store.Store, s Settings) (*App, error) {
	st.Follow(s.CacheLifetime, s.Log)
	sealer, err := secret.NewSealer(s.KeyEncryptionKey)
	if err != nil {
		return nil, err
	}
	counts, hasher := metrics.New(), secret.NewHasher(s.Hashing)
	st.Observe(counts.Transaction)
	counts.Pools(st.Pools)
	sessions, err := session.New(ctx, st, sealer, s.Sessions)
	if err != nil {
		return nil, err
	}
	guesses := attempts.NewCounter(s.Lockout, attempts.NewAddressLimiter(s.AddressFailures, s.AddressRecovery, s.Now))
	// Any page can make a browser send answers that are refused: they must not use up what its address may guess. This one
	// counts only those to realms that take unsolicited answers.
	answers := attempts.NewCounter(s.Lockout, attempts.NewAddressLimiter(s.AddressFailures, s.AddressRecovery, s.Now))
	accounts, users := account.NewService(st), user.NewService(st, hasher, guesses)
	elevations := elevation.NewService(st, sessions, guesses, sealer, s.Elevation, s.Now)
	if err := accounts.Bootstrap(ctx); err != nil {
		return nil, err
	}
	if err := users.Bootstrap(ctx, s.Builtins); err != nil {
		return nil, err
	}
	rights, err := access.NewService(st)
	if err != nil {
		return nil, err
	}
	// Last, because they have to be closed.
	keys, signOn := apikey.NewService(st, s.Keys, s.Log), saml.NewService(st, sessions, sealer, answers, saml.Settings{Realms: s.Realms, Limits: s.SignOn}, s.Log, s.Now)
	limits := httpapi.NewLimits(st.Readers())
	count(counts, st, hasher, users, signOn, limits)
	counts.KeysExpiring(keys.Expiring, s.Now)
	handler, err := httpapi.New(httpapi.Deps{
		Accounts: accounts, Auth: authn.NewService(st, users, keys, sessions, s.Now), Elevation: elevations, Keys: keys, Users: users,
		Roles: role.NewService(st), Privileges: applicationprivilege.NewService(st), Access: rights, SAML: signOn,
		Limits: limits, Log: s.Log, TrustedProxies: s.TrustedProxies, Observe: counts.Request, Tracer: s.Tracer,
	})
	if err == nil {
		err = repairKeys(ctx, keys, s.Log)
	}
	if err != nil {
		keys.Close()
		signOn.Close()
		return nil, err
	}
	counts.Cache("passwords", users.Remembered)
	counts.Cache("sessions", sessions.CacheCounts)
	counts.Cache("api_keys", keys.Remembered)
	sessions.Watch(s.Log)
	users.WatchRevocations(s.Log)
	return &App{
		Handler: counts.InFlight(handler), Users: users, Keys: keys, Elevation: elevations, Metrics: counts.Handler(), counts: counts, sessions: sessions, signOn: signOn, store: st,
	}, nil
}

// repairKeys binds the API keys that an older program has left unbound, and warns of those of which it is not certain.
func repairKeys(ctx context.Context, keys *apikey.Service, log *slog.Logger) error {
	makers, err := keys.RepairMakersOnce(ctx)
	if err != nil {
		return err
	}
	if makers.Bound > 0 {
		log.WarnContext(ctx, "API keys bound that others than their owners had made", "keys", makers.Bound)
	}
	if len(makers.Doubtful) > 0 {
		log.WarnContext(ctx, "API keys of doubtful makers: list them with sallyport api-key doubtful", "keys", len(makers.Doubtful))
	}
	return nil
}

// count has the load of all that is bounded among the metrics.
func count(counts *metrics.Metrics, st *store.Store, hasher *secret.Hasher, users *user.Service, signOn *saml.Service, limits *httpapi.Limits) {
	counts.Bound("hashing", hasher.Bound())
	counts.Bound("looking_up", users.LookingUp())
	counts.Bound("saml", signOn.Reading())
	counts.Bound("requests", limits.Requests)
	counts.Bound("unauthenticated_requests", limits.UnauthenticatedRequests)
	for name, class := range limits.Classes() {
		counts.Bound(name, class.Slots)
		counts.Budget(name, class.Bytes)
	}
	if st.Configured() {
		reads, writes := st.Turns()
		counts.Bound("reads", reads)
		counts.Bound("writes", writes)
	}
}

// Ready returns why no request that needs the store can be served, or nil.
func (a *App) Ready(ctx context.Context) error { return a.sessions.Ready(ctx) }

// Schema is the version of the store's schema, 0 where there is none.
func (a *App) Schema() int64 { return a.store.SchemaVersion() }

// CountCertificate has the end of the server's certificate among the metrics. It must be called once only.
func (a *App) CountCertificate(expires func() time.Time) { a.counts.Certificate(expires) }

// Close closes the store, after all that is still to be written.
func (a *App) Close() error {
	a.sessions.Close()
	a.Users.Close()
	a.signOn.Close()
	a.Keys.Close()
	return a.store.Close()
}
