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

// adminStarted matches the log line of this version, and that of the old one in the tests of upgrades.
var adminStarted = regexp.MustCompile(`(?:admin listener started|answering operators)"? ?,?"?url"?[=:]"?(http://[^"\s]+)`)

// adminListener returns the address of a server's admin listener.
func (p *process) adminListener() *process {
	p.t.Helper()
	return &process{t: p.t, url: p.waitFor(adminStarted)}
}

// Ensures that the admin listener serves health and metrics without credentials, and that the public one does not.
func TestServe_AdminListener(t *testing.T) {
	t.Parallel()
	s := serveStore(t, newStore(t), "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", "SALLYPORT_ADMIN_HOSTS=sallyport-1",
		"SALLYPORT_ADMIN_PASSWORD=chosen by hand")
	operator := s.adminListener()
	s.wantAuth(http.StatusOK, person{"admin", "chosen by hand"}.basic())
	operator.want(http.StatusOK, http.MethodGet, "/healthz", "", "")
	operator.want(http.StatusOK, http.MethodGet, "/readyz", "", "")
	metrics := operator.want(http.StatusOK, http.MethodGet, "/metrics", "", "").body
	if !strings.Contains(metrics, "sallyport_http_request_duration_seconds_count{operation=") {
		t.Errorf("no request was counted:\n%s", metrics)
	}
	wantSilence(t, metrics, "chosen by hand")
	operator.want(http.StatusNotFound, http.MethodGet, accountPath, "", "")
	for host, status := range map[string]int{
		"attacker.example": http.StatusMisdirectedRequest, "sallyport-1:12490": http.StatusOK,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, operator.url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		if r := do(t, request); r.status != status {
			t.Errorf("host %s: status %d; want %d", host, r.status, status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if r := s.send(http.MethodGet, path, "", ""); r.status == http.StatusOK {
			t.Errorf("the public listener serves %s", path)
		}
	}
}

// Ensures that a server stays ready beside a newer program that adds to the schema, and is alive but not ready after a
// migration says that it cannot serve the schema.
func TestServe_NotReady(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	operator := serveStore(t, dsn, "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0").adminListener()
	db := openDatabase(t, dsn, "_pragma=busy_timeout(30000)")
	execute := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	execute("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	operator.want(http.StatusOK, http.MethodGet, "/readyz", "", "")
	execute("UPDATE schema_compatibility SET oldest = 9999")
	operator.want(http.StatusServiceUnavailable, http.MethodGet, "/readyz", "", "")
	operator.want(http.StatusOK, http.MethodGet, "/healthz", "", "")
}

// Ensures that a draining server is not ready, and exits with 0.
func TestServe_NotReadyWhileDraining(t *testing.T) {
	t.Parallel()
	s := serveStore(t, newStore(t), "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", "SALLYPORT_ADMIN_PASSWORD=chosen by hand")
	operator := s.adminListener()
	const body = `{"trust": {"trust_all": false}}`
	conn, reader := begin(t, strings.TrimPrefix(s.url, "http://"), "PUT "+accountPath,
		person{"admin", "chosen by hand"}.basic(), len(body))
	s.signal(syscall.SIGTERM)
	s.waitFor(regexp.MustCompile(`finishing requests in progress`))
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

// Ensures that an admin address in use is refused with a hint, before any file is created.
func TestServe_AdminPortTaken(t *testing.T) {
	t.Parallel()
	taken := strings.TrimPrefix(serveStore(t, "none").url, "http://")
	dir := t.TempDir()
	o := run(t, invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--admin.listen", taken}, dir: dir})
	wantRefusal(t, o, "--admin-listen 127.0.0.1:12491")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("it left behind %v, %v", entries, err)
	}
}

// Ensures that dev has an admin listener only if the flag is given.
func TestDev_AdminListener(t *testing.T) {
	t.Parallel()
	args := []string{"dev", "--listen", "127.0.0.1:0", "--admin.listen"}
	temporary := "TMPDIR=" + t.TempDir()
	s := start(t, invocation{args: append(args, "127.0.0.1:0"), env: []string{temporary}}, devServesAt)
	s.adminListener().want(http.StatusOK, http.MethodGet, "/readyz", "", "")
	s.stop()

	s = startDev(t, t.TempDir())
	s.stop()
	if adminStarted.MatchString(s.output.String()) {
		t.Error("dev has an admin listener without the flag")
	}
}
