package saml

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/saml/protocol"
)

const (
	// PendingTime is the time that a sign-in waits for its answer.
	PendingTime = 10 * time.Minute
	// maxState bounds the caller's state, in bytes: it travels in a cookie, and browsers drop cookies over 4 KiB.
	maxState = 1024
)

// pending is a sign-in that waits for its answer. The store does not keep it, so other callers cannot evict it: it
// travels sealed in the browser's cookie, or in the ID of its AuthnRequest where the realm does not bind browsers. The
// store keeps that an answer was accepted (see attempt.use).
type pending struct {
	// ID is that of the AuthnRequest.
	ID    string
	Realm string
	// State is the caller's own, for after the sign-in.
	State     string
	CreatedAt time.Time
}

// expiresAt is when the sign-in stops waiting.
func (p pending) expiresAt() time.Time { return p.CreatedAt.Add(PendingTime) }

// tickets seals pending sign-ins with the key-encryption key, which all servers on one store share. After that key is
// rotated, what was sealed before does not open, and those sign-ins have to be begun again.
type tickets struct{ sealer *secret.Sealer }

// The places that sealed values are bound to, so that none can stand in for another. Cookies and IDs are bound to the
// RelayState of their sign-in besides.
const (
	relayPlace  = "saml_pending:relay_state"
	cookiePlace = "saml_pending:cookie:"
	idPlace     = "saml_pending:request_id:"
)

// relay is what a RelayState says: that this server gave it, when, and where the pending sign-in is.
type relay struct {
	createdAt time.Time
	// inCookie reports whether a cookie of the browser has the sign-in, and not the ID of the request.
	inCookie bool
}

// relayBytes are a time in Unix milliseconds and a flag.
const relayBytes = 8 + 1

// sealRelay returns a RelayState of 50 bytes, of the 80 that the binding allows (SAML Bindings 3.4.3).
func (t tickets) sealRelay(r relay) string {
	plain := binary.BigEndian.AppendUint64(nil, uint64(r.createdAt.UnixMilli()))
	if r.inCookie {
		return t.seal(append(plain, 1), relayPlace)
	}
	return t.seal(append(plain, 0), relayPlace)
}

// openRelay reverses sealRelay, and reports whether this server or one with its key gave the RelayState. It costs
// microseconds, and is asked before anything of an answer is decoded.
func (t tickets) openRelay(relayState string) (relay, bool) {
	if len(relayState) > protocol.MaxRelayState {
		return relay{}, false
	}
	plain, err := t.open(relayState, relayPlace)
	if err != nil || len(plain) != relayBytes {
		return relay{}, false
	}
	at := int64(binary.BigEndian.Uint64(plain)) //nolint:gosec // a bit pattern, see sealRelay
	return relay{time.UnixMilli(at), plain[relayBytes-1] == 1}, true
}

// sealID returns an ID for the AuthnRequest of a sign-in that no cookie binds. The underscore makes it an xs:ID.
func (t tickets) sealID(p pending, relayState string) string {
	return "_" + t.seal([]byte(strings.Join([]string{millis(p.CreatedAt), p.Realm, p.State}, "\n")), idPlace+relayState)
}

// openID reverses sealID.
func (t tickets) openID(id, relayState string) (pending, bool) {
	sealed, marked := strings.CutPrefix(id, "_")
	if !marked {
		return pending{}, false
	}
	plain, err := t.open(sealed, idPlace+relayState)
	parts := strings.SplitN(string(plain), "\n", 3)
	if err != nil || len(parts) != 3 {
		return pending{}, false
	}
	at, ok := fromMillis(parts[0])
	return pending{ID: id, Realm: parts[1], State: parts[2], CreatedAt: at}, ok
}

// sealCookie returns the value of a cookie: the time in plain, so that the oldest of several can be found without their
// RelayStates, and what is sealed, which has the time too.
func (t tickets) sealCookie(p pending, relayState string) string {
	at := millis(p.CreatedAt)
	return at + "." + t.seal([]byte(strings.Join([]string{at, p.Realm, p.ID, p.State}, "\n")), cookiePlace+relayState)
}

// openCookie reverses sealCookie. It fails for the cookie of another sign-in.
func (t tickets) openCookie(value, relayState string) (pending, bool) {
	_, sealed, _ := strings.Cut(value, ".")
	plain, err := t.open(sealed, cookiePlace+relayState)
	parts := strings.SplitN(string(plain), "\n", 4)
	if err != nil || len(parts) != 4 {
		return pending{}, false
	}
	at, ok := fromMillis(parts[0])
	return pending{Realm: parts[1], ID: parts[2], State: parts[3], CreatedAt: at}, ok
}

// seal returns what URLs, cookies and identifiers of XML take as it is, where the sealer writes standard base64.
func (t tickets) seal(plain []byte, place string) string {
	return toURLAlphabet.Replace(t.sealer.Seal(plain, place))
}

// open reverses seal. It takes only the text that seal returned, and no other spelling of it: texts are counted and
// used once.
func (t tickets) open(sealed, place string) ([]byte, error) {
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || base64.RawURLEncoding.EncodeToString(data) != sealed {
		return nil, secret.ErrUnsealable
	}
	return t.sealer.Open(base64.RawStdEncoding.EncodeToString(data), place)
}

var toURLAlphabet = strings.NewReplacer("+", "-", "/", "_")

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func fromMillis(text string) (time.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return time.UnixMilli(n), err == nil
}
