package contract

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/impl/http/contract/schemacheck"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// The media types of the bodies that have compiled checks.
const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// Body is a request body that was read as a whole, as compiled checks need it.
type Body struct {
	text []byte
	// read is the number of bytes that were read.
	read int
	// exact is set once an exact check has accepted the text.
	exact bool
}

// NewBody returns the body with a text.
func NewBody(text []byte) *Body { return &Body{text: text} }

// ReadAll is like io.ReadAll, and needs one allocation for a body of the expected size.
func ReadAll(from io.Reader, expected int) ([]byte, error) {
	const more = 512
	body := make([]byte, 0, expected+1) // one byte more, to find the end
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return body, err
		}
		if len(body) == cap(body) {
			body = slices.Grow(body, more)
		}
	}
}

// Read implements io.Reader. It returns an error once CanBind returns true, so that no other decoder reads the body.
func (b *Body) Read(p []byte) (int, error) {
	if b.exact {
		return 0, errAccepted
	}
	if b.read == len(b.text) {
		return 0, io.EOF
	}
	n := copy(p, b.text[b.read:])
	b.read += n
	return n, nil
}

var errAccepted = errors.New("contract: the body is validated, and can only be bound")

// CanBind reports whether a compiled check has accepted the body, and Bind can be called.
func (b *Body) CanBind() bool { return b.exact }

// Bind decodes the body into a variable, to which a pointer is given. It needs neither the memory nor the time that
// Document.Value needs.
func (b *Body) Bind(into any) error { return schemacheck.Bind(b.text, into) }

// Close implements io.Closer.
func (b *Body) Close() error { return nil }

// Document is the validated body of a request. The zero value stands for a request without one, or with one that is not
// JSON.
type Document struct {
	// accepted is the text, if a compiled check accepted it; value is what the interpreter decoded otherwise.
	accepted []byte
	value    any
}

// Value returns the body in the types of strictjson.Decode. If a compiled check accepted it, the named members of an
// object are left undecoded, as schemacheck.Raw.
func (d Document) Value(undecoded ...string) any {
	if d.accepted != nil {
		return schemacheck.DecodeExcept(d.accepted, undecoded)
	}
	return d.value
}

// requestChecks are the compiled checks of an operation's requests.
type requestChecks struct {
	path, query, header, cookie []parameterCheck
	// body is nil if the operation has none.
	body         *schemacheck.Check
	bodyRequired bool
	// form has the fields of a body that is a form; nil if it is none.
	form []parameterCheck
}

type parameterCheck struct {
	name     string
	required bool
	check    *schemacheck.Parameter
}

// compileRequest returns nil if part of the request is left to the interpreter: an integer, for example.
func compileRequest(
	parameters openapi3.Parameters, body *openapi3.RequestBody, compiler *bodyCompiler,
) *requestChecks {
	c := &requestChecks{}
	places := map[string]*[]parameterCheck{
		openapi3.ParameterInPath:   &c.path,
		openapi3.ParameterInQuery:  &c.query,
		openapi3.ParameterInHeader: &c.header,
		openapi3.ParameterInCookie: &c.cookie,
	}
	for _, ref := range parameters {
		p := ref.Value
		check, err := schemacheck.CompileParameter(p)
		if err != nil {
			return nil
		}
		place := places[p.In]
		*place = append(*place, parameterCheck{p.Name, p.Required, check})
	}
	if len(c.query) > maxQuery {
		return nil
	}
	if body == nil {
		return c
	}

	c.bodyRequired = body.Required
	if c.form = compileForm(body.Content); c.form != nil {
		return c
	}
	c.body = compiler.compile(body.Content)
	if c.body == nil {
		return nil
	}
	return c
}

// compileForm returns the fields of a body that can be a form only. It returns nil for all else, and if a field is left
// to the interpreter.
func compileForm(content openapi3.Content) []parameterCheck {
	media := content[mediaForm]
	if len(content) != 1 || media == nil || media.Schema == nil || len(media.Encoding) > 0 {
		return nil
	}

	schema := media.Schema.Value
	if len(schema.OneOf)+len(schema.AnyOf)+len(schema.AllOf) > 0 || schema.Not != nil || schema.MinProps > 0 ||
		schema.MaxProps != nil || len(schema.Properties) > maxQuery {
		return nil
	}
	var fields []parameterCheck
	for name, property := range schema.Properties {
		check, err := schemacheck.CompileParameter(&openapi3.Parameter{Schema: property})
		if err != nil {
			return nil
		}
		fields = append(fields, parameterCheck{name, slices.Contains(schema.Required, name), check})
	}
	return fields
}

// bodyCompiler compiles the schemas of bodies, each once.
type bodyCompiler struct {
	options  schemacheck.Options
	compiled map[*openapi3.Schema]*schemacheck.Check
}

func newBodyCompiler(direction schemacheck.Direction, maxDepth int) *bodyCompiler {
	return &bodyCompiler{
		schemacheck.Options{Direction: direction, MaxDepth: maxDepth},
		map[*openapi3.Schema]*schemacheck.Check{},
	}
}

// compile returns nil if the body can be something else than JSON, or has a schema that is left to the interpreter.
func (c *bodyCompiler) compile(content openapi3.Content) *schemacheck.Check {
	media := content[mediaJSON]
	if len(content) != 1 || media == nil || media.Schema == nil {
		return nil
	}

	schema := media.Schema.Value
	check, known := c.compiled[schema]
	if !known {
		check, _ = schemacheck.Compile(schema, c.options) // the error says what is not supported
		c.compiled[schema] = check
	}
	return check
}

// accept returns the body of a request that is valid. If it returns false, the request is undecided.
func (c *requestChecks) accept(r *http.Request, params map[string]string) (Document, bool) {
	if !c.acceptParameters(r, params) {
		return Document{}, false
	}
	body, whole := r.Body.(*Body)
	if c.form != nil {
		return Document{}, whole && c.acceptForm(r.Header, body)
	}
	if c.body == nil {
		return Document{}, true
	}

	switch {
	case !whole:
		return Document{}, false
	case len(body.text) == 0:
		return Document{}, !c.bodyRequired
	case !isJSON(r.Header.Get("Content-Type")) || !c.body.Accepts(body.text):
		return Document{}, false
	}
	body.exact = c.body.Exact()
	return Document{accepted: body.text}, true
}

// acceptForm accepts a form that is well-formed and has each field at most once, and no other. It leaves the body to be
// read.
func (c *requestChecks) acceptForm(h http.Header, body *Body) bool {
	if h.Get("Content-Type") != mediaForm || len(body.text) == 0 {
		return false
	}
	var seen uint64
	for pair := range strings.SplitSeq(string(body.text), "&") {
		i, value, ok := readField(c.form, pair)
		if !ok || i < 0 || seen&(1<<i) != 0 || !c.form[i].check.Accepts(value) {
			return false
		}
		seen |= 1 << i
	}
	return requiredSeen(c.form, seen)
}

// readField decodes a field of a query string or a form. It returns the index of its check, -1 if there is none, and
// reports whether it is well-formed.
func readField(checks []parameterCheck, pair string) (i int, value string, ok bool) {
	if strings.Contains(pair, ";") {
		return -1, "", false
	}
	name, value, _ := strings.Cut(pair, "=")
	name, nameErr := url.QueryUnescape(name)
	value, valueErr := url.QueryUnescape(value)
	if nameErr != nil || valueErr != nil {
		return -1, "", false
	}
	return find(checks, name), value, true
}

// requiredSeen reports whether all required fields have their bits set.
func requiredSeen(checks []parameterCheck, seen uint64) bool {
	for i, p := range checks {
		if p.required && seen&(1<<i) == 0 {
			return false
		}
	}
	return true
}

// undecidedBody returns the decoded body of a request that was not accepted, if it is JSON and all else is valid.
func (c *requestChecks) undecidedBody(r *http.Request, params map[string]string) (any, bool) {
	body, whole := r.Body.(*Body)
	if c.body == nil || !whole || !isJSON(r.Header.Get("Content-Type")) || !c.acceptParameters(r, params) ||
		!schemacheck.Valid(body.text, strictjson.MaxDepth) {
		return nil, false
	}
	return schemacheck.Decode(body.text), true
}

func (c *requestChecks) acceptParameters(r *http.Request, params map[string]string) bool {
	return c.acceptPath(params) && c.acceptQuery(r.URL.RawQuery) && c.acceptHeader(r.Header) && c.acceptCookies(r)
}

// isJSON reports whether a content type is that of JSON. Its parameters were checked before.
func isJSON(contentType string) bool {
	base, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(base) == mediaJSON
}

func (c *requestChecks) acceptPath(params map[string]string) bool {
	for _, p := range c.path {
		if value := params[p.name]; value == "" || !p.check.Accepts(value) {
			return false
		}
	}
	return true
}

// maxQuery is the number of parameters of a query string, and of fields of a form, that have a bit.
const maxQuery = 64

// acceptQuery accepts a query string that is well-formed. Of a parameter that is given twice, both values must be
// valid.
func (c *requestChecks) acceptQuery(query string) bool {
	var seen uint64
	for pair := range strings.SplitSeq(query, "&") {
		i, value, ok := readField(c.query, pair)
		switch {
		case !ok:
			return false
		case i < 0:
			continue
		case !c.query[i].check.Accepts(value):
			return false
		}
		seen |= 1 << i
	}
	return requiredSeen(c.query, seen)
}

func find(parameters []parameterCheck, name string) int {
	for i := range parameters {
		if parameters[i].name == name {
			return i
		}
	}
	return -1
}

func (c *requestChecks) acceptHeader(h http.Header) bool {
	for _, p := range c.header {
		values := h.Values(p.name)
		if len(values) > 1 || len(values) == 0 && p.required || len(values) == 1 && !p.check.Accepts(values[0]) {
			return false
		}
	}
	return true
}

func (c *requestChecks) acceptCookies(r *http.Request) bool {
	for _, p := range c.cookie {
		cookie, err := r.Cookie(p.name)
		if err != nil && p.required || err == nil && !p.check.Accepts(cookie.Value) {
			return false
		}
	}
	return true
}
