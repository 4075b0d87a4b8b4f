package user

import "github.com/sallyport/sallyport/impl/fault"

// Proof holds the outcome of a caller's further checks.
type Proof struct {
	// RecentPassword reports whether the caller proved its password recently.
	RecentPassword bool
	// SecondFactor is nil, or the error for a caller with a second factor that is not elevated.
	SecondFactor error
	// Elevation is nil, or the error for a caller without the elevation that ECE requires.
	Elevation error
}

// forOwnPassword returns the error for a caller that may not change its own password, which is in that field.
func (p Proof) forOwnPassword(field string) error {
	if !p.RecentPassword {
		return fault.New(fault.RecentPasswordNeeded, "a new password needs the old one: sign in again, or send it as Basic",
			field)
	}
	return p.SecondFactor
}
