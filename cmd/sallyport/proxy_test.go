package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// proxy is HAProxy with the configuration in deploy/, in front of two servers.
type proxy struct {
	*process
	client *http.Client
}

// runProxy starts HAProxy with the configuration in deploy/, with the test's addresses in it.
func runProxy(t *testing.T, servers [2]*process) proxy {
	t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		t.Skip("haproxy is not installed")
	}
	dir := t.TempDir()
	certificate, key, trusted := issue(t, dir)
	pem, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "tls"), string(pem)+string(secret))
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // the proxy has a copy
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // the proxy has a copy

	text := deployed(t, "haproxy.cfg")
	for old, replacement := range map[string]string{
		"bind :8443":       "bind fd@3",
		"/run/secrets/tls": filepath.Join(dir, "tls"),
		" resolvers docker init-addr last,libc,none": "",
		"server-1:12400 port 12490":                  place(servers[0]),
		"server-2:12400 port 12490":                  place(servers[1]),
	} {
		if strings.Count(text, old) != 1 {
			t.Fatalf("haproxy.cfg does not have %q once", old)
		}
		text = strings.Replace(text, old, replacement, 1)
	}
	settings := filepath.Join(dir, "haproxy.cfg")
	writeFile(t, settings, text)
	cmd := exec.CommandContext(context.Background(), program, "-db", "-f", settings)
	cmd.ExtraFiles = []*os.File{file}
	p := proxy{process: supervise(t, cmd)}
	p.url = "https://" + listener.Addr().String()
	elsewhere := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	p.client = &http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: elsewhere.DialContext, TLSClientConfig: &tls.Config{RootCAs: trusted}, MaxIdleConnsPerHost: 16,
	}}
	t.Cleanup(p.client.CloseIdleConnections)
	return p
}

// place returns the address of a server in HAProxy's syntax.
func place(server *process) string {
	_, port, _ := strings.Cut(strings.TrimPrefix(server.adminListener().url, "http://"), ":")
	return strings.TrimPrefix(server.url, "http://") + " port " + port
}

// ask sends a request through the proxy, and returns the status, or 0 without an answer.
func (p proxy) ask(ctx context.Context, authorization string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+accountPath+"?x=in-a-query", nil)
	if err != nil {
		p.t.Error(err)
		return 0
	}
	request.Header = http.Header{"Authorization": {authorization}, "X-Forwarded-For": {"203.0.113.7"}}
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Error(err)
		return 0
	}
	response.Body.Close() //nolint:errcheck // not read
	return response.StatusCode
}

// Ensures that the proxy in deploy/ distributes requests over servers that see the callers' addresses, and that no
// request fails when a server is stopped.
func TestProxy(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	r.env = append(r.env, "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", "SALLYPORT_TRUSTED_PROXIES=127.0.0.1/32",
		"SALLYPORT_DRAIN_DELAY=5s")
	servers := [2]*process{r.begin(), r.begin()}
	for _, s := range servers {
		s.serving()
	}
	p := runProxy(t, servers)
	session := servers[0].logIn(person{"admin", "chosen by hand"})

	ctx, stop := context.WithCancel(t.Context())
	var asked sync.WaitGroup
	var answered atomic.Int64
	for range 4 {
		asked.Go(func() {
			for ctx.Err() == nil {
				if status := p.ask(t.Context(), session); status != http.StatusOK {
					t.Errorf("answered with %d", status)
					return
				}
				answered.Add(1)
			}
		})
	}
	called := regexp.MustCompile(`"operation":"get-current-account",.*"address":"127\.0\.0\.2"`)
	for _, s := range servers {
		s.waitFor(called)
	}
	servers[0].signal(syscall.SIGTERM)
	p.waitFor(regexp.MustCompile(`Server servers/server-1 is DOWN`))
	if servers[0].over() {
		t.Error("the proxy noticed the drain too late")
	}
	if code := servers[0].wait(); code != 0 {
		t.Errorf("exit code %d; want 0", code)
	}
	for from, deadline := answered.Load(), time.Now().Add(patience); answered.Load() < from+100 &&
		!t.Failed(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the other server does not answer")
		}
	}
	stop()
	asked.Wait()
	t.Logf("%d requests were answered", answered.Load())
	for _, s := range servers {
		if strings.Contains(s.output.String(), "203.0.113.7") {
			t.Error("a server trusts the address that a caller claims")
		}
	}
	wantSilence(t, p.output.String(), "in-a-query", strings.TrimPrefix(session, "Bearer "))
}
