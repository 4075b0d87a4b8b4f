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
	Return    Return
	CreatedAt time.Time
}

// expiresAt is when the sign-in stops waiting.
func (p pending) expiresAt() time.Time { return p.CreatedAt.Add(PendingTime) }

// target returns what the sign-in leads to: the state, after the return URL and the challenge if there are any.
func (p pending) target() string {
	if p.Return.URL == "" {
		return p.State
	}
	return strings.Join([]string{p.Return.URL, p.Return.Challenge, p.State}, "\n")
}

// setTarget reverses target. returns reports whether there is a return URL.
func (p *pending) setTarget(text string, returns bool) bool {
	if !returns {
		p.State = text
		return true
	}
	parts := strings.SplitN(text, "\n", 3)
	if len(parts) != 3 {
		return false
	}
	p.Return, p.State = Return{URL: parts[0], Challenge: parts[1]}, parts[2]
	return true
}

// tickets seals pending sign-ins with the key-encryption key, which all servers on one store share. After that key is
// rotated, what was sealed before does not open, and those sign-ins have to be begun again.
type tickets struct{ sealer *secret.Sealer }

// The places that sealed values are bound to, so that none can stand in for another. Cookies and IDs are bound to the
// RelayState of their sign-in besides.
const (
	relayPlace  = "saml_pending:relay_state"
	cookiePlace = "saml_pending:cookie:"
	idPlace     = "saml_pending:request_id:"
	// preparedPlace is that of the IDs of Prepare, which have no RelayState of ours.
	preparedPlace = "saml_prepared:request_id"
)

// relay is what a RelayState says: that this server gave it, when, and where the pending sign-in is.
type relay struct {
	createdAt time.Time
	// inCookie reports whether a cookie of the browser has the sign-in, and not the ID of the request.
	inCookie bool
	// returns reports whether the sign-in has a return URL.
	returns bool
}

// relayBytes are a time in Unix milliseconds and flags.
const relayBytes = 8 + 1

// The flags of a RelayState. A server from before returnsFlag refuses a RelayState with it.
const (
	inCookieFlag = 1 << iota
	returnsFlag
)

// sealRelay returns a RelayState of 50 bytes, of the 80 that the binding allows (SAML Bindings 3.4.3).
func (t tickets) sealRelay(r relay) string {
	plain := binary.BigEndian.AppendUint64(nil, uint64(r.createdAt.UnixMilli()))
	var flags byte
	if r.inCookie {
		flags |= inCookieFlag
	}
	if r.returns {
		flags |= returnsFlag
	}
	return t.seal(append(plain, flags), relayPlace)
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
	flags := plain[relayBytes-1]
	return relay{time.UnixMilli(at), flags&inCookieFlag != 0, flags&returnsFlag != 0}, true
}

// sealID returns an ID for the AuthnRequest of a sign-in that no cookie binds. The underscore makes it an xs:ID.
func (t tickets) sealID(p pending, relayState string) string {
	return "_" + t.seal([]byte(strings.Join([]string{millis(p.CreatedAt), p.Realm, p.target()}, "\n")),
		idPlace+relayState)
}

// openID reverses sealID. returns is that of the RelayState.
func (t tickets) openID(id, relayState string, returns bool) (pending, bool) {
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
	p := pending{ID: id, Realm: parts[1], CreatedAt: at}
	return p, p.setTarget(parts[2], returns) && ok
}

// sealPrepared returns an ID for the AuthnRequest of a sign-in of Prepare. Two at the same time differ, because sealing
// is randomized.
func (t tickets) sealPrepared(p pending) string {
	return "_" + t.seal([]byte(millis(p.CreatedAt)+"\n"+p.Realm), preparedPlace)
}

// openPrepared reverses sealPrepared. It fails for the ID of a browser's sign-in.
func (t tickets) openPrepared(id string) (pending, bool) {
	sealed, marked := strings.CutPrefix(id, "_")
	if !marked {
		return pending{}, false
	}
	plain, err := t.open(sealed, preparedPlace)
	createdAt, realm, found := strings.Cut(string(plain), "\n")
	if err != nil || !found {
		return pending{}, false
	}
	at, ok := fromMillis(createdAt)
	return pending{ID: id, Realm: realm, CreatedAt: at}, ok
}

// sealCookie returns the value of a cookie: the time in plain, so that the oldest of several can be found without their
// RelayStates, and what is sealed, which has the time too.
func (t tickets) sealCookie(p pending, relayState string) string {
	at := millis(p.CreatedAt)
	return at + "." + t.seal([]byte(strings.Join([]string{at, p.Realm, p.ID, p.target()}, "\n")),
		cookiePlace+relayState)
}

// openCookie reverses sealCookie. It fails for the cookie of another sign-in. returns is that of the RelayState.
func (t tickets) openCookie(value, relayState string, returns bool) (pending, bool) {
	_, sealed, _ := strings.Cut(value, ".")
	plain, err := t.open(sealed, cookiePlace+relayState)
	parts := strings.SplitN(string(plain), "\n", 4)
	if err != nil || len(parts) != 4 {
		return pending{}, false
	}
	at, ok := fromMillis(parts[0])
	p := pending{Realm: parts[1], ID: parts[2], CreatedAt: at}
	return p, p.setTarget(parts[3], returns) && ok
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
