package http_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/impl/http/conformance"
)

// planted is an answer that a deviation changes before it is sent.
type planted struct {
	request *http.Request
	status  int
	header  http.Header
	body    []byte
}

// set replaces a member of the body by what change returns; a nil change removes it. The path has names and indexes,
// and * for the only member of an object.
func (p *planted) set(path string, change func(any) any) {
	var value any
	if json.Unmarshal(p.body, &value) != nil {
		return
	}
	steps := strings.Split(path, "/")
	holder := value
	for _, step := range steps[:len(steps)-1] {
		holder = childOf(holder, step)
	}
	members, found := holder.(map[string]any)
	if name := steps[len(steps)-1]; found && change == nil {
		delete(members, name)
	} else if found {
		members[name] = change(members[name])
	}
	p.body, _ = json.Marshal(value)
}

func childOf(value any, step string) any {
	switch of := value.(type) {
	case map[string]any:
		if step == "*" {
			step = slices.Collect(maps.Keys(of))[0]
		}
		return of[step]
	case []any:
		if i, err := strconv.Atoi(step); err == nil && i < len(of) {
			return of[i]
		}
	}
	return nil
}

func to(value any) func(any) any { return func(any) any { return value } }

// replaying returns a change that answers a request again as the first one with the same credentials was answered, once
// that has succeeded: what was taken away seems to be still there.
func replaying() func(*planted) {
	var mu sync.Mutex
	first := map[string]planted{}
	return func(p *planted) {
		mu.Lock()
		defer mu.Unlock()
		caller := p.request.Header.Get("Authorization")
		if before, known := first[caller]; known {
			*p = before
		} else if p.status == http.StatusOK {
			first[caller] = *p
		}
	}
}

// deviating returns the URL of a proxy in front of a server that changes the answers to requests that match.
func deviating(t *testing.T, target, requests string, change func(*planted)) string {
	t.Helper()
	address, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	matches := regexp.MustCompile("^(" + requests + ")$")
	proxy := httputil.NewSingleHostReverseProxy(address)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := r.Clone(r.Context())
		recorder := httptest.NewRecorder()
		proxy.ServeHTTP(recorder, r)
		p := &planted{request, recorder.Code, recorder.Header(), recorder.Body.Bytes()}
		if matches.MatchString(request.Method + " " + request.URL.Path) {
			change(p)
		}
		p.header.Del("Content-Length")
		maps.Copy(w.Header(), p.header)
		w.WriteHeader(p.status)
		_, _ = w.Write(p.body) // the client reads it or fails
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Ensures that each of these deviations is found, by the case that is about it, and that the same cases find nothing
// without it.
func TestConformance_Deviations(t *testing.T) {
	t.Parallel()
	w := conforming(t, "sallyport", "9.5")

	const key, keys, user = `POST /_security/api_key`, `GET /_security/api_key`, `GET /_security/user/.*`
	ok := func(p *planted) bool { return p.status == http.StatusOK }
	for name, d := range map[string]struct {
		// run is the case that finds it.
		run      string
		requests string
		change   func(*planted)
		// want is a part of the difference.
		want string
	}{
		"another status": {"security-create-api-key/creates", key, func(p *planted) { p.status = http.StatusCreated },
			"the status is 201; 200 is published"},
		"a missing member": {"security-create-api-key/creates", key, func(p *planted) { p.set("encoded", nil) },
			`"/encoded": this member is required`},
		"an extra member": {"security-authenticate/describes-user", "GET /_security/_authenticate",
			func(p *planted) { p.set("extra", to(1)) }, `"/extra": this member is not published`},
		"an extra member in a list": {"security-get-api-keys/shows-created", keys,
			func(p *planted) { p.set("api_keys/0/extra", to(1)) }, `"/api_keys/0/extra": this member is not published`},
		"a secret shown twice": {"security-get-api-keys/shows-created", keys,
			func(p *planted) { p.set("api_keys/0/api_key", to("s3cret")) },
			`"/api_keys/0/api_key": this member is not published`},
		"a number as a text": {"security-get-api-keys/shows-created", keys,
			func(p *planted) { p.set("api_keys/0/creation", to("1")) }, `"/api_keys/0/creation"`},
		"null for a list": {"security-get-role/shows-created", "GET /_security/role/.*",
			func(p *planted) { p.set("*/cluster", to(nil)) }, `/cluster": this must`},
		"a default that is missing": {"security-get-role/shows-created", "GET /_security/role/.*",
			func(p *planted) { p.set("*/run_as", nil) }, `/run_as": this member is required`},
		"another type of error": {"security-get-api-keys/refuses-owner-with-username", keys,
			func(p *planted) { p.set("error/type", to("illegal_state_exception")) }, `"illegal_state_exception"`},
		"another status in the body": {"security-get-api-keys/refuses-owner-with-username", keys,
			func(p *planted) { p.set("status", to(500)) }, "the status in the body is 500"},
		"no product header": {"info/describes", "GET /", func(p *planted) { p.header.Del("X-Elastic-Product") },
			"X-Elastic-Product"},
		"no WWW-Authenticate": {"security-get-users/without-credentials", "GET /_security/user",
			func(p *planted) { p.header.Del("WWW-Authenticate") }, "WWW-Authenticate"},
		"another content type": {"security-get-users/lists", "GET /_security/user",
			func(p *planted) { p.header.Set("Content-Type", "text/plain") }, "the content type is not declared"},
		"truncated JSON": {"security-get-users/lists", "GET /_security/user",
			func(p *planted) { p.body = p.body[:len(p.body)-3] }, "the body is not one JSON value"},
		"another version": {"info/describes", "GET /",
			func(p *planted) { p.set("version/number", to("7.17.0")) }, `"/version/number"`},
		"a redirect": {"security-get-user/not-found", user,
			func(p *planted) { p.status = http.StatusFound; p.header.Set("Location", "/") }, "the status is 302"},
		"a wrong encoding of a key": {"security-create-api-key/creates", key,
			func(p *planted) { p.set("encoded", to("eDp5")) }, `"/encoded" is not the id and the key`},
		"a key that works after its invalidation": {"security-invalidate-api-keys/invalidates",
			"GET /_security/_authenticate", replaying(), "the status is 200; 401 is published"},
		"a user that can sign in when disabled": {"security-disable-user/disables", "GET /_security/_authenticate",
			func(p *planted) {
				if p.status == http.StatusUnauthorized {
					p.status = http.StatusOK
				}
			}, "the status is 200"},
		"a wrong order": {"security-query-api-keys/sorts", "POST /_security/_query/api_key", func(p *planted) {
			p.set("api_keys", func(list any) any { slices.Reverse(list.([]any)); return list })
		}, "sorted"},
		"a wrong count": {"security-query-roles/counts", "POST /_security/_query/role",
			func(p *planted) { p.set("count", to(77)) }, `"/count" is 77`},
		"a change that nothing changed": {"security-update-api-key/updates", "PUT /_security/api_key/.*",
			func(p *planted) { p.set("updated", to(true)) }, `"/updated" is true; false was expected`},
		"created twice": {"security-put-user/creates-and-changes", "PUT /_security/user/.*",
			func(p *planted) { p.set("created", to(true)) }, `"/created" is true; false was expected`},
		"found after its deletion": {"security-delete-user/deletes", "DELETE /_security/user/.*",
			func(p *planted) { p.status = http.StatusOK }, "the status is 200; 404 is published"},
		"a value that is not stored": {"security-get-user/shows-created", user,
			func(p *planted) { p.set("*/email", to("b@example.org")) }, "/email"},
		"callers without credentials": {"get-users/without-credentials", "GET /api/v1/users",
			func(p *planted) { p.status, p.body = http.StatusOK, []byte(`{"users":[]}`) },
			"the status is 200; 401 is published"},
		"another code of an error": {"get-user/not-found", "GET /api/v1/users/.*", func(p *planted) {
			p.set("errors/0/code", to("user.missing"))
			p.header.Set("X-Cloud-Error-Codes", "user.missing")
		}, `"user.missing"`},
		"no header with the code": {"get-user/not-found", "GET /api/v1/users/.*",
			func(p *planted) { p.header.Del("X-Cloud-Error-Codes") }, "x-cloud-error-codes"},
		"an ECE key shown twice": {"get-api-key/shows-created-without-key", "GET /api/v1/users/auth/keys/.*",
			func(p *planted) {
				if ok(p) {
					p.set("key", to("s3cret"))
				}
			}, "the key is shown again"},
		"a password that is shown": {"get-user/shows-created", "GET /api/v1/users/.*",
			func(p *planted) { p.set("security/password", to("s3cret")) }, `"/security/password" is shown`},
		"a session that works after its end": {"logout/ends-session", "GET /api/v1/user",
			func(p *planted) {
				if p.status == http.StatusUnauthorized {
					p.status, p.body = http.StatusOK, []byte(`{"user_name":"a","security":{}}`)
				}
			}, "the status is 200; 401 is published"},
		"an undeclared extra in a success of ECE": {"methods/lists", "GET /api/v1/users/auth/methods",
			func(p *planted) { p.set("extra", to(true)) }, `"/extra": this member is not published`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			family := conformance.ECE
			if strings.Contains(d.requests, "_security") || d.requests == "GET /" {
				family = conformance.Elasticsearch
			}
			version := map[conformance.Family]string{conformance.ECE: "sallyport", conformance.Elasticsearch: "9.5"}[family]
			options := conformanceOptions(w.url, family, version)
			options.Run = regexp.MustCompile("^" + d.run + "$")
			if got := differences(t, options); got != "" {
				t.Fatalf("without the deviation: %s", got)
			}

			options.Target = deviating(t, w.url, d.requests, d.change)
			got := differences(t, options)
			if !strings.Contains(got, d.want) {
				t.Errorf("found %q, want %q", got, d.want)
			}
			if strings.Contains(got, "s3cret") {
				t.Error("the report has the secret")
			}
		})
	}
}

// differences runs the one case that the options select, and returns what differs.
func differences(t *testing.T, options conformance.Options) string {
	t.Helper()
	report, err := conformance.Run(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 1 {
		t.Fatalf("%d cases match %s", len(report.Results), options.Run)
	}
	result := report.Results[0]
	if result.Status == conformance.NotRun {
		t.Fatalf("not run: %v", result.Details)
	}
	var b bytes.Buffer
	if err := report.Print(&b, "text"); err != nil {
		t.Fatal(err)
	}
	if different := strings.Contains(b.String(), "DIFFERENT"); different != (result.Status == conformance.Different) {
		t.Errorf("the text is %s", b.String())
	}
	return strings.Join(result.Details, "\n")
}

// Ensures that an interrupted run removes what it has made.
func TestConformance_Interrupted(t *testing.T) {
	t.Parallel()
	w := conforming(t, "sallyport", "9.5")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	proxy := deviating(t, w.url, "POST /_security/api_key", func(*planted) { interrupt() })
	report, err := conformance.Run(ctx, conformanceOptions(proxy, conformance.Elasticsearch, "9.5"))
	if err == nil || report == nil || report.Count(conformance.NotRun) == 0 || report.Left != nil {
		t.Errorf("%v %+v", err, report)
	}
	if n := w.count(`SELECT COUNT(*) FROM api_keys WHERE invalidated_at = 0`); n != 0 {
		t.Errorf("%d keys were left", n)
	}
}

// Ensures that a caller without privileges is reported as such, and that a caller with all is not: then a refusal is a
// difference.
func TestConformance_Privileges(t *testing.T) {
	t.Parallel()
	w := conforming(t, "sallyport", "9.5")
	for _, family := range []conformance.Family{conformance.ECE, conformance.Elasticsearch} {
		t.Run(string(family), func(t *testing.T) {
			t.Parallel()
			options := conformanceOptions(w.url, family, "")
			options.Username, options.Password, options.Write = "alice", alicePassword, false
			report, err := conformance.Run(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			lacking := 0
			for _, result := range report.Results {
				if result.Status == conformance.Different {
					t.Errorf("%s: %v", result.Case, result.Details)
				}
				if strings.Contains(strings.Join(result.Details, ""), "lacks a privilege") {
					lacking++
				}
			}
			if lacking == 0 {
				t.Error("no case lacks a privilege")
			}
		})
	}

	refusing := deviating(t, w.url, "GET /_security/role", func(p *planted) {
		p.status, p.body = http.StatusForbidden, []byte(`{"error":{"type":"security_exception","reason":"x"},"status":403}`)
	})
	options := conformanceOptions(refusing, conformance.Elasticsearch, "9.5")
	options.Run = regexp.MustCompile("^security-get-roles/lists$")
	if got := differences(t, options); !strings.Contains(got, "the status is 403") {
		t.Errorf("the refusal is reported as %q", got)
	}
}
