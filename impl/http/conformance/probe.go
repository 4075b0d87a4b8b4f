package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/http/contract"
)

// maxBody is the largest body of an answer that is read.
const maxBody = 16 << 20

// cleanupTime is the limit for removing what a case has made.
const cleanupTime = 30 * time.Second

// object is a JSON object.
type object = map[string]any

// credentials is the value of the header Authorization.
type credentials string

// nothing are no credentials; the zero value are the caller's.
const nothing credentials = "none"

func basic(user, password string) credentials {
	return credentials("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

func bearer(token string) credentials { return credentials("Bearer " + token) }

func apiKey(key string) credentials { return credentials("ApiKey " + key) }

// session is a run.
type session struct {
	options  Options
	contract *contract.Contract
	coverage *Coverage
	client   *http.Client
	// prefix begins the names of all that is made.
	prefix string
	names  int

	family  Family
	version string
	// privileged callers may do all that the cases need, so a refusal is a difference.
	privileged bool

	secrets    []string
	left       []string
	unanswered bool
}

func newSession(options Options) (*session, error) {
	loaded, err := contract.Load()
	if err != nil {
		return nil, err
	}
	coverage, err := LoadCoverage()
	if err != nil {
		return nil, err
	}
	random := make([]byte, 4)
	_, _ = rand.Read(random) // it never fails
	s := &session{
		options:  options,
		contract: loaded.With(contract.Options{Responses: true}),
		coverage: coverage,
		prefix:   "conformance-" + hex.EncodeToString(random),
		client: &http.Client{
			Timeout:       options.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	s.secret(options.Password, options.APIKey)
	return s, nil
}

// secret records texts that no report may have.
func (s *session) secret(texts ...string) {
	for _, text := range texts {
		if text != "" {
			s.secrets = append(s.secrets, text)
		}
	}
}

// hide replaces secrets in a text.
func (s *session) hide(text string) string {
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, "(hidden)")
	}
	return text
}

// caller returns the credentials of the run.
func (s *session) caller() credentials {
	switch {
	case s.options.APIKey != "":
		return apiKey(s.options.APIKey)
	case s.options.Username != "":
		return basic(s.options.Username, s.options.Password)
	}
	return nothing
}

// request is what an operation is asked for.
type request struct {
	// path has the values of the path's parameters, in their order.
	path  []string
	query string
	// body is encoded as JSON; nil for none.
	body any
	// form is sent in place of a JSON body.
	form string
	as   credentials
}

// answer is what a server answered.
type answer struct {
	op     *contract.Operation
	status int
	header http.Header
	body   []byte
	value  any
}

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// send sends a request. It reads at most maxBody of the answer.
func (s *session) send(ctx context.Context, op *contract.Operation, r request) (answer, error) {
	i := -1
	address := strings.TrimSuffix(s.options.Target, "/") + parameter.ReplaceAllStringFunc(op.Path, func(string) string {
		if i++; i < len(r.path) {
			return url.PathEscape(r.path[i])
		}
		return s.prefix + "-none"
	})
	if r.query != "" {
		address += "?" + r.query
	}

	sent, err := r.encode(ctx, op.Method, address)
	if err != nil {
		return answer{}, err
	}
	if r.as == "" {
		r.as = s.caller()
	}
	if r.as != nothing {
		sent.Header.Set("Authorization", string(r.as))
	}

	a, err := s.exchange(sent)
	if a.op = op; err != nil {
		s.unanswered = s.unanswered || ctx.Err() == nil
		return a, fmt.Errorf("%s %s: %w", op.Method, op.Path, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.UseNumber()
	_ = decoder.Decode(&a.value) // the check of the answer reports what is no JSON
	return a, nil
}

// encode returns the request with its body, but without credentials.
func (r request) encode(ctx context.Context, method, address string) (*http.Request, error) {
	body, contentType := r.form, "application/x-www-form-urlencoded"
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body, contentType = string(text), "application/json"
	}
	sent, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	sent.Header.Set("Accept", "application/json")
	if body != "" {
		sent.Header.Set("Content-Type", contentType)
	}
	return sent, nil
}

// exchange sends a request, and reads the answer.
func (s *session) exchange(sent *http.Request) (answer, error) {
	got, err := s.client.Do(sent) //nolint:gosec // the target is what the user of the command gives
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // the address is known
		}
		return answer{}, err
	}
	defer got.Body.Close() //nolint:errcheck // nothing is written
	text, err := io.ReadAll(io.LimitReader(got.Body, maxBody+1))
	if err == nil && len(text) > maxBody {
		err = fmt.Errorf("the answer has more than %d bytes", maxBody)
	}
	return answer{status: got.StatusCode, header: got.Header, body: text}, err
}

// at returns the value at a JSON pointer, or nil.
func (a answer) at(pointer string) any {
	value := a.value
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch of := value.(type) {
		case object:
			value = of[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(of) {
				return nil
			}
			value = of[i]
		default:
			return nil
		}
	}
	return value
}

// probe is a case that runs.
type probe struct {
	*session

	ctx context.Context //nolint:containedctx // it is that of the one case
	op  *contract.Operation
	// problems are the differences.
	problems []string
	// reason is why the case could not be compared; "" if it could.
	reason string
	undo   []func(*probe)
}

// errEnded ends a case early.
var errEnded = errors.New("the case has ended")

// run runs a case, and then removes what it has made, in reverse order. The latter also happens when the context has
// ended.
func (p *probe) run(check func(*probe)) {
	p.until(func() { check(p) })

	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), cleanupTime)
	defer cancel()
	p.ctx = ctx
	for _, undo := range slices.Backward(p.undo) {
		cleaner := &probe{session: p.session, ctx: ctx, op: p.op}
		cleaner.until(func() { undo(cleaner) })
	}
}

// until calls a part of a case, which may end early.
func (p *probe) until(part func()) {
	defer func() {
		if reason := recover(); reason != nil && reason != any(errEnded) {
			panic(reason)
		}
	}()
	part()
}

// differs records a difference.
func (p *probe) differs(format string, arguments ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, arguments...))
}

// skip ends a case that cannot be compared.
func (p *probe) skip(format string, arguments ...any) {
	p.reason = fmt.Sprintf(format, arguments...)
	panic(errEnded)
}

// name returns a name that nothing else has.
func (p *probe) name() string {
	p.names++
	return p.prefix + "-" + strconv.Itoa(p.names)
}

// password returns a password that cannot be guessed.
func (p *probe) password() string {
	text := "Aa1-" + rand.Text()
	p.secret(text)
	return text
}

// later removes something when the case ends. It is called before that is made, because an answer can get lost.
// Whatever there is not is removed.
func (p *probe) later(what string, operation string, r request) {
	p.undo = append(p.undo, func(q *probe) {
		a, err := q.send(q.ctx, q.contract.Operation(operation), r)
		if err != nil || a.status >= 300 && a.status != http.StatusNotFound {
			q.left = append(q.left, what)
		}
	})
}

// call asks for an operation.
func (p *probe) call(operation string, r request) reply {
	if r.as == "" && p.caller() == nothing {
		p.skip("there are no credentials")
	}
	op := p.contract.Operation(operation)
	a, err := p.send(p.ctx, op, r)
	if err != nil {
		p.skip("%v", err)
	}
	return reply{a, p}
}

// reply is an answer that a case compares.
type reply struct {
	answer

	p *probe
}

// place names the operation in differences.
func (r reply) place() string { return r.op.Method + " " + r.op.Path }

// is ends the case unless the answer has a status, and compares it with what is published for that.
func (r reply) is(status int) reply {
	if r.status != status {
		r.unavailable()
		r.p.differs("%s: the status is %d%s; %d is published", r.place(), r.status, r.kind(), status)
		panic(errEnded)
	}

	if err := r.op.CheckResponse(r.status, r.header.Get("Content-Type"), r.body); err != nil {
		r.p.differs("%s: %d: %q: %s", r.place(), r.status, err.Pointer, err.Text)
	}
	if r.p.family == Elasticsearch && r.status >= 400 {
		return r.hasProduct() // a failure may have more members than are published
	}
	published := r.p.coverage.Served[r.op.ID].Members
	for _, member := range r.op.UnknownMembers(r.status, r.body) {
		if !slices.ContainsFunc(published, func(pattern string) bool { return within(pattern, member) }) {
			r.p.differs("%s: %d: %q: this member is not published", r.place(), r.status, member)
		}
	}
	return r.hasProduct()
}

// within reports whether a member is one of a pattern, or below one.
func within(pattern, member string) bool {
	steps := strings.Split(member, "/")
	depth := min(strings.Count(pattern, "/")+1, len(steps))
	matches, err := path.Match(pattern, strings.Join(steps[:depth], "/"))
	return err == nil && matches
}

// hasProduct compares the header by which Elasticsearch's clients recognize a server.
func (r reply) hasProduct() reply {
	if r.p.family == Elasticsearch && r.header.Get("X-Elastic-Product") != "Elasticsearch" {
		r.p.differs("%s: the header X-Elastic-Product is not Elasticsearch", r.place())
	}
	return r
}

// unavailable ends the case if the server says that it cannot be compared.
func (r reply) unavailable() {
	reason, _ := r.at("/error/reason").(string)
	if strings.Contains(reason, "not enabled") || strings.Contains(reason, "license is non-compliant") {
		r.p.skip("%s: the feature is not enabled, or not in the licence: %d", r.place(), r.status)
	}
	switch kind := r.kind(); r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		if !r.p.privileged {
			r.p.skip("%s: the caller lacks a privilege: %d%s", r.place(), r.status, kind)
		}
	case 449:
		r.p.skip("%s: the caller needs elevated permissions: 449", r.place())
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusNotImplemented, http.StatusBadGateway:
		r.p.skip("%s: the server is not able to: %d%s", r.place(), r.status, kind)
	}
}

// kind returns what an error is called, after a blank, or "".
func (r reply) kind() string {
	for _, pointer := range []string{"/error/type", "/errors/0/code"} {
		if kind, found := r.at(pointer).(string); found && len(kind) < 100 {
			return " " + strconv.Quote(kind)
		}
	}
	return ""
}

// fails ends the case unless the answer is a failure with a status, and one of the published types or codes.
func (r reply) fails(status int, kinds ...string) {
	r.is(status)
	if r.p.family == Elasticsearch {
		if got := r.at("/error/type"); kinds != nil && !slices.Contains(kinds, fmt.Sprint(got)) {
			r.p.differs("%s: %d: the type of the error is %q; %q is published", r.place(), status, got, kinds)
		}
		if got := fmt.Sprint(r.at("/status")); r.value != nil && got != strconv.Itoa(status) {
			r.p.differs("%s: %d: the status in the body is %s", r.place(), status, got)
		}
		return
	}

	code := fmt.Sprint(r.at("/errors/0/code"))
	if kinds != nil && !slices.Contains(kinds, code) {
		r.p.differs("%s: %d: the code of the error is %q; %q is published", r.place(), status, code, kinds)
	}
	if !slices.Contains(strings.Split(r.header.Get("X-Cloud-Error-Codes"), ","), code) {
		r.p.differs("%s: %d: the header x-cloud-error-codes lacks the code of the error", r.place(), status)
	}
}

// equal compares a member with a value, both as they are printed. Neither may be a secret.
func (r reply) equal(pointer string, want any) reply {
	if got := r.at(pointer); fmt.Sprint(got) != fmt.Sprint(want) {
		r.p.differs("%s: %q is %v; %v was expected", r.place(), pointer, got, want)
	}
	return r
}

// text returns a text at a pointer, and ends the case if there is none.
func (r reply) text(pointer string) string {
	text, found := r.at(pointer).(string)
	if !found || text == "" {
		r.p.differs("%s: %q is no text", r.place(), pointer)
		panic(errEnded)
	}
	return text
}

// secretText is like text, for a secret.
func (r reply) secretText(pointer string) string {
	text := r.text(pointer)
	r.p.secret(text)
	return text
}

// column returns the members with a name of the objects in a list.
func (r reply) column(list, name string) (found []any) {
	entries, _ := r.at(list).([]any)
	for _, entry := range entries {
		members, _ := entry.(object)
		found = append(found, members[name])
	}
	return found
}
