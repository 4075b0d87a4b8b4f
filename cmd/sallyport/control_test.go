package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/config"
)

const (
	chosenToken = "chosen by hand for tests"
	controlPath = "/_control/v1"
)

// startControlled starts dev with a chosen control token.
func startControlled(t *testing.T) *process {
	t.Helper()
	return start(t, invocation{
		args: []string{"dev", "--listen", "127.0.0.1:0", "--output", "json"},
		env:  []string{controlTokenVariable + "=" + chosenToken, chosenAdmin},
	}, regexp.MustCompile(`(?s)"url": "([^"]+)".*\n}\n`))
}

// control sends a request of the control API, and returns the answer's body.
func (p *process) control(status int, method, path, body string) string {
	p.t.Helper()
	return p.want(status, method, controlPath+path, "Bearer "+chosenToken, body).body
}

// Ensures that the control API of dev sets the clock, injects faults, adds a seed, and shows the requests, and that a
// snapshot and a reset return to an earlier state, with the credentials that dev printed.
func TestDev_Control(t *testing.T) {
	t.Parallel()
	s := startControlled(t)
	key := "ApiKey " + s.waitFor(regexp.MustCompile(`"api_key": "([^"]+)"`))
	admin := person{"admin", "chosen by hand"}.basic()
	const seeded = `{"users": [{"name": "alice", "password": "correct horse battery", "roles": ["ece_deployment_viewer"]}]}`

	t.Run("faults", func(t *testing.T) {
		s.control(http.StatusNoContent, http.MethodPut, "/faults/outage",
			`{"operation": "get-authentication-info", "status": 503, "retry_after_seconds": 7, "times": 1}`)
		if r := s.want(http.StatusServiceUnavailable, http.MethodGet, authPath, key, ""); r.header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
		}
		s.wantAuth(http.StatusOK, key)
	})

	t.Run("requests", func(t *testing.T) {
		list := s.control(http.StatusOK, http.MethodGet, "/requests", "")
		encoded := strings.TrimPrefix(key, "ApiKey ")
		if !strings.Contains(list, `"get-authentication-info"`) || !strings.Contains(list, "ApiKey [masked]") ||
			strings.Contains(list, encoded) || strings.Contains(list, controlPath) {
			t.Errorf("the requests are %s", list)
		}
	})

	snapshot := s.control(http.StatusOK, http.MethodGet, "/snapshot", "")
	t.Run("seed", func(t *testing.T) {
		s.wantAuth(http.StatusUnauthorized, alice.basic())
		s.control(http.StatusNoContent, http.MethodPost, "/seed", seeded)
		s.wantAuth(http.StatusOK, alice.basic())
	})

	t.Run("clock", func(t *testing.T) {
		session := s.logIn(alice)
		s.control(http.StatusOK, http.MethodPost, "/clock/_freeze", "")
		s.control(http.StatusOK, http.MethodPost, "/clock/_advance", `{"seconds": 86400}`)
		s.wantAuth(http.StatusUnauthorized, session)
		var clock struct {
			Now    time.Time
			Frozen bool
		}
		text := s.control(http.StatusOK, http.MethodGet, "/clock", "")
		if err := json.Unmarshal([]byte(text), &clock); err != nil || !clock.Frozen || time.Until(clock.Now) < 23*time.Hour {
			t.Errorf("the clock is %s, %v", text, err)
		}
	})

	t.Run("restore", func(t *testing.T) {
		s.control(http.StatusNoContent, http.MethodPut, "/snapshot", snapshot)
		s.wantAuth(http.StatusUnauthorized, alice.basic())
		s.wantAuth(http.StatusOK, key)
	})

	t.Run("restore elsewhere", func(t *testing.T) {
		// That server has another key-encryption key, and its own snapshot must have the restored one.
		other := startControlled(t)
		other.control(http.StatusNoContent, http.MethodPut, "/snapshot", snapshot)
		again := other.control(http.StatusOK, http.MethodGet, "/snapshot", "")
		other.control(http.StatusNoContent, http.MethodPost, "/_reset", "")
		other.wantAuth(http.StatusUnauthorized, key)
		other.control(http.StatusNoContent, http.MethodPut, "/snapshot", again)
		other.wantAuth(http.StatusOK, key)
	})

	t.Run("reset", func(t *testing.T) {
		s.control(http.StatusNoContent, http.MethodPost, "/seed", seeded)
		s.control(http.StatusNoContent, http.MethodPut, "/faults/a", `{"operation": "get-authentication-info", "drop": true}`)
		s.control(http.StatusNoContent, http.MethodPost, "/_reset", "")
		if list := s.control(http.StatusOK, http.MethodGet, "/requests", ""); list != "{\"requests\":[]}\n" {
			t.Errorf("the requests are %s", list)
		}
		s.wantAuth(http.StatusUnauthorized, alice.basic())
		s.wantAuth(http.StatusOK, key)
		s.wantAuth(http.StatusOK, admin)
		if text := s.control(http.StatusOK, http.MethodGet, "/clock", ""); !strings.Contains(text, `"frozen":false`) {
			t.Errorf("the clock is %s", text)
		}
	})

	s.stop()
	if strings.Contains(strings.Replace(s.output.String(), `"control_token": "`+chosenToken, "", 1), chosenToken) {
		t.Error("the token is in the log")
	}
}

// Ensures that dev makes a token if none is given, prints it in each format, and refuses one that is short.
func TestDev_ControlToken(t *testing.T) {
	t.Parallel()
	for format, line := range map[string]string{
		"text": `  control token   (\S+)`, "env": `export SALLYPORT_DEV_CONTROL_TOKEN='(\S+)'`, "json": `"control_token": "(\S+)"`,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			s := start(t, invocation{args: []string{"dev", "--listen", "127.0.0.1:0", "--output", format}},
				regexp.MustCompile(`(http://[0-9.:]+)`))
			token := s.waitFor(regexp.MustCompile(line))
			s.want(http.StatusOK, http.MethodGet, controlPath+"/clock", "Bearer "+token, "")
			s.want(http.StatusUnauthorized, http.MethodGet, controlPath+"/clock", "Bearer "+token+"x", "")
		})
	}
	t.Run("short", func(t *testing.T) {
		t.Parallel()
		short := []string{controlTokenVariable + "=short"}
		o := run(t, invocation{args: []string{"dev", "--listen", "127.0.0.1:0"}, env: short})
		if o.code != exitUsage || !strings.Contains(o.stderr, controlTokenVariable+": this must have at least 16") {
			t.Errorf("exit code %d: %s", o.code, o.stderr)
		}
	})
}

// Ensures that serve has no control API: neither a flag, a setting, a variable nor a header brings it there.
func TestServe_NoControl(t *testing.T) {
	t.Parallel()
	flags := newServe().Flags().FlagUsages()
	if strings.Contains(flags, "control") || !strings.Contains(flags, "--listen") {
		t.Errorf("serve has the flags\n%s", flags)
	}
	for _, s := range config.Settings {
		if strings.Contains(s.Key, "control") || strings.Contains(s.Env(), "CONTROL") {
			t.Errorf("there is the setting %s", s.Key)
		}
	}

	document, err := openapi3.NewLoader().LoadFromData(api.Control)
	if err != nil {
		t.Fatal(err)
	}
	s := serveStore(t, newStore(t), controlTokenVariable+"="+chosenToken, "SALLYPORT_CONTROL_TOKEN="+chosenToken)
	asked := 0
	for path, item := range document.Paths.Map() {
		path = strings.Replace(path, "{fault_id}", "a", 1)
		for method := range item.Operations() {
			for _, authorization := range []string{"", "Bearer " + chosenToken} {
				asked++
				got := s.send(method, path, authorization, `{"seconds": 1}`)
				unknown := s.send(method, "/_unknown/v1", authorization, `{"seconds": 1}`)
				if got.status != http.StatusBadRequest || !alike(got, unknown) {
					t.Errorf("%s %s is answered with %d %s; an unknown path with %d %s", method, path, got.status, got.body,
						unknown.status, unknown.body)
				}
			}
		}
	}
	if asked < 24 {
		t.Errorf("only %d requests were sent", asked)
	}
}

// alike reports whether two answers have one status, and bodies that differ in nothing but the path that they name.
func alike(a, b reply) bool {
	paths := regexp.MustCompile(`/_(control|unknown)/v1[\w/]*`)
	return a.status == b.status && paths.ReplaceAllString(a.body, "") == paths.ReplaceAllString(b.body, "")
}
