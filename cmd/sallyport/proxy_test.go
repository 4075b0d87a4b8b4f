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
	return runProxyWith(t, deployed(t, "haproxy.cfg"), map[string]string{
		" resolvers docker init-addr last,libc,none": "",
		"server-1:12400 port 12490":                  place(servers[0]),
		"server-2:12400 port 12490":                  place(servers[1]),
	})
}

// proxyBind and proxyCertificate match the public address and the file with the certificate of a configuration.
var (
	proxyBind        = regexp.MustCompile(`bind :\d+ `)
	proxyCertificate = regexp.MustCompile(`ssl crt \S+`)
)

// runProxyWith starts HAProxy with a configuration, each of the replacements in it, and the test's address and
// certificate.
func runProxyWith(t *testing.T, text string, replacements map[string]string) proxy {
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

	replacements[proxyBind.FindString(text)] = "bind fd@3 "
	replacements[proxyCertificate.FindString(text)] = "ssl crt " + filepath.Join(dir, "tls")
	settings := filepath.Join(dir, "haproxy.cfg")
	writeFile(t, settings, replaceOnce(t, text, replacements))
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

// replaceOnce replaces texts, each of which must be there once.
func replaceOnce(t *testing.T, text string, replacements map[string]string) string {
	t.Helper()
	for old, replacement := range replacements {
		if strings.Count(text, old) != 1 {
			t.Fatalf("%q is not once in\n%s", old, text)
		}
		text = strings.Replace(text, old, replacement, 1)
	}
	return text
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

// askRepeatedly sends requests from four callers until stop is called. An answer other than 200 fails the test.
func (p proxy) askRepeatedly(authorization string) (stop func(), answered *atomic.Int64) {
	ctx, cancel := context.WithCancel(p.t.Context())
	var asked sync.WaitGroup
	answered = new(atomic.Int64)
	for range 4 {
		asked.Go(func() {
			for ctx.Err() == nil {
				if status := p.ask(p.t.Context(), authorization); status != http.StatusOK {
					p.t.Errorf("answered with %d", status)
					return
				}
				answered.Add(1)
			}
		})
	}
	return func() {
		cancel()
		asked.Wait()
	}, answered
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

	stop, answered := p.askRepeatedly(session)
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
	t.Logf("%d requests were answered", answered.Load())
	for _, s := range servers {
		if strings.Contains(s.output.String(), "203.0.113.7") {
			t.Error("a server trusts the address that a caller claims")
		}
	}
	wantSilence(t, p.output.String(), "in-a-query", strings.TrimPrefix(session, "Bearer "))
}
