// Package client is a robust Go client of this server. It signs in, keeps its session alive, takes elevated
// permissions, and repeats requests that failed, if a repetition cannot do harm. Every refusal and every failure is an
// *Error.
//
// The methods of Client are for the most common tasks. All other operations are methods of the generated client, which
// Client.API returns; its requests are sent in the same way.
//
// # What is repeated
//
// A request is repeated, after a wait, if it certainly had no effect: the connection could not be established, the
// server refused it under load (503, root.overloaded), or it was rate-limited (429). If it may have had an effect, as
// with a lost connection or an answer of 502, then it is repeated only if a second time has the effect of one: reads,
// DELETE, and PUT, except for operations that create API keys or change passwords. Error.Uncertain reports that a
// request which failed may have had its effect.
//
// Waits follow Retry-After, or grow exponentially, with jitter. All requests of a client share a budget of repetitions,
// so that a server in trouble is not flooded.
package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
)

// Client is a client of one server, with the credentials of one user or API key, or without any. It is safe for
// concurrent use. Its String and formatted forms show the server's address only.
type Client struct {
	transport *transport
	api       *gen.ClientWithResponses
}

// Option configures a Client.
type Option func(*settings) error

type settings struct {
	credentials   int // the number of kinds that were given
	user          string
	password      string
	authorization string
	token         token
	codes         Codes
	send          http.RoundTripper
	agent         string
	timeout       time.Duration
	plainHTTP     bool
	clock         clock
}

// WithPassword signs in with a user name and a password when the first request is sent, and again when the session has
// ended. A password that was refused is not sent again for a minute, then for two and so on, because failed attempts
// lock a user.
func WithPassword(user, password string) Option {
	return func(s *settings) error {
		if user == "" || password == "" {
			return errors.New("client: the user name or the password is empty")
		}
		s.user, s.password = user, password
		s.credentials++
		return nil
	}
}

// WithAPIKey sends an API key: the encoded form, which the answer to its creation has.
func WithAPIKey(key string) Option {
	return func(s *settings) error {
		if !headerText(key) {
			return errors.New("client: the API key is empty or has characters that no API key has")
		}
		s.authorization = "ApiKey " + key
		s.credentials++
		return nil
	}
}

// WithSession continues a session: token and expiry are those of a gen.TokenResponse, or of Client.Session. With the
// zero time the token is not refreshed before it expires.
func WithSession(value string, expires time.Time) Option {
	return func(s *settings) error {
		if !headerText(value) {
			return errors.New("client: the token is empty or has characters that no token has")
		}
		s.token = token{value: value, expires: expires}
		s.credentials++
		return nil
	}
}

// headerText reports whether a credential is non-empty printable ASCII without blanks.
func headerText(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Codes returns a current one-time code or an unused recovery code of the user's second factor. ctx is canceled when
// no request needs the code any more.
type Codes func(ctx context.Context) (string, error)

// WithElevation takes elevated permissions when an operation needs them, with a code from codes, and repeats the
// request. A server that asks for a code at sign-in instead gets it there. It is for users with a second factor, and
// not for API keys, which need no elevation.
func WithElevation(codes Codes) Option {
	return func(s *settings) error {
		s.codes = codes
		return nil
	}
}

// WithTransport sends requests by rt, such as an *http.Transport with certificates of its own. By default it is a copy
// of http.DefaultTransport.
func WithTransport(rt http.RoundTripper) Option {
	return func(s *settings) error {
		s.send = rt
		return nil
	}
}

// WithUserAgent names the program, such as "backup/1.2", in the User-Agent header, before the client's own name.
func WithUserAgent(program string) Option {
	return func(s *settings) error {
		if !headerText(strings.ReplaceAll(program, " ", "")) {
			return fmt.Errorf("client: the user agent %q is empty or not printable ASCII", program)
		}
		s.agent = program + " " + s.agent
		return nil
	}
}

// WithTimeout limits the time of each attempt at a request, until the whole answer has arrived. It is a minute by
// default. The context of a call limits all its attempts together.
func WithTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return fmt.Errorf("client: the timeout %v is not positive", d)
		}
		s.timeout = d
		return nil
	}
}

// WithPlainHTTP permits an address with http:// on other hosts than the loopback interface. Whatever is between the
// client and the server can then read the credentials.
func WithPlainHTTP() Option {
	return func(s *settings) error {
		s.plainHTTP = true
		return nil
	}
}

const (
	userAgent      = "sallyport-go"
	defaultTimeout = time.Minute
	// maxIdleConnections is the number of connections that are kept for concurrent requests.
	maxIdleConnections = 64
)

// New returns a client of the server at an address such as https://sallyport.example. The address may have a path,
// under which a proxy has the server, and then /api/v1 or /api/v1/regions/REGION: with a region, the operations below
// /api/v1 are called in it. New sends nothing.
func New(address string, options ...Option) (*Client, error) {
	s := settings{agent: userAgent, timeout: defaultTimeout, clock: systemClock}
	for _, option := range options {
		if err := option(&s); err != nil {
			return nil, err
		}
	}
	if s.credentials > 1 {
		return nil, errors.New("client: give one of WithPassword, WithAPIKey and WithSession")
	}
	if s.codes != nil && (s.authorization != "" || s.credentials == 0) {
		return nil, errors.New("client: WithElevation needs WithPassword or WithSession")
	}

	place, err := readAddress(address, s.plainHTTP)
	if err != nil {
		return nil, err
	}
	if s.send == nil {
		s.send = newTransport()
	}

	t := &transport{
		address: place,
		send:    s.send,
		agent:   s.agent,
		timeout: s.timeout,
		fixed:   &s.authorization,
		budget:  newBudget(),
		clock:   s.clock,
	}
	if s.password != "" || s.token.value != "" {
		t.session = newSession(t, s)
	}

	api, err := gen.NewClientWithResponses(place.server(), gen.WithHTTPClient(t))
	if err != nil {
		return nil, err
	}
	return &Client{transport: t, api: api}, nil
}

func newTransport() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport // a program has replaced it
	}
	own := standard.Clone()
	own.MaxIdleConnsPerHost = maxIdleConnections
	return own
}

// API returns the generated client, with all operations. Refusals are errors: if a method returns none, then the
// member of the result for the successful status is set.
func (c *Client) API() *gen.ClientWithResponses { return c.api }

// String returns the server's address.
func (c Client) String() string { return "client of " + c.transport.address.server() }

// Format implements fmt.Formatter. All verbs show what String returns.
func (c Client) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// Session returns the token of the client's session and its expiry, for WithSession of another process. It signs in if
// there is no session yet. The token is a secret.
func (c *Client) Session(ctx context.Context) (value string, expires time.Time, err error) {
	s := c.transport.session
	if s == nil {
		return "", time.Time{}, &Error{Message: "this client has no session: it needs WithPassword or WithSession"}
	}
	t, err := s.current(ctx)
	return t.value, t.expires, err
}

// SignOut ends the session of the client with all its tokens. With WithPassword, the next request begins another one.
func (c *Client) SignOut(ctx context.Context) error {
	s := c.transport.session
	if s == nil {
		return nil
	}
	return s.end(ctx)
}
