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
