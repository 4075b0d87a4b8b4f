package http_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// Why the attacks of this file are refused.
const (
	reasonNotBegun      = "no sign-in of this server waits for this answer"
	reasonOtherBrowser  = "another browser began the sign-in, or this one did not keep its cookie"
	reasonLate          = "the sign-in was begun more than ten minutes ago"
	reasonAnswered      = "the sign-in was answered already"
	reasonOtherRequest  = "the message does not answer our request"
	reasonOtherIDsRelay = "the RelayState is not that of the request"
	reasonBadSignature  = "the signature was made with no key of the identity provider"
)

// Ensures that each attack on the flow of a sign-in is refused with its reason. The letters are those of the points on
// SAML in issue 11. TestSAML_HostileKeys has the rest of j; the points a, b, e, f and i are cases of the other tests
// TestSAML_Hostile*.
func TestSAML_HostileFlow(t *testing.T) {
	t.Parallel()
	w := newFlowWorld(t, realm("corporate", viewers), realm("partners", viewers),
		realm("free", viewers, "browser_binding: false"))
	for _, c := range flowAttacks {
		t.Run(c.name, func(t *testing.T) { w.on(t).attack(c) })
	}
	for _, c := range flowScenarios {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(newFlowWorld(t, c.realms...))
		})
	}
}

// newFlowWorld is newSAMLWorld with the default limits of a server, behind a proxy that names the client of each
// request.
func newFlowWorld(t *testing.T, described ...string) samlWorld {
	t.Helper()
	idp := samltest.New(noon)
	known := realms(t, idp, described...)
	return samlWorld{world: openTuned(t, func(s *app.Settings) {
		s.Realms, s.AddressFailures, s.AddressRecovery = known, 3, time.Hour
		s.TrustedProxies = []*net.IPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}}
	}), idp: idp}
}

// flowAttack changes what the browser brings to the callback.
type flowAttack struct {
	name string
	// attack changes mine, a sign-in that waits, and returns an answer. other waits too, at the same realm, in another
	// browser.
	attack func(w samlWorld, mine *waiting, other waiting) (answer string)
	reason string
	// spent reports whether the good answer is refused afterwards too.
	spent bool
}

// bringingMine changes what the browser brings along with the good answer.
func bringingMine(change func(mine *waiting, other waiting)) func(samlWorld, *waiting, waiting) string {
	return func(w samlWorld, mine *waiting, other waiting) string {
		answer := w.idp.Answer(w.request(*mine))
		change(mine, other)
		return answer
	}
}

// sealed is the cookie of a sign-in with its value changed.
func sealed(change func(value string) string) func(samlWorld, *waiting, waiting) string {
	return bringingMine(func(mine *waiting, _ waiting) {
		name, value, _ := strings.Cut(mine.cookie, "=")
		mine.cookie = name + "=" + change(value)
	})
}

var flowAttacks = []flowAttack{
	{"d: no RelayState", bringingMine(func(mine *waiting, _ waiting) { mine.relay = "" }), reasonNotBegun, false},
	{"d: a RelayState of another sign-in", bringingMine(func(mine *waiting, other waiting) { mine.relay = other.relay }),
		reasonOtherBrowser, false},
	{"d: part of the RelayState", bringingMine(func(mine *waiting, _ waiting) { mine.relay = mine.relay[1:] }),
		reasonNotBegun, false},
	{"d: no cookie", bringingMine(func(mine *waiting, _ waiting) { mine.cookie = "" }), reasonOtherBrowser, false},
	{"d: a sealed cookie of another browser",
		bringingMine(func(mine *waiting, other waiting) { mine.cookie = other.cookie }), reasonOtherBrowser, false},
	{"d: a sealed cookie and RelayState of another browser",
		bringingMine(func(mine *waiting, other waiting) { *mine = other }), reasonOtherRequest, false},
	{"d: a sealed cookie of another realm", func(w samlWorld, mine *waiting, _ waiting) string {
		mine.cookie = w.begin("realm=partners").cookie
		return w.idp.Answer(w.request(*mine))
	}, reasonOtherBrowser, false},
	{"d: a sealed cookie and RelayState of another realm", func(w samlWorld, mine *waiting, _ waiting) string {
		answer := w.idp.Answer(w.request(*mine))
		*mine = w.begin("realm=partners")
		return answer
	}, reasonOtherRequest, false},
	{"d: a RelayState of a sign-in without a cookie", func(w samlWorld, mine *waiting, _ waiting) string {
		mine.relay = w.begin("realm=free").relay
		return w.idp.Answer(w.request(*mine))
	}, reasonOtherIDsRelay, false},
	{"d: a sealed ID and a RelayState of another sign-in", func(w samlWorld, mine *waiting, _ waiting) string {
		*mine = w.begin("realm=free")
		mine.relay = w.begin("realm=free").relay
		return w.idp.Answer(w.request(*mine))
	}, reasonOtherIDsRelay, false},
	{"d: the RelayState as cookie",
		bringingMine(func(mine *waiting, _ waiting) { mine.cookie = binding + "1=" + mine.relay }), reasonOtherBrowser,
		false},
	{"d: a tampered cookie", sealed(func(value string) string { return value[:len(value)-2] + "xx" }), reasonOtherBrowser,
		false},
	{"d: half of a cookie", sealed(func(value string) string { return value[:len(value)/2] }), reasonOtherBrowser, false},
	{"d: the time of a cookie only", sealed(func(value string) string { return value[:strings.Index(value, ".")+1] }),
		reasonOtherBrowser, false},
	{"d: a cookie under the former name", bringingMine(func(mine *waiting, _ waiting) {
		_, value, _ := strings.Cut(mine.cookie, "=")
		mine.cookie = strings.TrimSuffix(binding, "-") + "=" + value
	}), reasonOtherBrowser, false},
	{"d: no cookie, and no XML", func(_ samlWorld, mine *waiting, _ waiting) string {
		mine.cookie = ""
		return "this is no XML"
	}, reasonOtherBrowser, false},
	{"d: expired", func(w samlWorld, mine *waiting, _ waiting) string {
		w.clock.advance(10 * time.Minute)
		return w.idp.Answer(w.request(*mine))
	}, reasonLate, true},
	{"d: expired, with a later time in front of the cookie", func(w samlWorld, mine *waiting, _ waiting) string {
		w.clock.advance(10 * time.Minute)
		name, value, _ := strings.Cut(mine.cookie, "=")
		_, value, _ = strings.Cut(value, ".")
		mine.cookie = fmt.Sprintf("%s=%d.%s", name, w.clock.Now().UnixMilli(), value)
		return w.idp.Answer(w.request(*mine))
	}, reasonLate, true},
	{"d: expired, with the RelayState of a sign-in that waits", func(w samlWorld, mine *waiting, _ waiting) string {
		w.clock.advance(10 * time.Minute)
		mine.relay = w.begin("").relay
		return w.idp.Answer(w.request(*mine))
	}, reasonOtherBrowser, true},
	{"d: replay after use", func(w samlWorld, mine *waiting, _ waiting) string {
		answer := w.idp.Answer(w.request(*mine))
		w.accepts("the first time", *mine, answer, "")
		return answer
	}, reasonAnswered, true},
	{"d: another answer after use", func(w samlWorld, mine *waiting, _ waiting) string {
		w.accepts("the first time", *mine, w.idp.Answer(w.request(*mine)), "")
		w.clock.advance(time.Second)
		return w.idp.Answer(w.request(*mine))
	}, reasonAnswered, true},
}

// attack tries a case on a sign-in of its own, and that it spoils nothing.
func (w samlWorld) attack(c flowAttack) {
	w.Helper()
	mine, other := w.begin(""), w.begin("")
	if mine.id == other.id || mine.relay == other.relay || mine.cookie == other.cookie || len(mine.relay) > 80 {
		w.Errorf("the sign-ins are %+v and %+v", mine, other)
	}
	wrong := mine
	answer := c.attack(w, &wrong, other)
	w.refusesFor(c.reason, c.name, wrong, answer)
	if !c.spent {
		w.accepts("afterwards", mine, w.idp.Answer(w.request(mine)), "")
	}
}

// refusesFor is refuses with a part of the reason that has to be recorded.
func (w samlWorld) refusesFor(reason, name string, begun waiting, answer string) {
	w.Helper()
	w.refuses(name, begun, answer)
	if last := w.refusals()[0]; !strings.Contains(last.Reason, reason) {
		w.Errorf("%s: the reason is %q, want %q", name, last.Reason, reason)
	}
}

// corporate is a realm alone.
var corporate = []string{realm("corporate", viewers)}

// elsewhere is a realm of another identity provider.
var elsewhere = strings.NewReplacer("https://idp.example.com/metadata", otherEntityID, "idp.xml",
	"other.xml").Replace(realm("elsewhere", viewers))

// flowScenarios are attacks of several steps, each on a server of its own.
var flowScenarios = []struct {
	name   string
	realms []string
	run    func(w samlWorld)
}{
	{"c: two tabs end in either order", corporate, twoTabs},
	{"c: a sixth tab drops the oldest", corporate, sevenTabs},
	{"c: long states in 4 KiB of cookies", corporate, longStates},
	{"d: a cookie in another slot, in the last moment", corporate, movedCookie},
	{"d: sign-ins begun by others evict none", corporate, manyBegun},
	{"d: junk posts lock no address out", corporate, junkFromOffice},
	{"g: second SAMLResponse or RelayState", corporate, secondFields},
	{"g: second parameter of a logout", corporate, secondParameters},
	{"h: no rule gives the user a role", []string{realm("corporate", byGroups)}, noRole},
	{"h: true reason of a logout, the right realm first", []string{realm("right", viewers), elsewhere}, logoutReason},
	{"h: true reason of a logout, the right realm last", []string{elsewhere, realm("right", viewers)}, logoutReason},
	{"h: 200 junk posts flush no refusal", corporate, junkKeepsRefusals},
	{"h: 200 sign-ins of an IPv6 /64 flush no refusal", corporate, subnetKeepsRefusals},
	{"j: next certificate beside the one that signs",
		[]string{withSigning(", next: [{key: next.key, certificate: next.pem}]")}, certificates(2)},
	{"j: previous certificate beside the one that signs",
		[]string{withSigning(", previous: [{key: next.key, certificate: next.pem}]")}, certificates(2)},
	{
		"j: next and previous certificate beside the one that signs",
		[]string{withSigning(", next: [{key: next.key, certificate: next.pem}], previous: [{key: our.key, certificate: " +
			"our.pem}]")}, certificates(3),
	},
}

// twoTabs ends two sign-ins of one browser in both orders.
func twoTabs(w samlWorld) {
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		b := browser{"other": "x"}
		tabs := []waiting{w.beginIn(b, ""), w.beginIn(b, "")}
		for _, i := range order {
			if session := w.finishIn(b, tabs[i]); session == "" || !w.alive(bearer(session)) {
				w.Errorf("in the order %v, tab %d is not signed in: %s", order, i, asJSON(w.refusals()[:1]))
			}
		}
		if len(b) != 1 {
			w.Errorf("the browser keeps %v", b)
		}
	}
}

// sevenTabs begins more sign-ins than a browser keeps.
func sevenTabs(w samlWorld) {
	b := browser{}
	var tabs []waiting
	for range 7 {
		w.clock.advance(time.Millisecond)
		tabs = append(tabs, w.beginIn(b, "state=/x"))
	}
	if len(b) != 5 || len(b.header()) > 4096 {
		w.Fatalf("the browser keeps %d cookies of %d bytes", len(b), len(b.header()))
	}
	for i, tab := range tabs {
		if i < 2 {
			tab.cookie = b.header()
			w.refusesFor(reasonOtherBrowser, fmt.Sprint("tab ", i), tab, w.idp.Answer(w.request(tab)))
		} else if w.finishIn(b, tab) == "" {
			w.Errorf("tab %d is not signed in: %s", i, asJSON(w.refusals()[:1]))
		}
	}
}

// longStates begins sign-ins with cookies of the maximum size, and larger.
func longStates(w samlWorld) {
	b := browser{}
	var last waiting
	for range 7 {
		w.clock.advance(time.Millisecond)
		last = w.beginIn(b, "state="+strings.Repeat("s", 1024))
		if len(b.header()) > 4096 {
			w.Fatalf("the cookies have %d bytes", len(b.header()))
		}
	}
	if w.finishIn(b, last) == "" {
		w.Error("the last one is not signed in")
	}
	response, body := w.do(http.MethodGet, samlPath+"_init?state="+strings.Repeat("%C3%BC", 513), "")
	w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "state")
}

// movedCookie brings what a browser that began elsewhere may bring.
func movedCookie(w samlWorld) {
	begun := w.begin("")
	slot := "5"
	if strings.HasPrefix(begun.cookie, binding+slot) {
		slot = "4"
	}
	_, value, _ := strings.Cut(begun.cookie, "=")
	begun.cookie = binding + slot + "=" + value
	w.clock.advance(10*time.Minute - time.Millisecond)
	w.accepts("in another slot", begun, w.idp.Answer(w.request(begun)), "")
}

// manyBegun begins sign-ins from other addresses.
func manyBegun(w samlWorld) {
	mine := w.begin("")
	for i := range 500 {
		from := header("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", 100+i/250, i%250))
		if response, body := w.do(http.MethodGet, samlPath+"_init", "", from); response.StatusCode != http.StatusFound {
			w.Fatalf("%d %s", response.StatusCode, body)
		}
	}
	if n := w.count("SELECT COUNT(*) FROM saml_requests"); n != 0 {
		w.Errorf("the store has %d pending sign-ins", n)
	}
	w.accepts("mine", mine, w.idp.Answer(w.request(mine)), "")
}

// junkFromOffice posts more junk than an address may fail.
func junkFromOffice(w samlWorld) {
	for range 60 {
		w.refusesFor(reasonNotBegun, "junk", waiting{}, "x")
	}
	w.signIn("", "carol@example.com", nil)
	if status := w.loginStatus("admin", adminPassword); status != http.StatusOK {
		w.Errorf("the password is answered with %d", status)
	}
}

// secondFields posts forms that name a field twice. They are no valid requests, and so not recorded as refused
// sign-ins.
func secondFields(w samlWorld) {
	begun := w.begin("")
	good := url.Values{"SAMLResponse": {w.idp.Answer(w.request(begun))}, "RelayState": {begun.relay}}.Encode()
	for name, c := range map[string]struct{ query, body, says string }{
		"wrong SAMLResponse first":     {"", "SAMLResponse=x&" + good, "SAMLResponse"},
		"wrong SAMLResponse last":      {"", good + "&SAMLResponse=x", "SAMLResponse"},
		"same fields twice":            {"", good + "&" + good, "occurs twice"},
		"SAMLResponse percent-encoded": {"", good + "&%53AMLResponse=x", "SAMLResponse"},
		"second RelayState":            {"", good + "&RelayState=x", "RelayState"},
		"empty RelayState first":       {"", "RelayState=&" + good, "RelayState"},
		"SAMLResponse in the query":    {"?SAMLResponse=x", good, "SAMLResponse"},
		"RelayState in the query":      {"?RelayState=" + begun.relay, good, "RelayState"},
	} {
		response, body := w.do(http.MethodPost, callbackPath+c.query, c.body, asForm, bringing(begun.cookie))
		if response.Header.Get("Location") != "" || response.StatusCode != http.StatusBadRequest ||
			!strings.Contains(body, c.says) {
			w.Errorf("%s: %d %s", name, response.StatusCode, body)
		}
	}
	if n := w.count("SELECT COUNT(*) FROM saml_refusals"); n != 0 {
		w.Errorf("%d refusals are recorded", n)
	}
	w.accepts("the good one", begun, w.idp.Answer(w.request(begun)), "")
}

// secondParameters sends logouts that name a parameter twice, or have both messages.
func secondParameters(w samlWorld) {
	session, index := w.signInIndexed("carol@example.com")
	good := w.signed(w.logout("_good", "carol@example.com", index), w.idp.RSA)
	for _, name := range []string{"SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature"} {
		for _, query := range []string{good + "&" + name + "=eA==", name + "=eA==&" + good} {
			response, body := w.singleLogout(query)
			w.refused(response, body, http.StatusBadRequest, "root.invalid_data", name)
		}
	}
	if !w.alive(bearer(session)) {
		w.Error("the session has ended")
	}
}

// noRole brings answers with groups that grant no role.
func noRole(w samlWorld) {
	for name, c := range map[string]struct {
		groups map[string][]string
		reason string
	}{
		"no groups": {nil,
			`no rule gives the user "erin" a role; attributes that came: nothing; groups in the attribute "groups": nothing, looked for: "admins", "viewers"`},
		"other groups": {
			inGroups("others", "Admins", "admins \n"),
			`no rule gives the user "erin" a role; attributes that came: "groups"; groups in the attribute "groups": "others", "Admins", "admins \n", looked for: "admins", "viewers"`,
		},
	} {
		begun := w.begin("")
		r := w.request(begun)
		r.NameID, r.Attributes = "erin", c.groups
		w.refusesFor(c.reason, name, begun, w.idp.Answer(r))
	}
}

// logoutReason sends logouts that both realms refuse, one of which knows the key of the first.
func logoutReason(w samlWorld) {
	for name, c := range map[string]struct{ query, reason string }{
		"of an hour ago": {func() string {
			r := w.logout("_old", "carol@example.com")
			r.IssueInstant = r.IssueInstant.Add(-time.Hour)
			return w.signed(r, w.idp.RSA)
		}(), "logout: the time of issue is missing, too long ago or in the future"},
		"with a key of neither": {w.signed(w.logout("_other", "carol@example.com"), w.idp.Expired),
			"logout: the query was signed with no key of the identity provider, or changed"},
	} {
		w.clock.advance(time.Second)
		response, body := w.singleLogout(c.query)
		w.refused(response, body, http.StatusUnauthorized, "root.unauthenticated")
		if last := w.refusals()[0]; last.Reason != c.reason {
			w.Errorf("%s: the reason is %q", name, last.Reason)
		}
	}
}

// refusedAt has a sign-in refused that an address began, and returns the refusal's request.
func (w samlWorld) refusedAt(address string) string {
	w.Helper()
	from := header("X-Forwarded-For", address)
	response, _ := w.do(http.MethodGet, samlPath+"_init", "", from)
	begun := w.begunBy(response)
	form := url.Values{"SAMLResponse": {"eA=="}, "RelayState": {begun.relay}}.Encode()
	response, body := w.do(http.MethodPost, callbackPath, form, asForm, bringing(begun.cookie), from)
	w.refused(response, body, http.StatusUnauthorized, "root.unauthenticated")
	return response.Header.Get("X-Request-Id")
}

// keepsRefusal checks that a refusal is the oldest of the sign-ins that were begun here, and how many there are.
func (w samlWorld) keepsRefusal(requestID string, want int) {
	w.Helper()
	own, _ := w.bothRefusals()
	if len(own) != want || *own[len(own)-1].RequestID != requestID {
		w.Errorf("there are %d refusals of sign-ins, want %d and among them the first", len(own), want)
	}
}

// junkKeepsRefusals posts answers that no sign-in waits for.
func junkKeepsRefusals(w samlWorld) {
	first := w.refusedAt("192.0.2.1")
	for i := range 200 {
		w.clock.advance(time.Second)
		response, body := w.do(http.MethodPost, callbackPath, "SAMLResponse=x", asForm,
			header("X-Forwarded-For", fmt.Sprint("198.51.100.", i)))
		w.refused(response, body, http.StatusUnauthorized, "root.unauthenticated")
	}
	w.keepsRefusal(first, 1)
	if _, unsolicited := w.bothRefusals(); len(unsolicited) != 100 ||
		!strings.Contains(unsolicited[0].Reason, reasonNotBegun) {
		w.Errorf("%d unsolicited refusals are kept", len(unsolicited))
	}
}

// subnetKeepsRefusals begins sign-ins from the addresses that one client has, and has them refused.
func subnetKeepsRefusals(w samlWorld) {
	first := w.refusedAt("2001:db8:1::1")
	for i := range 200 {
		w.clock.advance(time.Second)
		w.refusedAt(fmt.Sprintf("2001:db8:2:0:%x::1", i))
	}
	w.keepsRefusal(first, 51)
}

// withSigning is a realm with other signing keys besides the one that signs.
func withSigning(others string) string {
	const one = "signing: {key: our.key, certificate: our.pem"
	return strings.Replace(realm("corporate", viewers), one, one+others, 1)
}

// certificates checks that our metadata has a number of certificates for signatures, so that an identity provider can
// take the new one before it is used.
func certificates(want int) func(samlWorld) {
	return func(w samlWorld) {
		_, body := w.do(http.MethodGet, samlPath+"metadata?realm=corporate", "")
		var signing []string
		for _, key := range readMetadata(w.T, body).Keys {
			if key.Use == "signing" {
				signing = append(signing, strings.Join(strings.Fields(key.Certificate), ""))
			}
		}
		next, _ := pem.Decode(ourKeys()["next.pem"])
		if len(signing) != want || signing[1] != base64.StdEncoding.EncodeToString(next.Bytes) || signing[0] == signing[1] {
			w.Errorf("there are %d signing certificates, want %d", len(signing), want)
		}
		w.signIn("", "carol@example.com", nil)
	}
}

// Ensures that an answer with a signing key that is not known has the metadata fetched again, over HTTP, at most once a
// minute; that the new key is accepted then; and that a key that was never in the metadata, or was replaced, is
// refused.
func TestSAML_HostileKeys(t *testing.T) {
	t.Parallel()
	var metadata atomic.Pointer[[]byte]
	var fetched atomic.Int32
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetched.Add(1)
		_, _ = bytes.NewReader(*metadata.Load()).WriteTo(w)
	}))
	defer provider.Close()
	publish := func(idp *samltest.IdP) { text := idp.Metadata(); metadata.Store(&text) }
	idp := samltest.New(noon)
	publish(idp)
	known := realms(t, idp, realm("corporate", viewers))
	known[0].IDP.Metadata = provider.URL
	w := samlWorld{openTuned(t, func(s *app.Settings) { s.Realms = known }), idp}
	w.signIn("", "carol@example.com", nil)
	rotated := *idp
	rotated.RSA, rotated.Attacker = idp.Attacker, idp.RSA

	t.Run("j: a key that is not in the metadata", func(t *testing.T) {
		w := w.on(t)
		for range 5 {
			forged := w.begin("")
			w.refusesFor(reasonBadSignature, "forged", forged, rotated.Answer(w.request(forged)))
		}
		if n := fetched.Load(); n != 2 {
			t.Errorf("metadata is fetched %d times", n)
		}
	})
	publish(&rotated)
	t.Run("j: an unknown key has the metadata fetched again, once a minute", func(t *testing.T) {
		w := w.on(t)
		begun := w.begin("")
		w.refusesFor(reasonBadSignature, "within the minute", begun, rotated.Answer(w.request(begun)))
		w.clock.advance(time.Minute)
		w.accepts("a minute later", begun, rotated.Answer(w.request(begun)), "")
		if n := fetched.Load(); n != 3 {
			t.Errorf("metadata is fetched %d times", n)
		}
	})
	t.Run("j: a key that was replaced", func(t *testing.T) {
		w := w.on(t)
		former := w.begin("")
		w.refusesFor(reasonBadSignature, "replaced", former, idp.Answer(w.request(former)))
	})
}
