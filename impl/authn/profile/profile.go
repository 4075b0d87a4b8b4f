// Package profile manages Elasticsearch's user profiles: labels and data that applications keep about users.
package profile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Profile is what applications keep about a user.
type Profile struct {
	UID string
	// Enabled profiles are suggested.
	Enabled bool
	// SynchronizedAt is when the profile was last activated.
	SynchronizedAt time.Time
	// Version counts the changes, from 0 on.
	Version int64
	// Labels and Data are JSON objects.
	Labels, Data string
	// User is the profile's user as it is now.
	User user.User
}

// Principal returns the profile's user, for questions about its privileges.
func (p Profile) Principal() identity.Principal {
	return identity.Principal{User: p.User.Name, Roles: p.User.Roles, Method: identity.RunAs}
}

// PrimaryTerm is the term of all versions: Elasticsearch's version of a document is a term with a number.
const PrimaryTerm = 1

const (
	// MaxUIDs bounds the profiles of one request.
	MaxUIDs = 1000
	// maxStored bounds the labels and data of a profile, in bytes of JSON.
	maxStored = 64 << 10
	// maxShown bounds the labels and data in one response.
	maxShown = 4 << 20
	// readAtOnce is the number of profiles that are read before their size is checked.
	readAtOnce = 50
	// minInterval is the time after an activation in which another one changes nothing (Elasticsearch's value).
	minInterval = 30 * time.Second
	// uidBytes is the size of Elasticsearch's, which are hashes.
	uidBytes = 32
)

// Service manages profiles. It does not authorize callers.
type Service struct{ store *store.Store }

// NewService returns a service on a store.
func NewService(st *store.Store) *Service { return &Service{st} }

func ofRecord(r store.Profile) Profile {
	return Profile{
		UID:            r.UID,
		Enabled:        r.Enabled,
		SynchronizedAt: r.SynchronizedAt,
		Version:        r.Version,
		Labels:         r.Labels,
		Data:           r.Data,
		User:           user.OfRecord(r.User),
	}
}

// Activate creates the profile of an authenticated user, or enables it and sets the time of its activation. It returns
// fault.InvalidData for a service account, and fault.CredentialsInvalid if the user's credentials no longer work.
func (s *Service) Activate(ctx context.Context, p identity.Principal) (Profile, error) {
	if p.Method == identity.ServiceToken {
		return Profile{}, fault.New(fault.InvalidData,
			"profile is supported for user only, but subject is a [service_account]")
	}
	// A random id tells nothing about the user, and a later user of the same name gets another one.
	uid := "u_" + s.store.Random().Text(uidBytes) + "_0"

	return store.Write(ctx, s.store, func(tx *store.Tx) (Profile, error) {
		if err := tx.RequireCurrent(p); err != nil {
			return Profile{}, err
		}
		found, err := tx.Profiles.OfUser(p.User)
		created := errors.Is(err, store.ErrNotFound)
		switch {
		case created:
			err = tx.Profiles.Insert(store.Profile{
				UID:            uid,
				Enabled:        true,
				SynchronizedAt: tx.Now,
				Labels:         emptyObject,
				Data:           emptyObject,
				User:           store.User{Name: p.User},
			})
		case err != nil:
		case found.Enabled && tx.Now.Sub(found.SynchronizedAt) < minInterval:
			return ofRecord(found), nil
		default:
			found.Enabled, found.SynchronizedAt = true, tx.Now
			err = tx.Profiles.Update(found)
		}
		if err != nil {
			return Profile{}, err
		}
		if found, err = tx.Profiles.OfUser(p.User); err != nil {
			return Profile{}, err
		}
		details := audit.Details{"uid": found.UID, "created": created}
		return ofRecord(found), audit.Record(ctx, tx, audit.ProfileActivated, p.User, details)
	})
}

const emptyObject = "{}"

// CheckUIDs returns fault.InvalidData for more ids than one request may name.
func CheckUIDs(uids []string) error {
	if len(uids) > MaxUIDs {
		return fault.New(fault.InvalidData,
			fmt.Sprintf("[uid] names %d user profiles, and at most %d are accepted", len(uids), MaxUIDs), "uid")
	}
	return nil
}

// Get returns those of the profiles that exist, in the order of the ids and once each. Their Data is {} unless it is
// asked for. It returns fault.InvalidData for too many ids, and for profiles that are too large together.
func (s *Service) Get(ctx context.Context, uids []string, data bool) ([]Profile, error) {
	if err := CheckUIDs(uids); err != nil {
		return nil, err
	}
	return store.Read(ctx, s.store, func(tx *store.Tx) ([]Profile, error) { return read(tx, uids, data) })
}

func read(tx *store.Tx, uids []string, data bool) ([]Profile, error) {
	found, bytes := map[string]store.Profile{}, 0
	for some := range slices.Chunk(uids, readAtOnce) {
		records, err := tx.Profiles.ByUIDs(some, data)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			found[r.UID] = r
			bytes += len(r.Labels) + len(r.Data)
		}
		if bytes > maxShown {
			return nil, fault.New(fault.InvalidData, fmt.Sprintf(
				"the labels and data of the user profiles have more than %d bytes together; ask for fewer profiles, or "+
					"without [data]", maxShown), "data")
		}
	}

	profiles := make([]Profile, 0, len(found))
	for _, uid := range uids {
		if r, exists := found[uid]; exists {
			profiles = append(profiles, ofRecord(r))
			delete(found, uid)
		}
	}
	return profiles, nil
}

// UIDs returns the ids of the profiles of those users that have one, by the users' names.
func (s *Service) UIDs(ctx context.Context, userNames []string) (map[string]string, error) {
	if len(userNames) == 0 {
		return nil, nil
	}
	return store.Read(ctx, s.store,
		func(tx *store.Tx) (map[string]string, error) { return tx.Profiles.UIDs(userNames) })
}

// SetEnabled enables or disables a profile. It returns fault.ProfileMissing.
func (s *Service) SetEnabled(ctx context.Context, uid string, enabled bool) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		p, err := find(tx, uid)
		if err != nil || p.Enabled == enabled {
			return err
		}
		p.Enabled = enabled
		if err := tx.Profiles.Update(p); err != nil {
			return err
		}
		event := audit.ProfileDisabled
		if enabled {
			event = audit.ProfileEnabled
		}
		return audit.Record(ctx, tx, event, p.User.Name, audit.Details{"uid": uid})
	})
}

// find returns a profile with its data, or fault.ProfileMissing.
func find(tx *store.Tx, uid string) (store.Profile, error) {
	records, err := tx.Profiles.ByUIDs([]string{uid}, true)
	if err == nil && len(records) == 0 {
		err = fault.New(fault.ProfileMissing, "[profile_"+uid+"]: document missing", "uid")
	}
	if err != nil {
		return store.Profile{}, err
	}
	return records[0], nil
}
