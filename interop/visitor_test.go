package interop

import (
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// visitor is a browser without JavaScript: it keeps cookies, and does not follow redirects by itself.
type visitor struct {
	t      *testing.T
	client *http.Client
}

func newVisitor(t *testing.T) visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return visitor{t,
		&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (v visitor) get(address string) page {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(request)
}

func (v visitor) post(address string, form url.Values) page {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(request)
}

func (v visitor) do(request *http.Request) page {
	v.t.Helper()
	response, err := v.client.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return page{v.t, response.StatusCode, response.Header, response.Header.Get("Location"), body}
}

// page is an answer to a visitor.
type page struct {
	t        *testing.T
	status   int
	header   http.Header
	location string
	body     []byte
}

// field returns the value of a hidden field in the page's form.
func (p page) field(name string) string {
	p.t.Helper()
	return p.find(`<input\s[^>]*name=["']` + regexp.QuoteMeta(name) + `["'][^>]*value=["']([^"']*)["']`)
}

// action returns the address of the page's form.
func (p page) action() string {
	p.t.Helper()
	return p.find(`<form\s[^>]*action=["']([^"']+)["']`)
}

// message returns a SAML message in the page's form.
func (p page) message(field string) string {
	p.t.Helper()
	text, err := base64.StdEncoding.DecodeString(p.field(field))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func (p page) find(pattern string) string {
	p.t.Helper()
	found := regexp.MustCompile(pattern).FindSubmatch(p.body)
	if found == nil {
		p.t.Fatalf("there is no %s in the answer %d:\n%s", pattern, p.status, p.body)
	}
	return html.UnescapeString(string(found[1]))
}
