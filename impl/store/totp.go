package store

import "time"

// TOTPDevice is a user's second factor. A user has at most one.
type TOTPDevice struct {
	UserName string
	// Sealed is the secret, sealed for "totp_devices:USER:secret".
	Sealed    string
	Confirmed bool
	// LastStep is the newest time step with a used code.
	LastStep  int64
	CreatedAt time.Time
}

// The statements on these records.
var (
	selectTOTPDevice = prepare(`SELECT user_name, sealed, confirmed, last_step, created_at FROM totp_devices
		WHERE user_name = $1`)
	selectTOTPDevices = prepare(`SELECT user_name, sealed, confirmed, last_step, created_at FROM totp_devices
		WHERE user_name > $1 ORDER BY user_name LIMIT $2`)
	resealTOTPDevices = prepare(`UPDATE totp_devices SET sealed = new.sealed FROM (SELECT value ->> 0 AS user_name,
		value ->> 1 AS sealed FROM ` + elements + `) AS new
		WHERE totp_devices.user_name = new.user_name`)
	insertTOTPDevice = prepare(`INSERT INTO totp_devices (user_name, sealed, confirmed, last_step, created_at)
		VALUES ($1, $2, $3, $4, $5)`)
	confirmTOTPDevice   = prepare(`UPDATE totp_devices SET confirmed = TRUE WHERE user_name = $1`)
	deleteTOTPDevice    = prepare(`DELETE FROM totp_devices WHERE user_name = $1`)
	useTOTPStep         = prepare(`UPDATE totp_devices SET last_step = $2 WHERE user_name = $1 AND last_step < $2`)
	insertRecoveryCode  = prepare(`INSERT INTO recovery_codes (user_name, digest) VALUES ($1, $2)`)
	deleteRecoveryCode  = prepare(`DELETE FROM recovery_codes WHERE user_name = $1 AND digest = $2`)
	deleteRecoveryCodes = prepare(`DELETE FROM recovery_codes WHERE user_name = $1`)
	countRecoveryCodes  = prepare(`SELECT COUNT(*) FROM recovery_codes WHERE user_name = $1`)
)

// Find returns a user's device, or ErrNotFound.
func (t TOTPDevices) Find(userName string) (TOTPDevice, error) {
	return one(t.tx, totpDeviceFields, selectTOTPDevice, userName)
}

// After returns up to limit devices of the users after a name, sorted by name.
func (t TOTPDevices) After(userName string, limit int) ([]TOTPDevice, error) {
	return all(t.tx, totpDeviceFields, selectTOTPDevices, userName, limit)
}

func totpDeviceFields(d *TOTPDevice) []any {
	return []any{&d.UserName, &d.Sealed, &d.Confirmed, &d.LastStep, (*milliseconds)(&d.CreatedAt)}
}

// Reseal replaces encrypted secrets, given in pairs with the users' names.
func (t TOTPDevices) Reseal(resealed [][2]string) error {
	return t.tx.do(resealTOTPDevices, list[[2]string](resealed))
}

// Insert adds a device, at the transaction's time, or returns ErrExists.
func (t TOTPDevices) Insert(d TOTPDevice) error {
	t.tx.changed.add(userTag(d.UserName))
	return t.tx.do(insertTOTPDevice, d.UserName, d.Sealed, d.Confirmed, d.LastStep, millis(t.tx.Now))
}

// Confirm marks a user's device as confirmed.
func (t TOTPDevices) Confirm(userName string) error {
	t.tx.changed.add(userTag(userName))
	return t.tx.do(confirmTOTPDevice, userName)
}

// Delete removes a user's device with its recovery codes, and reports whether there was one.
func (t TOTPDevices) Delete(userName string) (bool, error) {
	t.tx.changed.add(userTag(userName))
	return t.tx.changes(deleteTOTPDevice, userName)
}

// UseStep marks a time step, and all before it, as used, and reports whether it was unused. Of several concurrent
// uses of a step, one succeeds.
func (t TOTPDevices) UseStep(userName string, step int64) (bool, error) {
	return t.tx.changes(useTOTPStep, userName, step)
}

// Replace gives a user's device new recovery codes, by their digests, in place of all old ones.
func (t RecoveryCodes) Replace(userName string, digests []string) error {
	if err := t.tx.do(deleteRecoveryCodes, userName); err != nil {
		return err
	}
	for _, digest := range digests {
		if err := t.tx.do(insertRecoveryCode, userName, digest); err != nil {
			return err
		}
	}
	return nil
}

// Use removes a recovery code, and reports whether it was there. Of several concurrent uses of a code, one succeeds.
func (t RecoveryCodes) Use(userName, digest string) (bool, error) {
	return t.tx.changes(deleteRecoveryCode, userName, digest)
}

// Count returns how many recovery codes a user has left.
func (t RecoveryCodes) Count(userName string) (int, error) {
	return one(t.tx, single[int], countRecoveryCodes, userName)
}
