// Package app assembles a server from its parts: store, domain, HTTP edge.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/account"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/profile"
	"github.com/sallyport/sallyport/impl/authn/servicetoken"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/applicationprivilege"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/rolemapping"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/http/console"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/crossorigin"
	"github.com/sallyport/sallyport/impl/http/ece"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/http/elastic"
	"github.com/sallyport/sallyport/impl/http/navigation"
	"github.com/sallyport/sallyport/impl/http/reference"
	"github.com/sallyport/sallyport/impl/platform/background"
	"github.com/sallyport/sallyport/impl/platform/metrics"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/platform/tracing"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/store"
)

// Settings configures a server. All fields except Memory, Image, Random, KeyEncryptionKeyFallback, ReturnURLs,
// TrustedProxies, Tracer, Responses, Interpret and ServerTime must be set.
type Settings struct {
	// Store is the DSN for store.Open.
	Store string
	// Memory is set if the records are kept in memory, for tests. Store is not used then, and Image, if it is not nil,
	// holds the records that the server starts with; see store.OpenMemory.
	Memory bool
	Image  []byte
	// Random is where ids and secrets come from, for tests with records in memory. The zero value is crypto/rand, and
	// that of all other servers.
	Random secret.Source
	// KeyEncryptionKey has secret.KeySize bytes.
	KeyEncryptionKey []byte
	// KeyEncryptionKeyFallback is a second key, which only decrypts; nil if there is none.
	KeyEncryptionKeyFallback []byte

	Builtins  user.Bootstrap
	Sessions  session.Settings
	Elevation elevation.Settings
	Keys      apikey.Settings
	// Compatibility holds the versions of the APIs that are spoken.
	Compatibility compatibility.Settings
	// CacheLifetime is the maximum time for which credentials are cached; zero disables the cache. See store.Follow.
	CacheLifetime time.Duration
	// AuditRetention is the age at which entries of the audit trail are removed; zero is never.
	AuditRetention time.Duration
	// Realms are the SAML realms that saml.Load returns.
	Realms []saml.Realm
	// ReturnURLs are where sign-ins at the realms may end; see saml.CheckReturnURL.
	ReturnURLs []string
	// SignOn limits sign-ins at the realms.
	SignOn  saml.Limits
	Lockout attempts.Policy
	// AddressFailures is the number of failed attempts that an address may make in a burst, and AddressRecovery the
	// interval after which it may make one more.
	AddressFailures int
	AddressRecovery time.Duration
	Hashing         secret.Cost
	TrustedProxies  []*net.IPNet
	Log             *slog.Logger
	// Tracer is nil if requests are not traced. The caller closes it.
	Tracer *tracing.Tracer
	// Responses is what happens to responses that the contract does not allow; they are not checked if it is "".
	Responses edge.ResponseValidation
	// Interpret validates without the compiled checks. It is for tests.
	Interpret bool
	Now       func() time.Time
	// ServerTime replaces Now by the clock of the store's server, if it has one.
	ServerTime bool
}

// App is a server that is ready to serve.
type App struct {
	Handler http.Handler
	Users   *user.Service
	Roles   *role.Service
	Keys    *apikey.Service
	// Elevation manages the second factors of users.
	Elevation *elevation.Service
	// Metrics serves the metrics to Prometheus.
	Metrics http.Handler
	// Operation returns the id of the operation that a request asks for, or "" if the contract has none.
	Operation func(*http.Request) string

	counts   *metrics.Metrics
	sessions *session.Service
	retained *background.Loop
	signOn   *saml.Service
	store    *store.Store
}

// Open opens the store and assembles a server on it.
func Open(ctx context.Context, s Settings) (*App, error) {
	// Parsing the contract takes longer than opening the store; assemble waits for it, and returns its error.
	go func() { _, _ = contract.Load() }()

	st, err := openStore(ctx, s)
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

// fallbackKeys returns the key-encryption keys that only decrypt.
func (s Settings) fallbackKeys() [][]byte {
	if s.KeyEncryptionKeyFallback == nil {
		return nil
	}
	return [][]byte{s.KeyEncryptionKeyFallback}
}

// unclustered reports whether there is no authentication cluster, so that records end with the server.
func (s Settings) unclustered() bool { return !s.Memory && s.Store == store.None }

// realms returns the realms to sign in at, which need an authentication cluster.
func (s Settings) realms() []saml.Realm {
	if s.unclustered() {
		return nil
	}
	return s.Realms
}

// auditRetention returns the age at which entries of the audit trail are removed. Where it cannot be read, it must not
// fill the memory.
func (s Settings) auditRetention() time.Duration {
	if s.unclustered() {
		return audit.MinRetention
	}
	return s.AuditRetention
}

var errPredictable = errors.New("app: predictable secrets are for records in memory, in tests")

func openStore(ctx context.Context, s Settings) (*store.Store, error) {
	switch {
	case s.Memory:
		return store.OpenMemory(ctx, s.Image, s.Now, s.Random)
	case s.Random.Predictable():
		return nil, errPredictable
	default:
		return store.Open(ctx, s.Store, s.Now)
	}
}

func assemble(ctx context.Context, st *store.Store, s Settings) (*App, error) {
	st.Follow(s.CacheLifetime, s.Log)

	sealer, err := secret.NewSealerFrom(st.Random(), s.KeyEncryptionKey, s.fallbackKeys()...)
	if err != nil {
		return nil, err
	}
	counts, hasher := metrics.New(), secret.NewHasherFrom(st.Random(), s.Hashing)
	st.Observe(counts.Transaction)
	counts.Pools(st.Pools)
	sessions, err := session.New(ctx, st, sealer, s.Sessions)
	if err != nil {
		return nil, err
	}

	guesses := attempts.NewCounter(s.Lockout, attempts.NewAddressLimiter(s.AddressFailures, s.AddressRecovery, s.Now))
	// Any page can make a browser send invalid SAML responses. They have their own counter, so that they do not use up
	// the limit of failed attempts of the browser's address. Only responses to realms that accept unsolicited ones are
	// counted.
	responses := attempts.NewCounter(s.Lockout, attempts.NewAddressLimiter(s.AddressFailures, s.AddressRecovery, s.Now))
	s.Elevation.AtSignIn = s.Compatibility.ECE.CodeAtSignIn
	accounts, users := account.NewService(st), user.NewService(st, hasher, guesses)
	elevations := elevation.NewService(st, sessions, guesses, sealer, s.Elevation, s.Now)
	if err := accounts.Bootstrap(ctx); err != nil {
		return nil, err
	}
	if err := users.Bootstrap(ctx, s.Builtins); err != nil {
		return nil, err
	}
	speaks := s.Compatibility.Elasticsearch
	names := privilege.NewNames(speaks.ClusterPrivileges, speaks.IndexPrivileges)
	builtin := role.NewBuiltin(speaks.EarlierRoles, speaks.NarrowerRoles)
	rights, err := access.NewService(st, names, builtin)
	if err != nil {
		return nil, err
	}
	document, err := contract.Load()
	if err != nil {
		return nil, err
	}
	document = document.With(contract.Options{
		Interpret: s.Interpret,
		Undecided: counts.Fallback,
		Responses: s.Responses != "" && s.Responses != edge.ResponsesUnchecked,
		Without:   slices.Concat(s.Compatibility.ECE.Operations, speaks.Operations),
	})
	// Last, because they have to be closed.
	s.Keys.Builtin = builtin
	keys := apikey.NewService(st, s.Keys, s.Log)
	signOn := saml.NewService(st, sessions, sealer, saml.Counters{Responses: responses, Guesses: guesses},
		saml.Settings{Realms: s.realms(), ReturnURLs: s.ReturnURLs, Limits: s.SignOn}, s.Log, s.Now)
	limits := edge.NewLimits(st.Readers())
	count(counts, st, hasher, users, signOn, limits)
	counts.KeysExpiring(keys.Expiring, s.Now)
	services := servicetoken.NewService(st)
	auth := authn.NewService(st, users, keys, sessions, elevations, services, s.Now)
	roles := role.NewService(st, builtin)
	handler, err := edge.New(edge.Config{
		Families: []edge.Family{
			elastic.New(document, elastic.Services{
				Accounts:     accounts,
				Auth:         auth,
				Keys:         keys,
				Users:        users,
				Roles:        roles,
				RoleMappings: rolemapping.NewService(st),
				SAML:         signOn,
				Privileges:   applicationprivilege.NewService(st),
				Access:       rights,
				Tokens:       services,
				Profiles:     profile.NewService(st),
				Elevation:    elevations,
				Speaks:       speaks,
				Names:        names,
				Now:          s.Now,
			}),
			ece.New(document, ece.Services{
				Accounts:  accounts,
				Auth:      auth,
				Keys:      keys,
				Users:     users,
				SAML:      signOn,
				Elevation: elevations,
				Trail:     audit.NewTrail(st),
				Log:       s.Log,
				Speaks:    s.Compatibility.ECE,

				StrictContentType: s.Compatibility.StrictContentType,
			}),
		},
		Auth:           auth,
		Elevation:      elevations,
		Log:            s.Log,
		TrustedProxies: s.TrustedProxies,
		Unclustered:    s.unclustered(),
		Limits:         limits,
		Observe:        counts.Operation,
		Responses:      s.Responses,
		ObserveInvalid: counts.InvalidResponse,
		Tracer:         s.Tracer,
	})
	// Records in memory are no older than this program.
	if err == nil && !s.Memory {
		err = reviewRecords(ctx, keys, roles, users, s.Log)
	}
	if err != nil {
		keys.Close()
		signOn.Close()
		return nil, err
	}
	counts.Cache("passwords", users.CacheCounts)
	counts.Cache("sessions", sessions.CacheCounts)
	counts.Cache("api_keys", keys.CacheCounts)
	counts.Cache("accounts", accounts.CacheCounts)
	counts.Cache("privileges", rights.CacheCounts)
	counts.Cache("users", users.ProfileCounts)
	counts.CacheFlushes(st.Flushes)
	countOutcomes(counts, auth, signOn, elevations, guesses)

	if s.Elevation.AtSignIn {
		s.Log.InfoContext(ctx, "elevation not served: users with a second factor send a one-time code when they sign in",
			"compatibility.ece", s.Compatibility.ECE.Version)
	}
	sessions.Watch(s.Log)
	users.WatchRevocations(s.Log)
	return &App{
		Handler:   pages(handler.Operation, s.ReturnURLs, counts.InFlight(handler)),
		Users:     users,
		Roles:     roles,
		Keys:      keys,
		Elevation: elevations,
		Metrics:   counts.Handler(),
		Operation: handler.Operation,
		counts:    counts,
		sessions:  sessions,
		retained:  audit.Retain(st, s.auditRetention(), s.Log),
		signOn:    signOn,
		store:     st,
	}, nil
}

// pages returns a handler that serves what is for people in front of the operations, and lets pages of the return URLs
// exchange the codes of sign-ins.
func pages(operation func(*http.Request) string, returnURLs []string, operations http.Handler) http.Handler {
	operations = crossorigin.Before(crossorigin.Rule{
		Pages:       returnURLs,
		Operation:   "saml-token",
		OperationOf: operation,
	}, operations)
	routes := navigation.Routes{
		Home:      console.Prefix,
		Operation: operation,
		SignIns:   []string{"saml-init", "saml-callback"},
		SignOuts:  []string{"saml-single-logout"},
	}
	return console.Before(reference.Before(navigation.Before(routes, operations)))
}

// reviewRecords repairs what an older version left, and logs warnings about it.
func reviewRecords(
	ctx context.Context, keys *apikey.Service, roles *role.Service, users *user.Service, log *slog.Logger,
) error {
	if err := repairKeys(ctx, keys, log); err != nil {
		return err
	}
	return reportReserved(ctx, roles, users, log)
}

// repairKeys binds API keys that an older version left unbound, and logs a warning about those with an uncertain
// creator.
func repairKeys(ctx context.Context, keys *apikey.Service, log *slog.Logger) error {
	makers, err := keys.RepairMakersOnce(ctx)
	if err != nil {
		return err
	}
	if makers.Bound > 0 {
		log.WarnContext(ctx, "API keys bound: users other than their owners created them", "keys", makers.Bound)
	}
	if len(makers.Doubtful) > 0 {
		log.WarnContext(ctx, "API keys with uncertain creators: list them with sallyport key doubtful",
			"keys", len(makers.Doubtful))
	}
	return nil
}

// reportReserved logs warnings about roles and users of earlier versions that have the name of a built-in one of
// Elasticsearch.
func reportReserved(ctx context.Context, roles *role.Service, users *user.Service, log *slog.Logger) error {
	replaced, err := roles.Replaced(ctx)
	if err != nil {
		return err
	}
	if len(replaced) > 0 {
		log.WarnContext(ctx, "stored roles in effect in place of built-in ones: delete them to use the built-in roles",
			"roles", replaced)
	}

	reserved, err := users.Reserved(ctx)
	if err == nil && len(reserved) > 0 {
		log.WarnContext(ctx, "users with reserved names: they stay as they are, and cannot be created again",
			"users", reserved)
	}
	return err
}

// count adds the load of all limits to the metrics.
func count(
	counts *metrics.Metrics, st *store.Store, hasher *secret.Hasher, users *user.Service, signOn *saml.Service,
	limits *edge.Limits,
) {
	counts.Bound("hashing", hasher.Bound())
	counts.Bound("looking_up", users.LookingUp())
	counts.Bound("saml", signOn.Reading())
	counts.Bound("requests", limits.Requests)
	counts.Bound("unauthenticated_requests", limits.UnauthenticatedRequests)
	for name, class := range limits.Classes() {
		counts.Bound(name, class.Slots)
		counts.Budget(name, class.Bytes)
	}
	reads, writes := st.Slots()
	counts.Bound("reads", reads)
	counts.Bound("writes", writes)
}

// countOutcomes adds how authentication ends to the metrics.
func countOutcomes(
	counts *metrics.Metrics, auth *authn.Service, signOn *saml.Service, elevations *elevation.Service,
	guesses *attempts.Counter,
) {
	authentications, signIns := map[string]metrics.OutcomeCounter{}, map[string]metrics.OutcomeCounter{}
	for method, counter := range auth.Authentications() {
		authentications[method] = counter
	}
	for method, counter := range auth.SignIns() {
		signIns[method] = counter
	}
	signIns["saml"] = signOn.SignIns()
	counts.Authentications(authentications)
	counts.Introspections(auth.Introspections())
	counts.SignIns(signIns)
	counts.Elevations(elevations.Outcomes())
	counts.Lockouts(guesses.Locks)
}

// Ready returns an error if no request that needs the store can be served.
func (a *App) Ready(ctx context.Context) error { return a.sessions.Ready(ctx) }

// Schema returns the version of the store's schema.
func (a *App) Schema() int64 { return a.store.SchemaVersion() }

// Image returns the records of a server that keeps them in memory.
func (a *App) Image(ctx context.Context) ([]byte, error) { return a.store.Image(ctx) }

// CountCertificate adds the expiry of the server's certificate to the metrics. It must be called at most once.
func (a *App) CountCertificate(expires func() time.Time) { a.counts.Certificate(expires) }

// Close stops the background maintenance and closes the store after pending writes.
func (a *App) Close() error {
	a.retained.Close()
	a.sessions.Close()
	a.Users.Close()
	a.signOn.Close()
	a.Keys.Close()
	return a.store.Close()
}
