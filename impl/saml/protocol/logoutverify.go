package protocol

import "time"

// LogoutExpectation is what a logout message has to be like.
type LogoutExpectation struct {
	// Destination is our single logout service.
	Destination string
	// Provider is who has to have signed.
	Provider Provider
	// RequestID is the ID of the LogoutRequest that a response answers. It does not matter for requests.
	RequestID string
	// Skew is how far the provider's clock may be from ours. Zero: 60 seconds.
	Skew time.Duration
	// MaxAge is how long after its IssueInstant a message holds. Zero: 5 minutes.
	MaxAge time.Duration
	// Now is the time.
	Now time.Time
}

const (
	logoutSkew   = 60 * time.Second
	logoutMaxAge = 5 * time.Minute
)

func (e LogoutExpectation) skew() time.Duration {
	if e.Skew == 0 {
		return logoutSkew
	}
	return e.Skew
}

func (e LogoutExpectation) maxAge() time.Duration {
	if e.MaxAge == 0 {
		return logoutMaxAge
	}
	return e.MaxAge
}

// VerifyLogoutRequest reads a LogoutRequest of the provider from the query string exactly as it was received: no other text
// is what was signed. What holds may have been sent before: the caller refuses an ID that it remembers (RememberUntil).
// All errors are a *Refusal.
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
		ID: h.id, Issuer: e.Provider.EntityID, Destination: e.Destination, IssueInstant: h.issued, RelayState: relayState,
		RememberUntil: h.issued.Add(e.maxAge() + e.skew()),
	}
	if r.NotOnOrAfter, err = e.end(message); err != nil {
		return LogoutRequest{}, err
	}
	if r.NameID, err = nameOf(message); err != nil {
		return LogoutRequest{}, err
	}
	r.SessionIndexes, err = sessionsOf(message)
	if err != nil {
		return LogoutRequest{}, err
	}
	return r, nil
}

// VerifyLogoutResponse reads the provider's answer to our LogoutRequest from the query string exactly as it was received.
// Its Status may be another one than StatusSuccess. All errors are a *Refusal.
func VerifyLogoutResponse(rawQuery string, e LogoutExpectation) (LogoutResponse, error) {
	message, relayState, err := openQuery(rawQuery, responseParameter, e.Provider, e.Now)
	if err != nil {
		return LogoutResponse{}, err
	}
	h, err := e.head(message, "LogoutResponse")
	if err != nil {
		return LogoutResponse{}, err
	}
	if e.RequestID == "" || message.attributes["InResponseTo"] != e.RequestID {
		return LogoutResponse{}, refuse(reasonLogoutAnswer)
	}
	r := LogoutResponse{
		ID: h.id, InResponseTo: e.RequestID, Issuer: e.Provider.EntityID, Destination: e.Destination, IssueInstant: h.issued,
		RelayState: relayState,
	}
	r.Status, r.SubStatus, err = statusOf(message)
	if err != nil {
		return LogoutResponse{}, err
	}
	return r, nil
}

type logoutHead struct {
	id     string
	issued time.Time
}
