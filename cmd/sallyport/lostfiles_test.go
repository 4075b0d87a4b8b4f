package main

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"
)

// eventually waits until the answer to a GET has the status, and fails the test if a request sent after the limit is
// answered with another status.
func (p *process) eventually(status int, path, authorization string, limit time.Duration) {
	p.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		began := time.Now()
		r := p.send(http.MethodGet, path, authorization, "")
		if r.status == status {
			return
		}
		if began.After(deadline) {
			p.t.Fatalf("GET %s: %d %s after %s; want %d", path, r.status, r.body, limit, status)
		}
	}
}

// Ensures that a server reports within a second that its database file was deleted, acknowledges no write from then
// on, and creates no new file.
func TestServe_DatabaseDeleted(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	s := serveStore(t, dsn, "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", chosenAdmin)
	operator, admin := s.adminListener(), person{"admin", "chosen by hand"}.basic()
	s.wantAuth(http.StatusOK, admin)
	if err := os.Remove(databaseFile(dsn)); err != nil {
		t.Fatal(err)
	}
	s.want(http.StatusBadGateway, http.MethodPut, accountPath, admin, `{"trust": {"trust_all": false}}`)
	operator.eventually(http.StatusServiceUnavailable, "/readyz", "", time.Second)
	s.eventually(http.StatusBadGateway, authPath, admin, time.Second)
	s.waitFor(regexp.MustCompile(`not ready.*was deleted while in use`))
	operator.want(http.StatusOK, http.MethodGet, "/healthz", "", "")
	s.stop()
	if _, err := os.Stat(databaseFile(dsn)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there again: %v", err)
	}
}
