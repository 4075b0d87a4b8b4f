package main

import (
	"database/sql"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// chief is the administrator of the servers under test.
var chief = person{"chief", "chosen by hand"}

// fleet is several servers on one store.
type fleet struct {
	*testing.T
	caller caller
	dsn    string
	db     *sql.DB
	env    []string
	// operator is the Authorization header of a session of the chief.
	operator string
	// mixes is the number of prepared mixes.
	mixes int

	mu      sync.RWMutex
	servers []*process
}

// serveFleet starts two servers on a store.
func serveFleet(t *testing.T, dsn string, env ...string) *fleet {
	t.Helper()
	r := &fleet{T: t, caller: newCaller(t), dsn: dsn, env: append([]string{
		"SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", chosenAdmin, chosenReadonly, sealed,
	}, env...)}
	r.servers = []*process{serveStore(t, dsn, r.env...), serveStore(t, dsn, r.env...)}
	admin := person{"admin", "chosen by hand"}
	r.server(0).want(http.StatusOK, http.MethodPut, nativePath+chief.name, admin.basic(),
		`{"password": "`+chief.password+`", "roles": ["ece_platform_admin"]}`)
	r.db, r.operator = lookInto(t, dsn), r.server(0).logIn(chief)
	return r
}

// addUser adds a user with a password.
func (r *fleet) addUser(name string) person {
	r.Helper()
	p := person{name, alice.password}
	r.server(0).want(http.StatusOK, http.MethodPut, nativePath+name, r.operator,
		`{"password": "`+p.password+`", "roles": ["viewer"]}`)
	return p
}

// view returns what one of the servers shows.
func (r *fleet) view(i int) view {
	return view{caller: r.caller, ctx: r.Context(), url: r.server(i).url, operator: r.operator, db: r.db}
}

func (r *fleet) server(i int) *process {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.servers[i%len(r.servers)]
}

// from returns the addresses of the servers, beginning with server i.
func (r *fleet) from(i int) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var addresses []string
	for n := range r.servers {
		addresses = append(addresses, r.servers[(i+n)%len(r.servers)].url)
	}
	return addresses
}

// kill kills a server with SIGKILL, and starts another one in its place.
func (r *fleet) kill(i int) {
	r.Helper()
	r.server(i).signal(syscall.SIGKILL)
	r.server(i).wait()
	successor := serveStore(r.T, r.dsn, r.env...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers[i%len(r.servers)] = successor
}

// saysStoreFailed reports whether an answer says that the store failed, in the error format of the path's API family.
func saysStoreFailed(path string, answer reply) bool {
	const code = "authc.authentication_cluster_error"
	if answer.status != http.StatusBadGateway {
		return false
	}
	if strings.HasPrefix(path, "/api/v1/") {
		errors, _ := answer.members()["errors"].([]any)
		if len(errors) != 1 {
			return false
		}
		first, _ := errors[0].(map[string]any)
		return first["code"] == code && answer.header.Get("X-Cloud-Error-Codes") == code
	}
	failure, _ := answer.members()["error"].(map[string]any)
	return failure["type"] == "status_exception" && answer.members()["status"] == float64(http.StatusBadGateway)
}
