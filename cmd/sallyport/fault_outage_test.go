package main

import (
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Ensures that without PostgreSQL every request that needs it fails immediately, in its family's error format, that
// no answer is wrong, and that full service returns within two seconds after PostgreSQL does, without a restart.
func TestFault_Outage(t *testing.T) {
	t.Parallel()
	own := postgrestest.NewInstance(t)
	r := serveFleet(t, own.DSN())
	key := "ApiKey " +
		member(t, r.server(0).want(http.StatusOK, http.MethodPost, esKeyPath, r.operator, `{"name": "lasting"}`), "encoded")
	visits := r.visits(r.operator, key, chief.basic())
	for _, way := range []struct {
		how  syscall.Signal
		long time.Duration
		each int
	}{{postgrestest.Immediate, 5 * time.Second, often(24)}, {postgrestest.Fast, 0, often(9)}} {
		during, after := r.mix(way.each), r.mix(2)
		var stopped time.Time
		var stop sync.Once
		err := r.run(during, func(acknowledged int) {
			if acknowledged >= 2*way.each {
				stop.Do(func() { stopped = time.Now(); own.Stop(t, way.how) })
			}
		})
		if err != nil {
			t.Error(err)
		}
		r.storeless()
		refused, slowest := r.outage(visits, stopped.Add(way.long))
		own.Start(t)
		took := r.awaitService(key)
		t.Logf("%v: without PostgreSQL for %v, %d calls were refused, the slowest after %v; full service %v after it was "+
			"back", way.how,
			time.Since(stopped).Round(time.Millisecond)-took, refused, slowest, took)
		if slowest > 2*time.Second || took > 2*time.Second {
			t.Error("that is too long")
		}
		if err := r.run(after, func(int) {}); err != nil || len(after.of(acknowledged)) != len(after.changes) {
			t.Errorf("after it: %s, %v", after, err)
		}
		r.recovered(visits)
		r.check(during)
		r.check(after)
		t.Log(during)
	}
}

// storeless fails the test unless the servers serve what needs no store.
func (r *fleet) storeless() {
	r.Helper()
	for i := range r.servers {
		s := r.server(i)
		s.want(http.StatusOK, http.MethodGet, authPath+"/methods", "", "")
		s.want(http.StatusUnauthorized, http.MethodGet, accountPath, "", "")
		s.want(http.StatusUnauthorized, http.MethodGet, "/_security/_authenticate", "", "")
		s.want(http.StatusNotFound, http.MethodGet, "/api/v1/nothing", "", "")
		s.want(http.StatusBadRequest, http.MethodPost, loginPath, "", "{")
		for path, body := range map[string]string{loginPath: loginBody(chief), tokenPath: grantBody("missing")} {
			if answer := s.send(http.MethodPost, path, r.operator, body); !saysStoreFailed(path, answer) {
				r.Errorf("POST %s: %d %s", path, answer.status, answer.body)
			}
		}
		s.adminListener().want(http.StatusOK, http.MethodGet, "/healthz", "", "")
		s.adminListener().want(http.StatusServiceUnavailable, http.MethodGet, "/readyz", "", "")
	}
}

// awaitService waits until both servers serve everything again, and returns the time that took.
func (r *fleet) awaitService(key string) time.Duration {
	r.Helper()
	began := time.Now()
	for i := range r.servers {
		s := r.server(i)
		for _, probe := range []call{
			{method: http.MethodGet, path: authPath, authorization: r.operator},
			{method: http.MethodGet, path: authPath, authorization: key},
			{method: http.MethodGet, path: authPath, authorization: chief.basic()},
			{method: http.MethodPost, path: loginPath, body: loginBody(chief)},
			{method: http.MethodPut, path: rolePath + "probe", authorization: r.operator, body: `{}`},
		} {
			for {
				answer, err := r.caller.send(r.Context(), s.url, probe)
				if err == nil && answer.status == http.StatusOK {
					break
				}
				if err != nil || answer.status != http.StatusBadGateway || time.Since(began) > patience {
					r.Fatalf("%s %s: %d %s, %v", probe.method, probe.path, answer.status, answer.body, err)
				}
			}
		}
		s.adminListener().want(http.StatusOK, http.MethodGet, "/readyz", "", "")
	}
	return time.Since(began).Round(time.Millisecond)
}
