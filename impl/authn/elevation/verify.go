package elevation

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation/totp"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// verifyCode checks a code and, if it is valid, uses it up and calls f in the same transaction. It counts an invalid
// code in that transaction. confirmed is whether the device must be confirmed already, or must not be. Without such a
// device nothing can be guessed, and nothing is counted.
//
// Once started, verification completes and is counted even if the client disconnects.
func verifyCode[T any](
	ctx context.Context, s *Service, userName, code string, confirmed bool, f func(*store.Tx) (T, error),
) (result T, err error) {
	if err := s.attempts.CheckAddress(ctx); err != nil {
		return result, err
	}

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), verifyTimeout)
	defer cancel()

	type outcome struct {
		valid, locks bool
		result       T
	}
	done, err := store.Write(ctx, s.store, func(tx *store.Tx) (o outcome, err error) {
		locked, _, err := s.attempts.Locked(tx, userName)
		if err != nil {
			return o, err
		}

		o.valid, err = s.useCode(ctx, tx, userName, code, confirmed, locked)
		if err != nil {
			return o, err
		}
		if !o.valid {
			o.locks, err = s.attempts.RecordFailure(ctx, tx, userName, attempts.Code)
			return o, err
		}

		// A newly enrolled device must not clear earlier failures.
		if confirmed {
			if err := s.attempts.RecordSuccess(tx, userName, attempts.Code); err != nil {
				return o, err
			}
		}
		o.result, err = f(tx)
		return o, err
	})

	s.attempts.CountLock(done.locks)
	// A guess always counts for the address, even if the store failed to count it.
	invalid := err == nil && !done.valid
	if invalid || fault.Has(err, fault.StoreUnavailable) {
		s.attempts.RecordAddressFailure(ctx)
	}
	if invalid {
		return result, invalidCode()
	}
	return done.result, err
}

// verifyTimeout bounds a verification, which its caller can no longer cancel.
const verifyTimeout = 15 * time.Second

// useCode reports whether a code is valid, and uses it up. No code is valid while the user is locked. It returns
// fault.OneTimeCodeInvalid if the device must be confirmed and there is no such device, and otherwise
// fault.DeviceNotFound if there is none, and fault.DeviceConflict if it is confirmed.
func (s *Service) useCode(
	ctx context.Context, tx *store.Tx, userName, code string, confirmed, locked bool,
) (bool, error) {
	device, err := findDevice(tx, userName)
	switch {
	case confirmed && (fault.Has(err, fault.DeviceNotFound) || err == nil && !device.Confirmed):
		return false, invalidCode()
	case err != nil:
		return false, err
	case device.Confirmed && !confirmed:
		return false, fault.New(fault.DeviceConflict, "the second factor is confirmed already")
	case locked:
		return false, nil
	}

	key, err := s.sealer.Open(device.Sealed, sealContext(userName))
	if err != nil {
		return false, err
	}
	if step, ok := s.codes.Match(key, code, tx.Now); ok {
		return tx.TOTPDevices.UseStep(userName, step)
	}

	canonical, ok := totp.NormalizeRecoveryCode(code)
	if !ok || !confirmed {
		return false, nil
	}
	used, err := tx.RecoveryCodes.Use(userName, secret.Digest(canonical))
	if err != nil || !used {
		return false, err
	}
	return true, audit.Record(ctx, tx, audit.RecoveryCodeUsed, userName, nil)
}
