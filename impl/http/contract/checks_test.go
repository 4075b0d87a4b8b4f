package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/getkin/kin-openapi/openapi3"
)

// interpreted are the operations that are left to the interpreter.
var interpreted = []string{
	// They take integers.
	"get-audit-entries", "security-update-user-profile-data", "security-update-user-profile-data-post",
}

func load(t testing.TB) *Contract {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Ensures that all operations but a few have compiled checks, and that their bodies can be bound.
func TestLoad_Compiled(t *testing.T) {
	t.Parallel()
	for _, op := range load(t).Operations {
		if (op.checks == nil) != slices.Contains(interpreted, op.ID) {
			t.Errorf("%s: checks are %v", op.ID, op.checks)
		}
		if op.checks != nil && op.checks.body != nil && !op.checks.body.Exact() {
			t.Errorf("%s: its body cannot be bound", op.ID)
		}
	}
}

// requests makes random requests of an operation.
type requests struct {
	*rand.Rand

	op         *Operation
	parameters openapi3.Parameters
	examples   []string
}

func newRequests(t *testing.T, op *Operation) *requests {
	t.Helper()
	g := &requests{
		Rand:       rand.New(rand.NewPCG(uint64(len(op.ID)), uint64(op.ID[0]))),
		op:         op,
		parameters: slices.Concat(op.route.PathItem.Parameters, op.route.Operation.Parameters),
	}
	if op.body == nil {
		return g
	}

	if form := op.body.Content[mediaForm]; form != nil {
		g.examples = formsOf(form)
		return g
	}
	media := op.body.Content[mediaJSON]
	values := []any{media.Example}
	for _, each := range media.Examples {
		values = append(values, each.Value.Value)
	}
	for _, each := range values {
		if text, err := json.Marshal(each); err == nil && each != nil {
			g.examples = append(g.examples, string(text))
		}
	}
	return g
}

// formsOf returns the example of a form, whole and with some of its fields.
func formsOf(media *openapi3.MediaType) []string {
	fields := url.Values{}
	for name, value := range media.Example.(map[string]any) {
		fields.Set(name, value.(string))
	}
	forms := []string{fields.Encode()}
	for _, name := range media.Schema.Value.Required {
		few := url.Values{name: {" a+b=c&d%ä"}}
		forms = append(forms, few.Encode(), name+"=")
	}
	return forms
}

func pick[T any](g *requests, of ...T) T { return of[g.IntN(len(of))] }

// request returns a request and its path parameters. It is valid, or is random.
func (g *requests) request(valid bool) (*http.Request, map[string]string) {
	path, query, header := map[string]string{}, []string{}, http.Header{}
	for _, each := range g.parameters {
		p := each.Value
		if !p.Required && g.IntN(2) == 0 {
			continue
		}
		value := g.valueOf(p.Schema.Value, valid)
		switch p.In {
		case openapi3.ParameterInPath:
			path[p.Name] = value
		case openapi3.ParameterInQuery:
			query = append(query, p.Name+"="+url.QueryEscape(value))
		case openapi3.ParameterInCookie:
			header.Add("Cookie", p.Name+"="+strings.Map(cookieSafe, value))
		}
	}
	separator := "&"
	if !valid {
		separator = pick(g, "&", ";")
		query = append(query, pick(g, "", "a=b", "%zz=1", "a;b=1", "=", "&", "+=1"))
		if len(query) > 1 && g.IntN(3) == 0 {
			query = append(query, query[0])
		}
	}

	body := ""
	if g.op.body != nil {
		body = g.body(valid)
		header.Set("Content-Type", g.contentType(valid))
	}
	r := httptest.NewRequest(g.op.Method, "/", nil)
	r.URL.RawQuery, r.Header = strings.Join(query, separator), header
	r.Body, r.ContentLength = NewBody([]byte(body)), int64(len(body))
	return r, path
}

// cookieSafe leaves out what a cookie's value cannot have.
func cookieSafe(r rune) rune {
	if r <= ' ' || r > '~' || strings.ContainsRune(`",;\`, r) {
		return -1
	}
	return r
}

func (g *requests) valueOf(s *openapi3.Schema, valid bool) string {
	if !valid && g.IntN(3) == 0 {
		return pick(g, "", "1", "TRUE", "t", "null", "\xff", "ä", strings.Repeat("ä", 1+g.IntN(17000)))
	}
	switch {
	case len(s.Enum) > 0:
		return s.Enum[g.IntN(len(s.Enum))].(string)
	case s.Type.Is("boolean"):
		return pick(g, "true", "false")
	case s.MaxLength != nil && g.IntN(2) == 0:
		return strings.Repeat("x", int(*s.MaxLength))
	}
	return pick(g, "alice", "a,b", "ä/ö", "1 2+3&4=5")
}

func (g *requests) contentType(valid bool) string {
	if g.op.checks.form != nil {
		if valid {
			return mediaForm
		}
		return pick(g, mediaForm, "Application/X-WWW-Form-URLencoded", mediaForm+"; charset=utf-8", "application/json", "")
	}
	if valid {
		return pick(g, "application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8")
	}
	return pick(g,
		"application/json", "Application/JSON", "application/json ; charset=latin1", "text/plain", "",
		"application/json;", "application/json; charset", "application/merge-patch+json",
		"application/json, application/json")
}

func (g *requests) body(valid bool) string {
	body := pick(g, g.examples...)
	if valid {
		return body
	}
	at := g.IntN(len(body))
	if g.op.checks.form != nil {
		return pick(g, "", body, body[:at], body[:at]+pick(g, "&", "=", ";", "%", "%zz", "+", "\xff", "%ff")+body[at:],
			body+"&"+body, "a=b&"+body, body+"&")
	}
	return pick(g, "", body, body[:at], body[:at]+pick(g, `"`, `}`, `{`, `,`, `1`)+body[at:], body+body)
}

// Ensures that the compiled checks of each operation accept no request that the interpreter refuses, that both give
// the same value, and that at most 1 % of valid requests is left undecided.
func TestChecks_Interpreter(t *testing.T) {
	t.Parallel()
	const rounds = 60
	for _, op := range load(t).Operations {
		if op.checks == nil || op.unchecked {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			t.Parallel()
			g := newRequests(t, op)
			valid, undecided := 0, 0
			for i := range 2 * rounds {
				r, params := g.request(i < rounds)
				text := r.Body.(*Body).text
				document, accepted := op.checks.accept(r, params)
				r.Body = NewBody(text)
				shown := fmt.Sprintf("%s?%s %q %v %s", params, r.URL.RawQuery, text, r.Header, op.ID)
				want, err := op.interpret(r, params)
				if accepted && err != nil {
					t.Fatalf("%s is accepted, and not valid: %v", shown, err)
				}
				// A form is read from the body.
				if accepted && op.checks.form == nil && !reflect.DeepEqual(document.Value(), want.Value()) {
					t.Fatalf("%s has the value %v, not %v", shown, document.Value(), want.Value())
				}
				if i < rounds && err == nil {
					valid++
					if !accepted {
						undecided++
					}
				}
			}
			if valid < rounds/2 || 100*undecided > valid {
				t.Errorf("of %d requests %d are valid, and %d of these undecided", rounds, valid, undecided)
			}
		})
	}
}

// Ensures that no operation takes a body with two content types, or in another charset, whatever else it has.
func TestValidate_ContentType(t *testing.T) {
	t.Parallel()
	refused := map[string][]string{
		"repeated":               {"TYPE", "TYPE"},
		"another type first":     {"text/plain", "TYPE"},
		"another type second":    {"TYPE", "text/plain"},
		"another charset":        {"TYPE; charset=utf-16"},
		"quoted":                 {`TYPE; charset="utf-16"`},
		"among other parameters": {"TYPE; a=b; CHARSET=latin1"},
		"two charsets":           {"TYPE; charset=utf-8; charset=utf-16"},
		"malformed":              {"TYPE; charset"},
	}
	taken := map[string][]string{
		"plain":      {"TYPE"},
		"lower case": {"TYPE; charset=utf-8"},
		"upper case": {"TYPE;charset=UTF-8"},
		"in quotes":  {`TYPE; charset="UTF-8"`},
	}
	for _, op := range load(t).Operations {
		if !op.TakesBody {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			t.Parallel()
			media := mediaJSON
			if len(op.FormFields) > 0 {
				media = mediaForm
			}
			check := func(types []string, body string) error {
				r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
				for _, each := range types {
					r.Header.Add("Content-Type", strings.ReplaceAll(each, "TYPE", media))
				}
				r.Body = NewBody([]byte(body))
				_, err := op.Validate(r, nil)
				_, forCaller := op.ValidateFor(r, nil, func(any) error { return nil })
				if errors.Is(err, ErrCharset) != errors.Is(forCaller, ErrCharset) {
					t.Errorf("%q: %v, and %v by the rules of a caller", types, err, forCaller)
				}
				return err
			}
			for name, types := range refused {
				if err := check(types, "{}"); !errors.Is(err, ErrCharset) {
					t.Errorf("%s: %v", name, err)
				}
				if err := check(types, ""); errors.Is(err, ErrCharset) {
					t.Errorf("%s, without a body: %v", name, err)
				}
			}
			for name, types := range taken {
				if err := check(types, "{}"); errors.Is(err, ErrCharset) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// Ensures that a request that is left undecided is counted with the interpreter's decision, and that an accepted one
// is not.
func TestValidate_Undecided(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contentType, body string
		interpret         bool
		want              string
	}{
		"accepted":         {"application/json", `{"username":"a","password":"b"}`, false, ""},
		"other media type": {"Application/JSON", `{"username":"a","password":"b"}`, false, "login true"},
		"refused":          {"application/json", `{"username":"a"}`, false, "login false"},
		"interpreted":      {"application/json", `{"username":"a"}`, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			count := func(operation string, accepted bool) { got = fmt.Sprint(operation, " ", accepted) }
			op := load(t).With(Options{Interpret: c.interpret, Undecided: count}).Operation("login")
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header.Set("Content-Type", c.contentType)
			r.Body = NewBody([]byte(c.body))
			_, _ = op.Validate(r, nil)
			if got != c.want {
				t.Errorf("counted %q", got)
			}
		})
	}
}

// Ensures that a body that was accepted can only be bound, and any other body only be read.
func TestBody(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"username":"a","password":"b"}`, `{"username":"a"}`} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Content-Type", mediaJSON)
		b := NewBody([]byte(body))
		r.Body = b
		_, accepted := load(t).Operation("login").checks.accept(r, nil)
		text, err := io.ReadAll(b)
		if b.CanBind() != accepted || (err != nil) != accepted || accepted == (string(text) == body) {
			t.Errorf("%s: can be bound is %t, read %q, %v", body, b.CanBind(), text, err)
		}
		var into struct {
			Username string `json:"username"`
		}
		if err := b.Bind(&into); accepted && (err != nil || into.Username != "a") {
			t.Errorf("bound %v, %v", into, err)
		}
	}
}

// Ensures that a body is read to its end, whatever size was expected, and that the error of a reader is returned.
func TestReadAll(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 2000)
	for _, expected := range []int{0, 1, 1999, 2000, 2001, 5000} {
		for name, from := range map[string]io.Reader{
			"whole":        strings.NewReader(text),
			"bytes":        iotest.OneByteReader(strings.NewReader(text)),
			"end at once":  iotest.DataErrReader(strings.NewReader(text)),
			"half a chunk": iotest.HalfReader(strings.NewReader(text)),
		} {
			if body, err := ReadAll(from, expected); string(body) != text || err != nil {
				t.Errorf("%s, expected %d: read %d bytes, %v", name, expected, len(body), err)
			}
		}
		broken := io.MultiReader(strings.NewReader(text), iotest.ErrReader(http.ErrBodyNotAllowed))
		if _, err := ReadAll(broken, expected); err == nil {
			t.Errorf("expected %d: no error", expected)
		}
	}
}
