package protocol

// Refusal is the error for a message that is not accepted. Its reason is for the log and for administrators, and
// contains nothing from the message. The sender learns only that the message was refused.
type Refusal struct { //nolint:errname // it is a decision about a message, and is called one
	// Reason is one of a fixed set of short texts.
	Reason string
}

// Error returns the reason.
func (r *Refusal) Error() string { return "SAML message refused: " + r.Reason }

// refuse returns a Refusal.
func refuse(reason string) error { return &Refusal{Reason: reason} }

// UnknownKey reports whether no valid certificate in the identity provider's metadata has the signing key: newer
// metadata may have it.
func (r *Refusal) UnknownKey() bool {
	switch r.Reason {
	case reasonSignature, reasonCertificate, reasonQuerySignature, reasonQueryNoKey:
		return true
	}
	return false
}

// Authentic reports whether a logout was refused for its content after its signature was verified.
func (r *Refusal) Authentic() bool {
	switch r.Reason {
	case reasonLogoutKind, reasonLogoutVersion, reasonLogoutID, reasonLogoutDestination, reasonLogoutIssuer,
		reasonLogoutInstant,
		reasonLogoutExpired, reasonLogoutName, reasonLogoutSessions:
		return true
	}
	return false
}
