package main

import (
	"encoding/xml"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// startConforming starts dev, and returns it with variables that have the credentials of its demo user.
func startConforming(t *testing.T) (s *process, credentials []string) {
	t.Helper()
	s = startDev(t, t.TempDir())
	password := s.waitFor(regexp.MustCompile(`demo user +demo +(\S+)`))
	return s, []string{usernameVariable + "=demo", passwordVariable + "=" + password}
}

// Ensures that the documented commands work as printed, and find no difference in this server.
func TestConformance_Documented(t *testing.T) {
	t.Parallel()
	s, credentials := startConforming(t)
	page := deployed(t, "../docs/how-to/check-conformance.md")
	help := run(t, invocation{args: []string{"conformance", "--help"}}).stdout
	lines := regexp.MustCompile(`(?m)^ *sallyport (conformance.*)$`).FindAllStringSubmatch(page+help, -1)
	if len(lines) < 8 {
		t.Fatalf("only %d commands were found", len(lines))
	}

	for _, line := range lines[:len(lines)-1] {
		if strings.HasSuffix(line[1], "--target URL [flags]") {
			continue
		}
		t.Run(line[1], func(t *testing.T) {
			t.Parallel()
			command, file, _ := strings.Cut(line[1], " > ")
			command = strings.ReplaceAll(command, "http://127.0.0.1:12400", s.url)
			o := run(t, invocation{args: shellWords(command), env: credentials})
			if o.code != 0 || o.stderr != "" {
				t.Errorf("exit code %d: %s%s", o.code, o.stdout, o.stderr)
			}
			if file != "" && xml.Unmarshal([]byte(o.stdout), new(any)) != nil {
				t.Errorf("the report is not XML:\n%s", o.stdout)
			}
		})
	}
}

// Ensures that each kind of failure has its exit code, and that no output has the password.
func TestConformance_ExitCodes(t *testing.T) {
	t.Parallel()
	s, credentials := startConforming(t)
	other := serveStatus(t, http.StatusTeapot, "no API")
	secret := strings.TrimPrefix(credentials[1], passwordVariable+"=")
	for name, c := range map[string]struct {
		args   string
		env    []string
		code   int
		saying string
	}{
		"same":               {"--target " + s.url + " --run get-user", credentials, 0, " 0 differ"},
		"no credentials":     {"--target " + s.url, nil, 0, "there are no credentials"},
		"different":          {"--target " + other + " --family ece", nil, exitDifferent, "the status is 418"},
		"no target":          {"", credentials, 2, "--target: "},
		"password in target": {"--target http://a:" + secret + "@127.0.0.1", nil, 2, "--target: "},
		"unknown family":     {"--target " + s.url + " --family kibana", nil, 2, "--family: "},
		"version alone":      {"--target " + s.url + " --version 9.5", nil, 2, "--version: "},
		"unknown output":     {"--target " + s.url + " --output yaml", nil, 2, "one of text, json, junit"},
		"bad pattern":        {"--target " + s.url + " --run (", nil, 2, "--run: "},
		"bad timeout":        {"--target " + s.url + " --timeout 0s", nil, 2, "--timeout: "},
		"unknown flag":       {"--insecure", nil, 2, "unknown flag"},
		"argument":           {s.url, nil, 2, "unknown command"},
		"user alone":         {"--target " + s.url, credentials[:1], 2, passwordVariable},
		"two callers":        {"--target " + s.url, append(credentials, apiKeyVariable+"=x"), 2, apiKeyVariable},
		"not answering":      {"--target http://127.0.0.1:1", nil, exitUnreachable, "connection refused"},
		"no family":          {"--target " + other, nil, exitFailed, "it serves neither family"},
		"wrong password":     {"--target " + s.url, []string{credentials[0], passwordVariable + "=no"}, exitDenied, "401"},
		"no case":            {"--target " + s.url + " --run nothing", credentials, exitFailed, "no case was run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := run(t, invocation{args: append([]string{"conformance"}, strings.Fields(c.args)...), env: c.env})
			if o.code != c.code || !strings.Contains(o.stdout+o.stderr, c.saying) {
				t.Errorf("exit code %d: %s%s; want %d and %q", o.code, o.stdout, o.stderr, c.code, c.saying)
			}
			wantSilence(t, o.stdout+o.stderr, secret)
		})
	}
}
