package saml

import (
	"log/slog"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/outcome"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/store"
)

// Service lets users sign in at identity providers. All that must be shared lives in the store, so any server on it can
// end a sign-in that another began.
type Service struct {
	store    *store.Store
	sessions *session.Service
	// attempts limits invalid responses by address, of realms that accept unsolicited ones.
	attempts *attempts.Counter
	// guesses limits invalid codes by address.
	guesses    *attempts.Counter
	realms     []Realm
	returnURLs []string
	providers  *providers
	tickets    tickets
	// begun limits how many sign-ins an address begins: each may be a signature, and each gives the right to a few tries.
	begun *attempts.AddressLimiter
	// answers is how many answers to one sign-in are verified; retried limits those of an address after the first to each.
	answers int
	tries   *tries
	retried *attempts.AddressLimiter
	// strays limits how many refusals are kept of answers that no sign-in waited for, from wherever they come.
	strays *attempts.AddressLimiter
	// reading bounds how many responses are read at once: one can take a tenth of a second and tens of megabytes.
	reading *admission.Bound
	log     *slog.Logger
	// signIns counts how sign-ins end.
	signIns outcome.Counter
}

// SignIns counts how calls of Finish and Authenticate end.
func (s *Service) SignIns() *outcome.Counter { return &s.signIns }

// Limits bounds what one address, and one sign-in, may cost.
type Limits struct {
	// AddressSignIns is how many sign-ins an address may begin at once; it may begin one more each AddressRecovery.
	// Answers that are tried again have a limit of the same size.
	AddressSignIns  int
	AddressRecovery time.Duration
	// Answers is how many answers to one sign-in are verified, on each server.
	Answers int
}

// DefaultLimits let a thousand people behind one address sign in within two minutes.
var DefaultLimits = Limits{
	AddressSignIns:  600,
	AddressRecovery: 200 * time.Millisecond,
	Answers:         10,
}

// Of answers that no sign-in waited for, strayBurst refusals are kept at once, and one more each strayInterval: each is
// a durable write, and any page can make any browser send them.
const (
	strayBurst    = 100
	strayInterval = time.Second
	// allAddresses is the key of the limiter that all addresses share.
	allAddresses = "all"
)

// Counters count the failures of addresses.
type Counters struct {
	// Responses counts invalid unsolicited responses, which any page can make a browser send.
	Responses *attempts.Counter
	// Guesses counts invalid codes, and the failed sign-ins with passwords.
	Guesses *attempts.Counter
}

// Settings are the realms, as Load returned them, and the limits.
type Settings struct {
	Realms []Realm
	// ReturnURLs are where sign-ins may end in place of the sign-in page. See CheckReturnURL.
	ReturnURLs []string
	Limits     Limits
}

// NewService returns a service on a store. The sealer seals pending sign-ins; all servers on the store have the same.
// Close ends the refreshing of metadata.
func NewService(
	st *store.Store, sessions *session.Service, sealer *secret.Sealer, counters Counters, settings Settings,
	log *slog.Logger, now func() time.Time,
) *Service {
	enabled := slices.DeleteFunc(slices.Clone(settings.Realms), func(r Realm) bool { return !r.Enabled })
	limits := settings.Limits
	return &Service{
		store: st, sessions: sessions, attempts: counters.Responses, guesses: counters.Guesses,
		realms: enabled, returnURLs: settings.ReturnURLs, providers: newProviders(st, enabled, log, now),
		tickets: tickets{sealer}, answers: limits.Answers, tries: newTries(),
		begun:   attempts.NewAddressLimiter(limits.AddressSignIns, limits.AddressRecovery, now),
		retried: attempts.NewAddressLimiter(limits.AddressSignIns, limits.AddressRecovery, now),
		strays:  attempts.NewAddressLimiter(strayBurst, strayInterval, now), reading: admission.PerProcessor(), log: log,
	}
}

// Reading is the bound of the responses that are read at once.
func (s *Service) Reading() *admission.Bound { return s.reading }

// Close ends what goes on in the background.
func (s *Service) Close() { s.providers.close() }

// Method is a way to sign in: the id of a realm and its name for people.
type Method struct{ Realm, Name string }

// Methods returns a way to sign in for each enabled realm, in their order.
func (s *Service) Methods() []Method {
	methods := []Method{}
	for _, realm := range s.realms {
		methods = append(methods, Method{Realm: realm.ID, Name: realm.Name})
	}
	return methods
}

// Metadata returns what the identity provider of a realm has to know of this server, in XML. It returns
// fault.RealmNotFound.
func (s *Service) Metadata(realmID string) ([]byte, error) {
	realm, err := s.realm(realmID)
	if err != nil {
		return nil, err
	}
	sp := protocol.ServiceProvider{
		EntityID: realm.SP.EntityID, ACS: realm.SP.ACS, SLO: realm.SP.Logout, NameIDFormat: realm.NameIDFormat,
		SignsRequests: realm.SignRequests,
	}
	if realm.Signing != nil {
		sp.SigningCertificates = append(sp.SigningCertificates, realm.Signing.Certificate)
	}
	for _, pair := range realm.OtherSigning {
		sp.SigningCertificates = append(sp.SigningCertificates, pair.Certificate)
	}
	for _, pair := range realm.Encryption {
		sp.EncryptionCertificates = append(sp.EncryptionCertificates, pair.Certificate)
	}
	return protocol.ServiceProviderMetadata(sp)
}

// requireRealms returns fault.RealmsMissing if no realm is enabled.
func (s *Service) requireRealms() error {
	if len(s.realms) == 0 {
		return fault.New(fault.RealmsMissing, "this server has no SAML realm to sign in at")
	}
	return nil
}

// realm returns an enabled realm; the first for an empty id.
func (s *Service) realm(id string) (Realm, error) {
	i := slices.IndexFunc(s.realms, func(r Realm) bool { return id == "" || r.ID == id })
	if i < 0 {
		return Realm{}, fault.New(fault.RealmNotFound, "there is no such realm, or it is not enabled", "realm")
	}
	return s.realms[i], nil
}
