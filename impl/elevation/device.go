package elevation

import (
	"context"
	"encoding/base32"
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/session"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/totp"
)

// issuer is what authenticator apps show above a code.
const issuer = "Sallyport"

// RecentPassword is how long a proved password counts as recent.
const RecentPassword = 10 * time.Minute

// Device is what a user is shown of a second factor.
type Device struct {
	Confirmed         bool
	CreatedAt         time.Time
	RecoveryCodesLeft int
}

// Enrollment is a new secret, which nothing can show again.
type Enrollment struct {
	// Secret is in base32, for typing.
	Secret string
	// URI is for a QR code.
	URI string
}

// Recent tells whether the principal proved the password lately.
func (s *Service) Recent(p identity.Principal) bool {
	return !p.AuthenticatedAt.IsZero() && s.now().Sub(p.AuthenticatedAt) < RecentPassword
}

func (s *Service) requireRecent(p identity.Principal) error {
	if s.Recent(p) {
		return nil
	}
	return fault.New(fault.RecentPasswordNeeded, "this needs a password that was proved in the last minutes: sign in again, or send it as Basic")
}

// Device returns the principal's device, or fault.DeviceNotFound.
func (s *Service) Device(ctx context.Context, p identity.Principal) (Device, error) {
	var d Device
	err := s.store.View(ctx, func(tx *store.Tx) error {
		record, err := find(tx, p.User)
		if err != nil {
			return err
		}
		d.Confirmed, d.CreatedAt = record.Confirmed, record.CreatedAt
		d.RecoveryCodesLeft, err = tx.RecoveryCodes(p.User)
		return err
	})
	return d, err
}

// Enroll gives the principal a new device, which counts once it is confirmed, in place of one that was not. It returns
// fault.RecentPasswordNeeded and fault.DeviceConflict.
func (s *Service) Enroll(ctx context.Context, p identity.Principal) (Enrollment, error) {
	if err := s.requireRecent(p); err != nil {
		return Enrollment{}, err
	}
	key := totp.NewSecret()
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		record, err := find(tx, p.User)
		if err != nil && !fault.Has(err, fault.DeviceNotFound) {
			return err
		}
		if err := tx.RequireCurrent(p); err != nil {
			return err
		}
		if record.Confirmed {
			return fault.New(fault.DeviceConflict, "there is a second factor already; remove it first")
		}
		return s.put(ctx, tx, p.User, key)
	})
	return s.show(p.User, key), err
}

// Confirm makes the principal's device count, on its first code, and returns recovery codes, which nothing can show
// again. It returns fault.DeviceNotFound, DeviceConflict, TooManyFailures and InvalidOneTimeCode.
func (s *Service) Confirm(ctx context.Context, p identity.Principal, code string) ([]string, error) {
	if _, err := s.Device(ctx, p); err != nil {
		return nil, err
	}
	var codes []string
	err := s.guess(ctx, p.User, code, false, func(tx *store.Tx) (err error) {
		codes, err = confirm(ctx, tx, p.User)
		return err
	})
	return codes, err
}

// Remove takes the principal's device away. It returns fault.DeviceNotFound, fault.RecentPasswordNeeded, and for a confirmed
// device fault.SecondFactorNeeded to a principal who is not elevated.
func (s *Service) Remove(ctx context.Context, p identity.Principal) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		record, err := find(tx, p.User)
		if err != nil {
			return err
		}
		elevated, err := elevatedNow(tx, p)
		if err != nil {
			return err
		}
		if record.Confirmed && !elevated {
			return secondFactorNeeded()
		}
		if err := s.requireRecent(p); err != nil {
			return err
		}
		return remove(ctx, tx, p.User)
	})
}

// elevatedNow looks again in the transaction: the device that elevated the principal may have been replaced meanwhile.
func elevatedNow(tx *store.Tx, p identity.Principal) (bool, error) {
	if p.Method != identity.Session {
		return false, nil
	}
	token, _, _, err := tx.LiveSession(p.TokenID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return token.ElevatedUntil.After(tx.Now), err
}

// Provision gives a user a device that counts at once, in place of any other, with recovery codes: an administrator does
// so. It returns fault.UserNotFound.
func (s *Service) Provision(ctx context.Context, userName string) (Enrollment, []string, error) {
	key := totp.NewSecret()
	var codes []string
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.User(userName)
		if errors.Is(err, store.ErrNotFound) {
			return fault.New(fault.UserNotFound, "there is no user \""+userName+"\"", "user_name")
		}
		if err != nil {
			return err
		}
		if err := s.put(ctx, tx, userName, key); err != nil {
			return err
		}
		codes, err = confirm(ctx, tx, userName)
		return err
	})
	return s.show(userName, key), codes, err
}

// Withdraw takes a user's device away, on an administrator's word. It returns fault.DeviceNotFound.
func (s *Service) Withdraw(ctx context.Context, userName string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, userName); err != nil {
			return err
		}
		return remove(ctx, tx, userName)
	})
}

func remove(ctx context.Context, tx *store.Tx, userName string) error {
	if err := drop(tx, userName); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.DeviceRemoved, userName, nil)
}

func (s *Service) put(ctx context.Context, tx *store.Tx, userName string, key []byte) error {
	if err := session.CheckSealer(tx, s.sealer); err != nil {
		return err
	}
	if err := drop(tx, userName); err != nil {
		return err
	}
	if err := tx.InsertTOTPDevice(store.TOTPDevice{UserName: userName, Sealed: s.sealer.Seal(key, place(userName))}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.DeviceEnrolled, userName, nil)
}

// drop removes a device, if there is one, and ends what it elevated: it may have been lost.
func drop(tx *store.Tx, userName string) error {
	if _, err := tx.DeleteTOTPDevice(userName); err != nil {
		return err
	}
	return tx.LowerUserSessions(userName)
}

func confirm(ctx context.Context, tx *store.Tx, userName string) ([]string, error) {
	if err := tx.ConfirmTOTPDevice(userName); err != nil {
		return nil, err
	}
	codes := totp.NewRecoveryCodes()
	var digests []string
	for _, code := range codes {
		canonical, _ := totp.NormalizeRecoveryCode(code)
		digests = append(digests, secret.Digest(canonical))
	}
	if err := tx.ReplaceRecoveryCodes(userName, digests); err != nil {
		return nil, err
	}
	return codes, audit.Record(ctx, tx, audit.DeviceConfirmed, userName, nil)
}

func (s *Service) show(userName string, key []byte) Enrollment {
	return Enrollment{
		Secret: base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key),
		URI:    s.codes.URI(key, issuer, userName),
	}
}

func find(tx *store.Tx, userName string) (store.TOTPDevice, error) {
	record, err := tx.TOTPDevice(userName)
	if errors.Is(err, store.ErrNotFound) {
		return record, fault.New(fault.DeviceNotFound, "there is no second factor")
	}
	return record, err
}

func place(userName string) string { return "totp_devices:" + userName + ":secret" }
