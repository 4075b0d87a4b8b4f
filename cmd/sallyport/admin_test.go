package main

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

var answeringAt = regexp.MustCompile(`answering operators"? ?,?"?url"?[=:]"?(http://[^"\s]+)`)

// operator is the address at which a server answers operators.
func (p *process) operator() *process {
	p.t.Helper()
	return &process{t: p.t, url: p.waitFor(answeringAt)}
}

// Ensures that the admin listener tells operators how the server is, without credentials, and that the other one does not.
func TestServe_AdminListener(t *testing.T) {
	t.Parallel()
	s := serveStore(t, newStore(t), "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", "SALLYPORT_ADMIN_HOSTS=sallyport-1", "SALLYPORT_ADMIN_PASSWORD=chosen by hand")
	operator := s.operator()
	s.wantAuth(http.StatusOK, person{"admin", "chosen by hand"}.basic())
	operator.want(http.StatusOK, http.MethodGet, "/healthz", "", "")
	operator.want(http.StatusOK, http.MethodGet, "/readyz", "", "")
	metrics := operator.want(http.StatusOK, http.MethodGet, "/metrics", "", "").body
	if !strings.Contains(metrics, "sallyport_http_request_duration_seconds_count{operation=") {
		t.Errorf("no request was counted:\n%s", metrics)
	}
	wantSilence(t, metrics, "chosen by hand")
	operator.want(http.StatusNotFound, http.MethodGet, accountPath, "", "")
	for host, status := range map[string]int{"attacker.example": http.StatusMisdirectedRequest, "sallyport-1:12490": http.StatusOK} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, operator.url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		if r := do(t, request); r.status != status {
			t.Errorf("a request for %s is answered with %d; want %d", host, r.status, status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if r := s.send(http.MethodGet, path, "", ""); r.status == http.StatusOK {
			t.Errorf("%s is served to everybody", path)
		}
	}
}

// Ensures that a server whose schema another program changes is not ready, and alive.
func TestServe_NotReady(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	operator := serveStore(t, dsn, "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0").operator()
	db := openDatabase(t, dsn, "_pragma=busy_timeout(30000)")
	if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	operator.want(http.StatusServiceUnavailable, http.MethodGet, "/readyz", "", "")
	operator.want(http.StatusOK, http.MethodGet, "/healthz", "", "")
}

// Ensures that a server that finishes the requests under way says that it wants no more, and ends well.
func TestServe_NotReadyWhileDraining(t *testing.T) {
	t.Parallel()
	s := serveStore(t, newStore(t), "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", "SALLYPORT_ADMIN_PASSWORD=chosen by hand")
	operator := s.operator()
	const body = `{"trust": {"trust_all": false}}`
	conn, reader := begin(t, strings.TrimPrefix(s.url, "http://"), "PUT "+accountPath, person{"admin", "chosen by hand"}.basic(), len(body))
	s.signal(syscall.SIGTERM)
	s.waitFor(regexp.MustCompile(`finishing the requests under way`))
	operator.want(http.StatusServiceUnavailable, http.MethodGet, "/readyz", "", "")
	operator.want(http.StatusOK, http.MethodGet, "/healthz", "", "")
	write(t, conn, body)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("answered with %v (%v); want 200", response, err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Error(err)
	}
	if code := s.wait(); code != 0 {
		t.Errorf("exit code %d; want 0", code)
	}
}

// Ensures that an admin address that is taken is refused with a way out, before anything is made.
func TestServe_AdminPortTaken(t *testing.T) {
	t.Parallel()
	taken := strings.TrimPrefix(serveStore(t, "none").url, "http://")
	dir := t.TempDir()
	o := run(t, invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--admin.listen", taken}, dir: dir})
	wantRefusal(t, o, "--admin.listen 127.0.0.1:12491")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("it left behind %v, %v", entries, err)
	}
}

// Ensures that dev answers operators where one asks it to, on this machine only, and nowhere else.
func TestDev_AdminListener(t *testing.T) {
	t.Parallel()
	args := []string{"dev", "--listen", "127.0.0.1:0", "--admin.listen"}
	wantRefusal(t, run(t, invocation{args: append(args, "0.0.0.0:0")}), "--admin.listen: 0.0.0.0 is not a loopback address")
	temporary := "TMPDIR=" + t.TempDir()
	s := start(t, invocation{args: append(args, "127.0.0.1:0"), env: []string{temporary}}, devServesAt)
	s.operator().want(http.StatusOK, http.MethodGet, "/readyz", "", "")
	s.stop()

	s = startDev(t, t.TempDir())
	s.stop()
	if answeringAt.MatchString(s.output.String()) {
		t.Error("dev has an admin listener that nobody asked for")
	}
}
