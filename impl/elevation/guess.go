package elevation

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/guard"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/totp"
)

// guess checks a code and, if it works, calls f in the same transaction, which uses the code up. A code that does not
// work is counted in that transaction. confirmed says whether the device must count already, or must not: a guess at a
// device that is not there is a guess at nothing, and not counted.
//
// A guess that has begun is finished and counted although its caller goes away.
func (s *Service) guess(ctx context.Context, userName, code string, confirmed bool, f func(*store.Tx) error) error {
	if err := s.guard.CheckAddress(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guessTime)
	defer cancel()
	right := false
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		locked, _, err := s.guard.Locked(tx, userName)
		if err != nil {
			return err
		}
		works, err := s.use(ctx, tx, userName, code, confirmed, locked)
		if right = works; err != nil {
			return err
		}
		if !works {
			return s.guard.RecordFailure(ctx, tx, userName, guard.Code)
		}
		if confirmed { // a device that somebody has just set up must not forgive guesses
			if err := s.guard.RecordSuccess(tx, userName, guard.Code); err != nil {
				return err
			}
		}
		return f(tx)
	})
	wrong := err == nil && !right
	if wrong || fault.Has(err, fault.AuthenticationClusterError) { // a guess must never be free, not even when counting failed
		s.guard.RecordAddressFailure(ctx)
	}
	if wrong {
		return invalidCode()
	}
	return err
}

// guessTime bounds a guess that its caller can no longer end.
const guessTime = 15 * time.Second

// use tells whether a code works, and uses it up; no code does while the user is locked. It returns
// fault.InvalidOneTimeCode if there is no device, and fault.DeviceConflict if it is confirmed and should not be.
func (s *Service) use(ctx context.Context, tx *store.Tx, userName, code string, confirmed, locked bool) (bool, error) {
	device, err := tx.TOTPDevice(userName)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && !device.Confirmed && confirmed:
		return false, invalidCode()
	case err != nil:
		return false, err
	case device.Confirmed && !confirmed:
		return false, fault.New(fault.DeviceConflict, "the second factor is confirmed already")
	case locked:
		return false, nil
	}
	key, err := s.sealer.Open(device.Sealed, place(userName))
	if err != nil {
		return false, err
	}
	if step, ok := s.codes.Match(key, code, tx.Now); ok {
		return tx.UseTOTPStep(userName, step)
	}
	canonical, ok := totp.NormalizeRecoveryCode(code)
	if !ok || !confirmed {
		return false, nil
	}
	used, err := tx.UseRecoveryCode(userName, secret.Digest(canonical))
	if err != nil || !used {
		return false, err
	}
	return true, audit.Record(ctx, tx, audit.RecoveryCodeUsed, userName, nil)
}
