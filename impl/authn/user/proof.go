package user

import "github.com/sallyport/sallyport/impl/fault"

// Proof is what a caller has proved beyond who it is.
type Proof struct {
	// RecentPassword tells whether the password was proved lately.
	RecentPassword bool
	// SecondFactor is nil, or the refusal of a caller who has a second factor and is not elevated.
	SecondFactor error
	// Elevation is nil, or the refusal of a caller who may not do what ECE has for elevated callers.
	Elevation error
}

// forOwnPassword returns the refusal of a caller who may not change one's own password, which is in that field.
func (p Proof) forOwnPassword(field string) error {
	if !p.RecentPassword {
		return fault.New(fault.RecentPasswordNeeded, "a new password needs the old one: sign in again, or send it as Basic",
			field)
	}
	return p.SecondFactor
}
