package elevation

import (
	"context"
	"encoding/base32"
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/elevation/totp"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// issuer is the issuer that authenticators display with a code.
const issuer = "Sallyport"

// RecentPassword is the time for which a verified password counts as recent.
const RecentPassword = 10 * time.Minute

// Device is the public view of a second factor.
type Device struct {
	Confirmed         bool
	CreatedAt         time.Time
	RecoveryCodesLeft int
}

// Enrollment is the secret of a new device. It cannot be retrieved later.
type Enrollment struct {
	// Secret is the secret in base32, for manual entry.
	Secret string
	// URI is the content of a QR code.
	URI string
}

// Recent reports whether the principal's password was verified within RecentPassword.
func (s *Service) Recent(p identity.Principal) bool {
	return !p.AuthenticatedAt.IsZero() && s.now().Sub(p.AuthenticatedAt) < RecentPassword
}

// requireRecent returns fault.RecentPasswordNeeded unless the principal's password was verified recently.
func (s *Service) requireRecent(p identity.Principal) error {
	if s.Recent(p) {
		return nil
	}
	return fault.New(fault.RecentPasswordNeeded,
		"this needs a recently verified password: sign in again, or send it as Basic")
}

// Device returns the principal's device, or fault.DeviceNotFound.
func (s *Service) Device(ctx context.Context, p identity.Principal) (Device, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (Device, error) {
		record, err := findDevice(tx, p.User)
		if err != nil {
			return Device{}, err
		}

		left, err := tx.RecoveryCodes.Count(p.User)
		return Device{Confirmed: record.Confirmed, CreatedAt: record.CreatedAt, RecoveryCodesLeft: left}, err
	})
}

// Enroll creates an unconfirmed device for the principal, which replaces an unconfirmed one. It returns
// fault.RecentPasswordNeeded, fault.DeviceConflict if there is a confirmed device, and with Settings.AtSignIn
// fault.PermissionDenied for a user of an identity provider.
func (s *Service) Enroll(ctx context.Context, p identity.Principal) (Enrollment, error) {
	if err := s.requireRecent(p); err != nil {
		return Enrollment{}, err
	}
	// Such a user signs in at its identity provider, where it could not send a code.
	if s.settings.AtSignIn && p.SAMLRealm != "" {
		return Enrollment{}, fault.New(fault.PermissionDenied,
			"the second factor of this user is that of its identity provider")
	}

	key := totp.NewSecret(s.store.Random())
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		record, err := findDevice(tx, p.User)
		if err != nil && !fault.Has(err, fault.DeviceNotFound) {
			return err
		}
		if err := tx.RequireCurrent(p); err != nil {
			return err
		}

		if record.Confirmed {
			return fault.New(fault.DeviceConflict, "there is a second factor already; remove it first")
		}
		return s.storeDevice(ctx, tx, p.User, key)
	})
	return s.newEnrollment(p.User, key), err
}

// Confirm confirms the principal's device by its first code, and returns recovery codes, which cannot be retrieved
// later. It returns fault.DeviceNotFound, DeviceConflict, TooManyFailures and InvalidOneTimeCode.
func (s *Service) Confirm(ctx context.Context, p identity.Principal, code string) ([]string, error) {
	return verifyCode(ctx, s, p.User, code, false, func(tx *store.Tx) ([]string, error) {
		return confirmDevice(ctx, tx, p.User)
	})
}

// Remove removes the principal's device. It returns fault.DeviceNotFound, fault.RecentPasswordNeeded, and for a
// confirmed device fault.SecondFactorNeeded if the principal is not elevated.
func (s *Service) Remove(ctx context.Context, p identity.Principal) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		record, err := findDevice(tx, p.User)
		if err != nil {
			return err
		}

		elevated, err := isElevated(tx, p)
		if err != nil {
			return err
		}
		if record.Confirmed && !elevated {
			return s.secondFactorNeeded()
		}
		if err := s.requireRecent(p); err != nil {
			return err
		}
		return removeDevice(ctx, tx, p.User)
	})
}

// isElevated reports whether the principal's session is elevated. It reads the session again in the transaction,
// because the device that elevated it may have been replaced since authentication.
func isElevated(tx *store.Tx, p identity.Principal) (bool, error) {
	if p.Method != identity.Session {
		return false, nil
	}

	token, _, _, err := tx.Sessions.FindByToken(p.TokenID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return token.ElevatedUntil.After(tx.Now), err
}

// Provision creates a confirmed device with recovery codes for a user by order of an administrator. It replaces any
// other device. It returns fault.UserNotFound.
func (s *Service) Provision(ctx context.Context, userName string) (Enrollment, []string, error) {
	return s.provision(ctx, userName, totp.NewSecret(s.store.Random()))
}

// Import is Provision with a key that the caller chose, for the data that a temporary server starts with; no request
// leads here.
func (s *Service) Import(ctx context.Context, userName string, key []byte) error {
	_, _, err := s.provision(ctx, userName, key)
	return err
}

func (s *Service) provision(ctx context.Context, userName string, key []byte) (Enrollment, []string, error) {
	codes, err := store.Write(ctx, s.store, func(tx *store.Tx) ([]string, error) {
		_, err := tx.Users.Find(userName)
		if errors.Is(err, store.ErrNotFound) {
			return nil, fault.New(fault.UserNotFound, "there is no user \""+userName+"\"", "user_name")
		}
		if err != nil {
			return nil, err
		}

		if err := s.storeDevice(ctx, tx, userName, key); err != nil {
			return nil, err
		}
		return confirmDevice(ctx, tx, userName)
	})
	return s.newEnrollment(userName, key), codes, err
}

// Withdraw removes a user's device by order of an administrator. It returns fault.DeviceNotFound.
func (s *Service) Withdraw(ctx context.Context, userName string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := findDevice(tx, userName); err != nil {
			return err
		}
		return removeDevice(ctx, tx, userName)
	})
}

func removeDevice(ctx context.Context, tx *store.Tx, userName string) error {
	if err := deleteDevice(tx, userName); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.DeviceRemoved, userName, nil)
}

// storeDevice stores an unconfirmed device in place of any other.
func (s *Service) storeDevice(ctx context.Context, tx *store.Tx, userName string, key []byte) error {
	if err := session.RegisterSealer(ctx, tx, s.sealer); err != nil {
		return err
	}
	if err := deleteDevice(tx, userName); err != nil {
		return err
	}
	sealed := s.sealer.Seal(key, sealContext(userName))
	if err := tx.TOTPDevices.Insert(store.TOTPDevice{UserName: userName, Sealed: sealed}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.DeviceEnrolled, userName, nil)
}

// deleteDevice deletes a device, if there is one, and ends the user's elevations, because the device may have been
// lost.
func deleteDevice(tx *store.Tx, userName string) error {
	if _, err := tx.TOTPDevices.Delete(userName); err != nil {
		return err
	}
	return tx.Sessions.LowerUser(userName)
}

// confirmDevice confirms a device and returns new recovery codes, the digests of which replace the old ones.
func confirmDevice(ctx context.Context, tx *store.Tx, userName string) ([]string, error) {
	if err := tx.TOTPDevices.Confirm(userName); err != nil {
		return nil, err
	}

	codes := totp.NewRecoveryCodes(tx.Random)
	var digests []string
	for _, code := range codes {
		canonical, _ := totp.NormalizeRecoveryCode(code)
		digests = append(digests, secret.Digest(canonical))
	}

	if err := tx.RecoveryCodes.Replace(userName, digests); err != nil {
		return nil, err
	}
	return codes, audit.Record(ctx, tx, audit.DeviceConfirmed, userName, nil)
}

func (s *Service) newEnrollment(userName string, key []byte) Enrollment {
	return Enrollment{
		Secret: base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key),
		URI:    s.codes.URI(key, issuer, userName),
	}
}

func findDevice(tx *store.Tx, userName string) (store.TOTPDevice, error) {
	record, err := tx.TOTPDevices.Find(userName)
	if errors.Is(err, store.ErrNotFound) {
		return record, fault.New(fault.DeviceNotFound, "there is no second factor")
	}
	return record, err
}

// sealContext returns the associated data of a sealed device secret, which binds it to its row.
func sealContext(userName string) string { return "totp_devices:" + userName + ":secret" }
