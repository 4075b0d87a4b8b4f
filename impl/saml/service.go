package saml

import (
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/guard"
	"github.com/sallyport/sallyport/impl/lockout"
	"github.com/sallyport/sallyport/impl/overload"
	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/session"
	"github.com/sallyport/sallyport/impl/store"
)

// Service lets users sign in at identity providers. All that must be shared lives in the store, so any server on it can
// end a sign-in that another began.
type Service struct {
	store     *store.Store
	sessions  *session.Service
	guard     *guard.Guard
	realms    []Realm
	providers *providers
	// begun limits how many sign-ins an address begins: each is a row that waits.
	begun *lockout.Addresses
	// strays limits how many refusals are kept of answers that no sign-in waited for, from wherever they come.
	strays *lockout.Addresses
	// reading bounds how many responses are read at once: one can take a tenth of a second and tens of megabytes.
	reading *overload.Bound
	log     *slog.Logger
}

// An address may begin so many sign-ins at once, and one more each interval.
const (
	beginBurst    = 60
	beginInterval = 2 * time.Second
)

// Of answers that no sign-in waited for so many refusals are kept at once, and one more each interval. Anybody can send them
// from many addresses, and each would be a durable write, which all others wait for.
const (
	strayBurst    = 1000
	strayInterval = 100 * time.Millisecond
	everybody     = "everybody" // is no address, and so a group of its own
)

// NewService returns a service on a store with realms as Load returned them. Close ends the refreshing of metadata.
func NewService(st *store.Store, sessions *session.Service, g *guard.Guard, realms []Realm, log *slog.Logger, now func() time.Time) *Service {
	enabled := slices.DeleteFunc(slices.Clone(realms), func(r Realm) bool { return !r.Enabled })
	return &Service{
		store: st, sessions: sessions, guard: g, realms: enabled, providers: newProviders(st, enabled, log, now),
		begun: lockout.NewAddresses(beginBurst, beginInterval, now), strays: lockout.NewAddresses(strayBurst, strayInterval, now), reading: overload.PerProcessor(), log: log,
	}
}

// Reading is the bound of the responses that are read at once.
func (s *Service) Reading() *overload.Bound { return s.reading }

// Close ends what goes on in the background.
func (s *Service) Close() { s.providers.close() }

// Method is a way to sign in.
type Method struct{ Name, URL string }

// beginPath is the operation that begins a sign-in.
const beginPath = "/api/v1/users/auth/saml/_init"

// Methods returns a way to sign in for each enabled realm, in their order.
func (s *Service) Methods() []Method {
	methods := []Method{}
	for _, realm := range s.realms {
		methods = append(methods, Method{Name: realm.Name, URL: beginPath + "?realm=" + url.QueryEscape(realm.ID)})
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
		EntityID: realm.SP.EntityID, ACS: realm.SP.ACS, SLO: realm.SP.Logout, NameIDFormat: realm.NameIDFormat, SignsRequests: realm.SignRequests,
	}
	if realm.Signing != nil {
		sp.SigningCertificates = append(sp.SigningCertificates, realm.Signing.Certificate)
	}
	for _, pair := range realm.Encryption {
		sp.EncryptionCertificates = append(sp.EncryptionCertificates, pair.Certificate)
	}
	return protocol.ServiceProviderMetadata(sp)
}

// realm returns an enabled realm; the first for an empty id.
func (s *Service) realm(id string) (Realm, error) {
	i := slices.IndexFunc(s.realms, func(r Realm) bool { return id == "" || r.ID == id })
	if i < 0 {
		return Realm{}, fault.New(fault.RealmNotFound, "there is no such realm, or it is not enabled", "realm")
	}
	return s.realms[i], nil
}
