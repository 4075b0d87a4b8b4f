package interop

import (
	"cmp"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
)

// connection is the configuration of a client, with one kind of credentials or none.
type connection struct {
	// url is the server, or empty for the one that the tests share.
	url string

	user, password, apiKey, token string
	// runAs is the user to act as.
	runAs string
	// compressed requests have gzip bodies.
	compressed bool
	// seen records the requests, if it is set.
	seen *wire
}

// owner is the connection of a user with all privileges.
func owner() connection { return connection{user: served.user, password: served.password} }

// address returns the URL of the server.
func (c connection) address() string { return cmp.Or(c.url, served.url) }

func (c connection) header() http.Header {
	h := http.Header{}
	if c.runAs != "" {
		h.Set("es-security-runas-user", c.runAs)
	}
	return h
}

// transport returns the clients' default transport, recorded if seen is set.
func (c connection) transport() http.RoundTripper {
	if c.seen == nil {
		return http.DefaultTransport
	}
	return c.seen
}

// operations are the operations that a client can call. Those with a body take it as JSON.
type operations struct {
	info, ping, health, authenticate, userPrivileges, builtinPrivileges, settings func() answer
	// stats is nil for clients of version 8, which do not have it.
	stats func() answer

	createKey, queryKeys, bulkUpdate, grantKey, invalidateKeys, hasPrivileges, putPrivileges, getToken,
	invalidateToken func(body string) answer

	bulkPutRoles, bulkDeleteRoles, queryRoles, queryUsers func(body string) answer

	createCrossClusterKey func(body string) answer
	updateCrossClusterKey func(id, body string) answer
	// cloneKey is nil for clients of version 8, which do not have it.
	cloneKey func(body string) answer

	clearRoles, clearRealms, clearPrivileges func(name string) answer

	// The tokens are those of the service account elastic/fleet-server.
	serviceAccounts                                            func(namespace, service string) answer
	serviceCredentials                                         func() answer
	createServiceToken, clearServiceTokens, deleteServiceToken func(name string) answer

	prepareSAML, authenticateSAML, logoutSAML, invalidateSAML func(body string) answer
	metadataSAML                                              func(realm string) answer

	putRoleMapping                    func(name, body string) answer
	getRoleMapping, deleteRoleMapping func(name string) answer

	activateProfile, suggestProfiles, profilePrivileges func(body string) answer
	getProfile                                          func(uid, data string) answer
	updateProfile                                       func(uid, body string) answer
	enableProfile, disableProfile                       func(uid string) answer

	// Raw operations send the body as it is, without the client's types.
	createKeyRaw, bulkUpdateRaw, grantKeyRaw func(body string) answer

	updateKey, putRole, putUser, changePassword                                           func(name, body string) answer
	getRole, deleteRole, getUser, deleteUser, enableUser, disableUser, clearCache, getKey func(name string) answer

	keysNamed func(name string) answer
	// ownKeys lists the keys in use.
	ownKeys func() answer

	getPrivilege, deletePrivilege func(application, name string) answer
}

// clients are the clients under test.
var clients = []struct {
	name    string
	typed   bool
	version string
	connect func(*testing.T, connection) operations
}{
	{"v8 low-level", false, "8", lowLevelV8},
	{"v8 typed", true, "8", typedV8},
	{"v9 low-level", false, "9", newerLowLevelV9},
	{"v9 typed", true, "9", newerTypedV9},
}

// runs counts the runs of scenarios, including repeated runs of all tests.
var runs atomic.Int64

// dialog is one scenario with one client.
type dialog struct {
	*testing.T
	operations

	connect func(connection) operations
	// suffix distinguishes the names of one run from those of others.
	suffix string
	// typed clients know only their own types, and compatible ones of a version.
	typed   bool
	version string
}

// each runs a scenario with each client, concurrently.
func each(t *testing.T, scenario func(d dialog)) {
	t.Helper()
	t.Parallel()
	for i, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			scenario(newDialog(t, i))
		})
	}
}

func newDialog(t *testing.T, i int) dialog {
	c := clients[i]
	connect := func(how connection) operations { return c.connect(t, how) }
	return dialog{
		T: t, operations: connect(owner()), connect: connect, suffix: fmt.Sprintf("-%d", runs.Add(1)), typed: c.typed,
		version: c.version,
	}
}

// name returns a name that no other run uses.
func (d dialog) name(beginning string) string { return beginning + d.suffix }
