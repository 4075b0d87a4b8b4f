package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// read is an authenticated request that changes nothing.
type read struct {
	name, path string
	// byKey is set if an API key authenticates it, and not a session.
	byKey bool
	// introspects is set if it posts the API key as a form.
	introspects bool
}

var reads = []read{
	{"GET account, API key", "/api/v1/account", true, false},
	{"GET account, session", "/api/v1/account", false, false},
	{"GET users/auth, session", "/api/v1/users/auth", false, false},
	{"`_authenticate`, API key", "/_security/_authenticate", true, false},
	{introspection, "/api/v1/auth/introspect", true, true},
}

// introspection is the name of the read that is compared with the first one, too.
const introspection = "introspection of an API key, API key"

// served is a server with a store, and a bare server that sends the same bytes.
type served struct {
	store      database
	ours, bare target
}

// target is a server with the requests that it is loaded with, in the order of reads.
type target struct {
	*child
	address  string
	requests [][]byte
}

// begin starts both servers.
func (s *served) begin(ctx context.Context, program, folder string) error {
	var err error
	if s.ours.address, err = freeAddress(ctx); err != nil {
		return err
	}
	serve := command(ctx, s.store.settings, program, "serve", "--listen", s.ours.address)
	if s.ours.child, err = spawn(serve, filepath.Join(folder, s.store.name+".log")); err != nil {
		return err
	}
	if err := s.ours.await(ctx, s.ours.address, "/"); err != nil {
		return err
	}
	if s.bare.address, err = freeAddress(ctx); err != nil {
		return err
	}
	answers, err := s.prepareRequests(ctx, program)
	if err != nil {
		return err
	}

	return s.beginBare(ctx, folder, answers)
}

// beginBare starts the bare server.
func (s *served) beginBare(ctx context.Context, folder string, answers []answer) error {
	text, err := json.Marshal(answers)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bare := command(ctx, nil, self, "-bare", s.bare.address)
	bare.Stdin = bytes.NewReader(text)
	if s.bare.child, err = spawn(bare, filepath.Join(folder, s.store.name+".bare.log")); err != nil {
		return err
	}
	return s.bare.await(ctx, s.bare.address, barePath(0))
}

// prepareRequests adds a user with a session and a key, and returns the answers to the reads.
func (s *served) prepareRequests(ctx context.Context, program string) ([]answer, error) {
	const user = "bench" // the built-in users cannot own API keys
	add := command(ctx, s.store.settings, program, "user", "add", user, "--role", "ece_platform_admin", "--password-stdin")
	add.Stdin = strings.NewReader(password + "\n")
	if out, err := add.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("user add: %w\n%s", err, out)
	}

	url := "http://" + s.ours.address
	var session struct{ Token string }
	login := fmt.Sprintf(`{"username":%q,"password":%q}`, user, password)
	if err := post(ctx, url+"/api/v1/users/auth/_login", "", login, &session); err != nil {
		return nil, err
	}
	bearer := "Bearer " + session.Token
	var created struct{ Key string }
	if err := post(ctx, url+"/api/v1/users/auth/keys", bearer, `{"description":"bench"}`, &created); err != nil {
		return nil, err
	}

	var answers []answer
	for i, read := range reads {
		credentials := bearer
		if read.byKey {
			credentials = "ApiKey " + created.Key
		}
		method, mediaType, body := http.MethodGet, "", ""
		if read.introspects {
			method, mediaType = http.MethodPost, "application/x-www-form-urlencoded"
			body = "token=" + neturl.QueryEscape(created.Key)
		}
		a, err := ask(ctx, method, url+read.path, credentials, mediaType, body)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
		prepare := func(address, path string) []byte {
			head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n", method, path, address, credentials)
			if body != "" {
				head += fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", mediaType, len(body))
			}
			return []byte(head + "\r\n" + body)
		}
		s.ours.requests = append(s.ours.requests, prepare(s.ours.address, read.path))
		s.bare.requests = append(s.bare.requests, prepare(s.bare.address, barePath(i)))
	}
	return answers, nil
}

// post sends JSON, and decodes the answer.
func post(ctx context.Context, url, credentials, body string, into any) error {
	a, err := ask(ctx, http.MethodPost, url, credentials, "application/json", body)
	if err != nil {
		return err
	}
	return json.Unmarshal(a.Body, into)
}

// ask sends a request, and returns the answer, which must be a success.
func ask(ctx context.Context, method, url, credentials, mediaType, body string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	if credentials != "" {
		r.Header.Set("Authorization", credentials)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return answer{}, err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return answer{}, fmt.Errorf("%s %s: answered %d, %s", method, url, response.StatusCode, text)
	}
	a := answer{Header: map[string]string{}, Body: text}
	for name := range response.Header {
		a.Header[name] = response.Header.Get(name)
	}
	return a, nil
}

// measure puts load on both servers in turns, with each of the reads.
func (s *served) measure(ctx context.Context, length time.Duration, to results) error {
	for i, read := range reads {
		for kind, on := range map[string]target{"ours": s.ours, "bare": s.bare} {
			l, err := put(ctx, on.address, on.requests[i], length)
			if err != nil {
				return fmt.Errorf("%s: %w", read.name, err)
			}
			to.add(l.perSecond, s.store.name, read.name, kind, perSecond)
			to.add(l.half.Seconds()*1000, s.store.name, read.name, kind, half)
			to.add(l.most.Seconds()*1000, s.store.name, read.name, kind, most)
		}
	}
	return nil
}

// The units of a load.
const (
	perSecond = "requests per second"
	half      = "50th percentile"
	most      = "99th percentile"
)

// stop stops both servers, and removes what the store has left.
func (s *served) stop(ctx context.Context) error {
	return errors.Join(s.ours.stop(), s.bare.stop(), s.store.drop(ctx))
}
