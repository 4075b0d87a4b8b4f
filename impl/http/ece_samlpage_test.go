package http_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// embedded sends what a browser sends for a frame in a page of another site.
func embedded(_ context.Context, r *http.Request) error {
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Dest", "iframe")
	return nil
}

// samlVisit is a request of a sign-in that is refused.
type samlVisit struct {
	form    url.Values
	query   string
	logout  bool
	editors []client.RequestEditorFn
	status  int
	code    string
}

// make sends the request: with a form to the callback, else to _init, or to _single_logout for a logout.
func (v samlVisit) make(w samlWorld, more ...client.RequestEditorFn) (*http.Response, string) {
	w.Helper()
	if v.form == nil {
		operation := "_init?"
		if v.logout {
			operation = "_single_logout?"
		}
		return w.do(http.MethodGet, samlPath+operation+v.query, "", slices.Concat(v.editors, more)...)
	}
	editors := slices.Concat([]client.RequestEditorFn{asForm}, v.editors, more)
	return w.do(http.MethodPost, callbackPath+"?"+v.query, v.form.Encode(), editors...)
}

// pageReference finds the request's id in a page.
var pageReference = regexp.MustCompile(`<code>([A-Za-z0-9_-]+)</code>`)

// Ensures that a person gets a page when a sign-in is refused, by which nothing but the status is learned of the
// reason, and which has a reference that the log has, and the list of refusals if a response was refused; and that
// programs get the answer in JSON, with all challenges.
func TestSAML_RefusedPage(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	idp := samltest.New(noon)
	known := realms(t, idp, realm("corporate", viewers))
	w := samlWorld{openWith(t, newDSN(t), &log, func(s *app.Settings) { s.Realms = known }), idp}
	w.addUsers()

	late := w.begin("")
	lateAnswer := idp.Answer(w.request(late))
	w.clock.advance(saml.PendingTime)
	begun := w.begin("")
	answer := idp.Answer(w.request(begun))
	mine := []client.RequestEditorFn{bringing(begun.cookie)}

	unauthenticated := map[string]string{}
	for name, v := range map[string]samlVisit{
		"expired": {
			form:    url.Values{"SAMLResponse": {lateAnswer}, "RelayState": {late.relay}},
			editors: []client.RequestEditorFn{bringing(late.cookie)}, status: 401, code: "root.unauthenticated",
		},
		"unsolicited": {form: url.Values{"SAMLResponse": {answer}}, status: 401, code: "root.unauthenticated"},
		"another browser": {
			form: url.Values{"SAMLResponse": {answer}, "RelayState": {begun.relay}}, status: 401, code: "root.unauthenticated",
		},
		"changed": {
			form:    url.Values{"SAMLResponse": {lateAnswer}, "RelayState": {begun.relay}},
			editors: mine, status: 401, code: "root.unauthenticated",
		},
		"no response": {form: url.Values{"RelayState": {begun.relay}}, status: 400, code: "root.invalid_data"},
		"a field in the query string": {
			form: url.Values{"SAMLResponse": {answer}}, query: "RelayState=a", status: 400, code: "root.invalid_data",
		},
		"another media type": {
			form: url.Values{"SAMLResponse": {answer}}, editors: []client.RequestEditorFn{asPlainText}, status: 415,
			code: "root.unsupported_media_type",
		},
		"a long form": {
			form: url.Values{"SAMLResponse": {strings.Repeat("a", 1<<20)}}, status: 413, code: "root.request_too_large",
		},
		"a logout that is none": {logout: true, query: "SAMLRequest=a&SAMLResponse=b", status: 400, code: "root.invalid_data"},
		"unknown realm":         {query: "realm=%3Cscript%3E", status: 404, code: "saml.realm_not_found"},
		"a parameter twice":     {query: "realm=a&realm=b", status: 400, code: "root.invalid_data"},
		"a frame":               {editors: []client.RequestEditorFn{embedded}, status: 403, code: "root.unauthorized.rbac"},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.on(t)
			log.taken()
			response, page := v.make(w, navigating)
			reference := w.isPage(response, page, v.status)
			if v.status == http.StatusUnauthorized {
				unauthenticated[strings.ReplaceAll(page, reference, "")] = name
				if !slices.ContainsFunc(w.refusals(), func(r client.SAMLRefusal) bool { return *r.RequestID == reference }) {
					t.Errorf("the list of refusals lacks %s", reference)
				}
			}
			if !strings.Contains(log.taken(), "request_id="+reference) {
				t.Errorf("the log lacks %s", reference)
			}

			response, body := v.make(w)
			if v.code == "root.unauthenticated" && !slices.Contains(response.Header["Www-Authenticate"],
				`Basic realm="sallyport", charset="UTF-8"`) {
				t.Errorf("a program gets the challenges %q", response.Header["Www-Authenticate"])
			}
			if response.Header.Get("Content-Type") != "application/json" || response.Header.Get("Vary") != "" ||
				response.Header.Get("x-cloud-error-codes") != v.code || !strings.HasPrefix(body, `{"errors":[{"code":`) {
				t.Errorf("a program gets %v %s", response.Header, body)
			}
		})
	}
	if len(unauthenticated) != 1 {
		t.Errorf("the pages of refused responses differ: %v", unauthenticated)
	}

	signedOut := samlVisit{logout: true, query: w.signed(w.logout("_late", "carol@example.com"), idp.Attacker)}
	response, page := signedOut.make(w, navigating)
	reference := w.isPage(response, page, http.StatusUnauthorized)
	listed := slices.ContainsFunc(w.refusals(), func(r client.SAMLRefusal) bool { return *r.RequestID == reference })
	if !listed || !strings.Contains(page, "You may still be signed in") {
		t.Errorf("a refused logout is listed: %t; the page is %s", listed, page)
	}

	form := url.Values{"SAMLResponse": {answer}, "RelayState": {begun.relay}}
	response, body := samlVisit{form: form, editors: mine}.make(w, navigating)
	if session, _ := token(response); session == "" {
		t.Errorf("a browser's sign-in: %d %s", response.StatusCode, body)
	}
}

// asPlainText replaces the media type of a form by that of a form of plain text, which a browser can send too.
func asPlainText(_ context.Context, r *http.Request) error {
	r.Header.Set("Content-Type", "text/plain")
	return nil
}

// isPage fails the test unless a response is a page, and returns its reference.
func (w samlWorld) isPage(response *http.Response, page string, status int) string {
	w.Helper()
	h := response.Header
	if response.StatusCode != status || h.Get("Content-Type") != "text/html; charset=utf-8" {
		w.Fatalf("a browser gets %d %v %s, want a page with %d", response.StatusCode, h, page, status)
	}
	found := pageReference.FindStringSubmatch(page)
	if found == nil || found[1] != h.Get("X-Request-Id") || !strings.Contains(page, `<a href="/console/">`) {
		w.Fatalf("the page has no reference or no way on: %s", page)
	}
	policy := h.Get("Content-Security-Policy")
	if strings.Contains(page, "<script") || !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") ||
		strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
		w.Errorf("the page's policy is %q: %s", policy, page)
	}
	if strings.Contains(strings.Join(h["Www-Authenticate"], " "), "Basic") || h.Get("Set-Cookie") != "" {
		w.Errorf("the headers are %v", h)
	}
	return found[1]
}

// Ensures that beyond the limit of sign-ins a browser gets a page, and that its response says when to try again.
func TestSAML_RefusedPage_RateLimited(t *testing.T) {
	t.Parallel()
	idp := samltest.New(noon)
	known := realms(t, idp, realm("corporate", viewers))
	w := samlWorld{openTuned(t, func(s *app.Settings) { s.Realms, s.SignOn.AddressSignIns = known, 1 }), idp}
	w.begin("")
	response, page := samlVisit{}.make(w, navigating)
	w.isPage(response, page, http.StatusTooManyRequests)
	if response.Header.Get("Retry-After") == "" || !strings.Contains(page, "wait a minute") {
		t.Errorf("the answer is %v %s", response.Header, page)
	}
}
