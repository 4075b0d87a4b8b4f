// Package account manages the installation's account, which holds its trust settings.
package account

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/mergepatch"
	"github.com/sallyport/sallyport/impl/store"
)

// Account is the public view of the account.
type Account struct {
	ID       string
	TrustAll bool
}

// defaultTrustAll is the value of trust_all unless it is set.
const defaultTrustAll = true

// Service reads and changes the account.
type Service struct {
	store *store.Store
	// known caches the account.
	known *store.Cache[none, store.Account]
}

type none struct{}

// NewService returns a service on a store.
func NewService(st *store.Store) *Service {
	known, _ := store.NewCache[none, store.Account](st, 1) // this fails for a size that is not positive only
	return &Service{st, known}
}

// CacheCounts returns the numbers of hits and misses of the account's cache.
func (s *Service) CacheCounts() (hits, misses uint64) { return s.known.Counts() }

// Bootstrap creates the account if it does not exist.
func (s *Service) Bootstrap(ctx context.Context) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Accounts.Get()
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.Accounts.Insert(store.Account{ID: tx.Random.Text(16), TrustAll: defaultTrustAll})
	})
}

// Get returns the account, or fault.AccountNotFound.
func (s *Service) Get(ctx context.Context) (Account, error) {
	record, err := s.known.Read(ctx, none{}, load)
	return public(record), err
}

// Replace sets all settings; nil selects the default. It returns fault.AccountNotFound.
func (s *Service) Replace(ctx context.Context, trustAll *bool) (Account, error) {
	return s.change(ctx, func(record *store.Account) error {
		record.TrustAll = defaultTrustAll
		if trustAll != nil {
			record.TrustAll = *trustAll
		}
		return nil
	})
}

// Patch applies a JSON merge patch (RFC 7396) to {"trust": {"trust_all": …}}; removing a setting resets it to its
// default. It returns fault.InvalidData if the patched settings have the wrong types, and fault.AccountNotFound.
func (s *Service) Patch(ctx context.Context, patch any) (Account, error) {
	return s.change(ctx, func(record *store.Account) error {
		document := map[string]any{"trust": map[string]any{"trust_all": record.TrustAll}}
		settings, ok := mergepatch.Apply(document, patch).(map[string]any)
		if !ok {
			return fault.New(fault.InvalidData, "the patch must be an object", "body")
		}
		trustAll, err := readTrustAll(settings)
		record.TrustAll = trustAll
		return err
	})
}

// readTrustAll reads trust.trust_all from the settings, or returns its default.
func readTrustAll(settings map[string]any) (bool, error) {
	trust, present := settings["trust"]
	if !present {
		return defaultTrustAll, nil
	}

	members, ok := trust.(map[string]any)
	if !ok {
		return false, fault.New(fault.InvalidData, "trust: this must be an object", "trust")
	}

	value, present := members["trust_all"]
	if !present {
		return defaultTrustAll, nil
	}

	trustAll, ok := value.(bool)
	if !ok {
		return false, fault.New(fault.InvalidData, "trust.trust_all: this must be true or false", "trust.trust_all")
	}
	return trustAll, nil
}

// change updates the account with f. It writes and records nothing if f changes nothing.
func (s *Service) change(ctx context.Context, f func(*store.Account) error) (Account, error) {
	record, err := store.Write(ctx, s.store, func(tx *store.Tx) (store.Account, error) {
		record, err := load(tx)
		if err != nil {
			return record, err
		}

		before := record.TrustAll
		if err := f(&record); err != nil || record.TrustAll == before {
			return record, err
		}

		if err := tx.Accounts.Update(record); err != nil {
			return record, err
		}
		return record, audit.Record(ctx, tx, audit.AccountUpdated, record.ID, audit.Details{"trust_all": record.TrustAll})
	})
	return public(record), err
}

func load(tx *store.Tx) (store.Account, error) {
	record, err := tx.Accounts.Get()
	if errors.Is(err, store.ErrNotFound) {
		return record, fault.New(fault.AccountNotFound, "the account does not exist")
	}
	return record, err
}

func public(record store.Account) Account { return Account{ID: record.ID, TrustAll: record.TrustAll} }
