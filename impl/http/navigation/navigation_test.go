package navigation_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/http/navigation"
)

// served returns a handler with an operation at /operation, a sign-in at /sign-in and a sign-out at /sign-out, which
// refuse all requests, with the status in the query string if there is one. Refusals by the last two have an id.
func served() http.Handler {
	operations := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(r.URL.RawQuery)
		if err != nil {
			status = http.StatusUnauthorized
		}
		if strings.HasPrefix(r.URL.Path, "/sign-") {
			w.Header().Set("X-Request-Id", "<id>")
			w.Header().Set("Content-Length", strconv.Itoa(len(r.URL.Path)))
		}
		w.Header()[challenge] = challenges
		w.WriteHeader(status)
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write([]byte(r.URL.Path))
	})
	return navigation.Before(navigation.Routes{
		Home: "/home/",
		Operation: func(r *http.Request) string {
			if slices.Contains([]string{"/operation", "/sign-in", "/sign-out"}, r.URL.Path) {
				return r.URL.Path[1:]
			}
			return ""
		},
		SignIns:  []string{"sign-in"},
		SignOuts: []string{"sign-out"},
	}, operations)
}

// challenge is the name of the header as the operations set it, which is not its canonical form.
const challenge = "WWW-Authenticate"

// challengesOf returns the challenges under whatever form of the name.
func challengesOf(h http.Header) []string {
	for name, values := range h {
		if strings.EqualFold(name, challenge) {
			return values
		}
	}
	return nil
}

var challenges = []string{`Basic realm="r"`, "ApiKey", "Bearer"}

func get(method, path string, headers map[string]string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	served().ServeHTTP(recorder, r)
	return recorder.Result()
}

// browser holds the headers of a browser in which a person opens an address.
var browser = map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}

// Ensures that only a navigation gets a page, and that all else gets the answer of the operations.
func TestNavigation_Rule(t *testing.T) {
	for name, test := range map[string]struct {
		method  string
		headers map[string]string
		page    bool
	}{
		"browser":            {"GET", browser, true},
		"old browser":        {"GET", map[string]string{"Accept": "text/html"}, true},
		"case of the type":   {"GET", map[string]string{"Accept": "a/b, Text/HTML;q=0.1"}, true},
		"no headers":         {"GET", nil, false},
		"curl":               {"GET", map[string]string{"Accept": "*/*"}, false},
		"text":               {"GET", map[string]string{"Accept": "text/*"}, false},
		"JSON":               {"GET", map[string]string{"Accept": "application/json"}, false},
		"HTML refused":       {"GET", map[string]string{"Accept": "application/json, text/html;q=0"}, false},
		"HTML refused, 0.00": {"GET", map[string]string{"Accept": "text/html; q=0.00"}, false},
		"fetch": {
			"GET", map[string]string{"Accept": "text/html", "Sec-Fetch-Mode": "cors"}, false,
		},
		"credentials": {
			"GET", map[string]string{"Accept": "text/html", "Authorization": "Basic YTpi"}, false,
		},
		"empty credentials": {
			"GET", map[string]string{"Accept": "text/html", "Authorization": ""}, false,
		},
		"POST": {"POST", browser, false},
		"HEAD": {"HEAD", browser, false},
	} {
		t.Run(name, func(t *testing.T) {
			response := get(test.method, "/unknown", test.headers)
			page := response.StatusCode == http.StatusNotFound &&
				response.Header.Get("Content-Type") == "text/html; charset=utf-8"
			if page != test.page {
				t.Errorf("got %d %v, want a page: %t", response.StatusCode, response.Header, test.page)
			}
			if !page && (!slices.Equal(challengesOf(response.Header), challenges) || len(response.Header) != 1) {
				t.Errorf("the answer to a program changed: %v", response.Header)
			}
		})
	}
}

// Ensures that a navigation to the server's address leads home, and that no answer to a navigation makes a browser ask
// for a password or is taken for that to a program.
func TestNavigation_Answers(t *testing.T) {
	for path, want := range map[string]struct {
		status     int
		location   string
		challenges []string
	}{
		"/":          {http.StatusSeeOther, "/home/", nil},
		"/unknown":   {http.StatusNotFound, "", nil},
		"/operation": {http.StatusUnauthorized, "", []string{"ApiKey", "Bearer"}},
	} {
		t.Run(path, func(t *testing.T) {
			response := get("GET", path, browser)
			h := response.Header
			if response.StatusCode != want.status || h.Get("Location") != want.location ||
				!slices.Equal(challengesOf(h), want.challenges) {
				t.Errorf("got %d %v, want %+v", response.StatusCode, h, want)
			}
			for _, name := range []string{"Accept", "Authorization", "Sec-Fetch-Mode"} {
				if !strings.Contains(h.Get("Vary"), name) {
					t.Errorf("Vary is %q, without %s", h.Get("Vary"), name)
				}
			}
		})
	}
	if challenges[0] != `Basic realm="r"` {
		t.Error("the challenges of other responses changed")
	}
}

// Ensures that a sign-in or sign-out that is refused to a browser is a page of the same status with the request's id,
// whether it comes by a link or by a form, and that all else is unchanged.
func TestNavigation_SignIn(t *testing.T) {
	credentials := map[string]string{"Accept": "text/html", "Authorization": "Basic YTpi"}
	for name, test := range map[string]struct {
		method, path string
		headers      map[string]string
		status       int
		text         string
	}{
		"link":               {"GET", "/sign-in", browser, 401, "taken too long"},
		"form":               {"POST", "/sign-in", browser, 401, "taken too long"},
		"invalid":            {"POST", "/sign-in?400", browser, 400, "taken too long"},
		"unknown":            {"GET", "/sign-in?404", browser, 404, "does not have that way"},
		"rate limited":       {"POST", "/sign-in?429", browser, 429, "too many"},
		"overloaded":         {"POST", "/sign-in?503", browser, 503, "too many"},
		"failed":             {"POST", "/sign-in?502", browser, 502, "try again later"},
		"accepted":           {"POST", "/sign-in?302", browser, 302, ""},
		"sign-out":           {"GET", "/sign-out", browser, 401, "sign out on its start page"},
		"sign-out, unknown":  {"GET", "/sign-out?404", browser, 404, "sign out on its start page"},
		"sign-out, overload": {"GET", "/sign-out?503", browser, 503, "sign out again"},
		"sign-out, failed":   {"GET", "/sign-out?500", browser, 500, "try again later"},
		"sign-out, accepted": {"GET", "/sign-out?302", browser, 302, ""},
		"sign-out, program":  {"GET", "/sign-out", nil, 401, ""},
		"program":            {"POST", "/sign-in", nil, 401, ""},
		"script":             {"POST", "/sign-in", map[string]string{"Accept": "text/html", "Sec-Fetch-Mode": "cors"}, 401, ""},
		"credentials":        {"POST", "/sign-in", credentials, 401, ""},
		"another form":       {"POST", "/operation", browser, 401, ""},
		"other methods":      {"PUT", "/sign-in", browser, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			response := get(test.method, test.path, test.headers)
			body, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != test.status {
				t.Fatalf("got %d (%v)", response.StatusCode, err)
			}

			path, _, _ := strings.Cut(test.path, "?")
			h := response.Header
			if test.text == "" {
				if string(body) != path || h.Get("Content-Security-Policy") != "" {
					t.Errorf("the answer changed: %v %s", h, body)
				}
				return
			}
			link := "Sign in again"
			if path == "/sign-out" {
				link = "Go to the start page"
			}
			for _, part := range []string{test.text, "<code>&lt;id&gt;</code>", `<a href="/home/">` + link + `</a>`} {
				if !strings.Contains(string(body), part) {
					t.Errorf("the page lacks %q: %s", part, body)
				}
			}
			if strings.Contains(string(body), path) || h.Get("Content-Length") != "" ||
				!slices.Equal(challengesOf(h), []string{"ApiKey", "Bearer"}) ||
				!strings.Contains(h.Get("Vary"), "Accept") || h.Get("Cache-Control") != "no-store" ||
				!strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("got %v %s", h, body)
			}
		})
	}
}

// Ensures that the page's policy allows its style.
func TestNavigation_Policy(t *testing.T) {
	source, err := os.ReadFile("page.html")
	if err != nil {
		t.Fatal(err)
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindSubmatch(source)[1]
	sum := sha256.Sum256(style)
	hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if policy := get("GET", "/unknown", browser).Header.Get("Content-Security-Policy"); !strings.Contains(policy, hash) {
		t.Errorf("the policy is %q, without %s", policy, hash)
	}
}
