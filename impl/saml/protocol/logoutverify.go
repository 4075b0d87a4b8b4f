package protocol

import (
	"cmp"
	"time"
)

// LogoutExpectation holds the requirements on a logout message.
type LogoutExpectation struct {
	// Destination is the URL of our single logout service.
	Destination string
	// Provider is the required issuer and signer.
	Provider Provider
	// Skew is the tolerated difference between the provider's clock and ours. Zero: 60 seconds.
	Skew time.Duration
	// MaxAge is the time after IssueInstant for which a message is accepted. Zero: 5 minutes.
	MaxAge time.Duration
	// Now is the current time.
	Now time.Time
}

const (
	logoutSkew   = 60 * time.Second
	logoutMaxAge = 5 * time.Minute
)

func (e LogoutExpectation) skew() time.Duration { return cmp.Or(e.Skew, logoutSkew) }

func (e LogoutExpectation) maxAge() time.Duration { return cmp.Or(e.MaxAge, logoutMaxAge) }

// VerifyLogoutRequest verifies a LogoutRequest of the provider. rawQuery is the query string exactly as received,
// because the signature covers that text. It does not detect replays: the caller must refuse an ID used before, and
// store used ones until ReplayableUntil. All errors are a *Refusal.
func VerifyLogoutRequest(rawQuery string, e LogoutExpectation) (LogoutRequest, error) {
	message, relayState, err := openQuery(rawQuery, requestParameter, e.Provider, e.Now)
	if err != nil {
		return LogoutRequest{}, err
	}

	h, err := e.head(message, "LogoutRequest")
	if err != nil {
		return LogoutRequest{}, err
	}

	r := LogoutRequest{
		ID:              h.id,
		Issuer:          e.Provider.EntityID,
		Destination:     e.Destination,
		IssueInstant:    h.issued,
		RelayState:      relayState,
		ReplayableUntil: h.issued.Add(e.maxAge() + e.skew()),
	}

	if r.NotOnOrAfter, err = e.end(message); err != nil {
		return LogoutRequest{}, err
	}
	if r.NameID, err = readNameID(message); err != nil {
		return LogoutRequest{}, err
	}

	r.SessionIndexes, err = readSessionIndexes(message)
	if err != nil {
		return LogoutRequest{}, err
	}

	return r, nil
}

// logoutHead holds the validated attributes common to requests and responses.
type logoutHead struct {
	id     string
	issued time.Time
}
