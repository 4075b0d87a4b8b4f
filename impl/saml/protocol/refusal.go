package protocol

// Refusal is why a message was not accepted. Its reason is for the log and for administrators: the sender learns only that
// it was refused. It never holds anything out of the message.
type Refusal struct { //nolint:errname // it is a decision about a message, and is called one
	// Reason is one of a fixed set of short texts.
	Reason string
}

// Error returns the reason.
func (r *Refusal) Error() string { return "SAML message refused: " + r.Reason }

func refuse(reason string) error { return &Refusal{Reason: reason} }

// UnknownKey reports whether the signature was made with a key that the identity provider's metadata does not have, or has
// in expired certificates only: newer metadata may have it.
func (r *Refusal) UnknownKey() bool {
	switch r.Reason {
	case reasonSignature, reasonCertificate, reasonQuerySignature, reasonQueryNoKey:
		return true
	}
	return false
}

// Authentic reports whether a logout was refused for what it says, after its signature held.
func (r *Refusal) Authentic() bool {
	switch r.Reason {
	case reasonLogoutKind, reasonLogoutVersion, reasonLogoutID, reasonLogoutDestination, reasonLogoutIssuer, reasonLogoutInstant,
		reasonLogoutExpired, reasonLogoutName, reasonLogoutSessions:
		return true
	}
	return false
}
