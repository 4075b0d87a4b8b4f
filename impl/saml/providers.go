package saml

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/background"
	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/store"
)

const (
	// refreshTick is how often it is looked which metadata is due.
	refreshTick = 10 * time.Second
	// retryAfter is the time after a failure until metadata is fetched again, unless its refresh comes first.
	retryAfter = time.Minute
	// renewInterval is how often an unknown signing key has metadata fetched again: answers with such keys cost an
	// attacker nothing.
	renewInterval = time.Minute
	// ExpiryWarning is the time before a certificate of an identity provider expires when the warning begins.
	ExpiryWarning = 30 * 24 * time.Hour
)

// providers caches the realms' identity providers: the last valid metadata of each, in memory and in the store, so that
// sign-ins go on while metadata cannot be fetched or is invalid.
type providers struct {
	store  *store.Store
	realms []Realm
	log    *slog.Logger
	now    func() time.Time
	fetch  func(context.Context, IdentityProvider) ([]byte, error)

	known map[string]*known

	// refresh fetches in the background the metadata that is due.
	refresh *background.Loop
}

// known is the cached metadata of one realm's identity provider.
type known struct {
	// fetching is held while metadata is fetched, so that it is fetched once; next is when it is due.
	// renewable is when it may be fetched again because of an unknown signing key.
	fetching  sync.Mutex
	next      time.Time
	renewable time.Time

	mu       sync.Mutex
	provider protocol.Provider
	loaded   bool
}

func (k *known) get() (protocol.Provider, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.provider, k.loaded
}

func newProviders(st *store.Store, realms []Realm, log *slog.Logger, now func() time.Time) *providers {
	p := &providers{store: st, realms: realms, log: log, now: now, fetch: fetchMetadata, known: map[string]*known{}}
	for _, realm := range realms {
		p.known[realm.ID] = &known{}
	}
	p.refresh = background.Start(refreshTick, func(ctx context.Context) {
		for _, realm := range p.realms {
			p.update(ctx, realm, p.known[realm.ID])
		}
	})
	return p
}

func (p *providers) close() { p.refresh.Close() }

// of returns a realm's identity provider. It returns fault.StoreUnavailable if its metadata was never fetched.
func (p *providers) of(ctx context.Context, realm Realm) (protocol.Provider, error) {
	k := p.known[realm.ID]
	if _, loaded := k.get(); !loaded {
		// Other callers wait for this too, so it continues if this one disconnects.
		p.update(context.WithoutCancel(ctx), realm, k)
	}
	provider, loaded := k.get()
	if !loaded {
		return protocol.Provider{}, fault.New(fault.StoreUnavailable,
			"there is no metadata of the identity provider yet; try again in a moment")
	}
	return provider, nil
}

// update fetches metadata that is due. If it is invalid, the cached one stays.
func (p *providers) update(ctx context.Context, realm Realm, k *known) {
	k.fetching.Lock()
	defer k.fetching.Unlock()
	if _, loaded := k.get(); !loaded {
		p.recall(ctx, realm, k)
	}
	now := p.now()
	if ctx.Err() != nil || now.Before(k.next) {
		return
	}
	p.fetchNow(ctx, realm, k, now)
}

// renew fetches metadata again because its keys do not include that of a message, and returns it if its keys differ
// from those that were tried. Concurrent callers wait for one fetch, and there is at most one each renewInterval.
func (p *providers) renew(ctx context.Context, realm Realm, tried protocol.Provider) (protocol.Provider, bool) {
	k := p.known[realm.ID]
	k.fetching.Lock()
	defer k.fetching.Unlock()
	if current, _ := k.get(); !sameKeys(current, tried) {
		return current, true
	}
	now := p.now()
	if now.Before(k.renewable) {
		return tried, false
	}

	k.renewable = now.Add(renewInterval)
	p.fetchNow(context.WithoutCancel(ctx), realm, k, now)
	current, _ := k.get()
	return current, !sameKeys(current, tried)
}

func sameKeys(a, b protocol.Provider) bool {
	return slices.EqualFunc(a.Certificates, b.Certificates, (*x509.Certificate).Equal)
}

// fetchNow fetches metadata. The caller holds k.fetching.
func (p *providers) fetchNow(ctx context.Context, realm Realm, k *known, now time.Time) {
	k.next = now.Add(min(retryAfter, realm.MetadataRefresh))
	body, err := p.fetch(ctx, realm.IDP)
	if err == nil {
		err = k.take(body, realm, now)
	}
	if err != nil {
		p.log.WarnContext(ctx, "fetching metadata failed; keeping the last valid metadata",
			"realm", realm.ID, "error", err)
		return
	}
	k.next = now.Add(realm.MetadataRefresh)
	provider, _ := k.get()
	p.warn(realm, provider, now)
	if err := p.keep(ctx, realm, body); err != nil {
		p.log.WarnContext(ctx, "metadata of an identity provider was not kept", "realm", realm.ID, "error", err)
	}
}

// take caches metadata if it is valid.
func (k *known) take(body []byte, realm Realm, now time.Time) error {
	provider, err := protocol.ParseMetadata(body, realm.IDP.EntityID, now)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.provider, k.loaded = provider, true
	return nil
}

// recall takes the copy that the store has.
func (p *providers) recall(ctx context.Context, realm Realm, k *known) {
	body, err := store.Read(ctx, p.store, func(tx *store.Tx) ([]byte, error) {
		body, _, err := tx.SAML.Metadata(realm.ID)
		return body, err
	})
	if err == nil {
		err = k.take(body, realm, p.now())
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		p.log.WarnContext(ctx, "the copy of an identity provider's metadata cannot be used", "realm", realm.ID, "error", err)
	}
}

func (p *providers) keep(ctx context.Context, realm Realm, body []byte) error {
	return p.store.Update(ctx, func(tx *store.Tx) error {
		old, _, err := tx.SAML.Metadata(realm.ID)
		if err == nil && bytes.Equal(old, body) {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.SAML.ReplaceMetadata(realm.ID, body)
	})
}

// warn tells of certificates that expire soon.
func (p *providers) warn(realm Realm, provider protocol.Provider, now time.Time) {
	for _, certificate := range provider.Expiring(now.Add(ExpiryWarning)) {
		p.log.Warn("a certificate of an identity provider expires soon, or has expired",
			"realm", realm.ID, "expires", certificate.NotAfter, "serial", fmt.Sprintf("%x", certificate.SerialNumber))
	}
}
