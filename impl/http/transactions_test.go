package http_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// A change is a request that is granted and changes something.
type change struct {
	caller client.RequestEditorFn
	// at is the path with its query; "" for that of the contract.
	at, body string
	// edit is nil if nothing else is special about the request.
	edit client.RequestEditorFn
}

// readers are the operations that change nothing, although their method is not GET.
var readers = []string{
	"add-role-assignments", "remove-role-assignments", // there are none to add or to remove
	"introspect-token", "introspect-tokens",
	"security-clear-api-key-cache", "security-clear-privilege-cache", "security-clear-realm-cache",
	"security-clear-role-cache", "security-clear-service-token-cache",
	"security-has-privileges", "security-has-user-privileges", "security-query-api-keys",
	"security-query-roles", "security-query-users",
	"security-suggest-user-profiles", "security-has-privileges-user-profile",
	"security-saml-prepare-authentication", // what is begun travels in the request's id
}

// writers are the operations that change something, although their method is GET.
var writers = []string{"saml-single-logout"}

// transactions are the numbers of transactions that a request opens.
type transactions struct{ reads, writes int }

// usual is what a change opens if its caller's credentials are cached.
var usual = transactions{0, 1}

// unusual are the changes that open others, with the reason.
var unusual = map[string]struct {
	transactions
	reason string
}{
	"login":                  {transactions{2, 1}, comparison},
	"security-get-token":     {transactions{2, 1}, comparison},
	"security-grant-api-key": {transactions{2, 1}, comparison},

	"security-activate-user-profile": {transactions{2, 1}, comparison},
	"saml-token": {transactions{1, 1},
		"unknown codes, which any client can send, are refused without the lock of writers"},
	"security-saml-authenticate": {transactions{1, 1},
		"the answer describes the user with its privileges, as those of other tokens do"},
	"security-bulk-update-api-keys": {transactions{1, 1}, noops},
	"security-update-api-key":       {transactions{1, 1}, noops},

	"security-update-cross-cluster-api-key": {transactions{1, 1}, noops},
	"security-invalidate-api-keys": {transactions{1, 1},
		"the keys are selected without the lock of writers, because a selection can read all keys"},
}

const (
	comparison = "a password is compared outside of transactions, and the lock of the user is checked before and after " +
		"it; the attempt must be counted then, but a session can be refused under load"
	noops = "most updates change nothing, and are found to without the lock of writers"
)

// changeOf returns a change by each operation. Operations with two methods are listed once.
var changeOf = map[string]func(*world) change{
	"update-current-account": func(w *world) change {
		return change{caller: w.manager(), body: `{"trust":{"trust_all":false}}`}
	},
	"patch-current-account": func(w *world) change {
		return change{caller: w.manager(), body: `{"trust":{"trust_all":false}}`}
	},
	"update-current-user": func(w *world) change { return change{caller: w.manager(), body: `{"full_name":"B"}`} },
	"create-user": func(w *world) change {
		return change{caller: w.manager(), body: `{"user_name":"carol","security":{"roles":["ece_deployment_viewer"],` +
			`"password":"carol's own passphrase"}}`}
	},
	"update-user": func(w *world) change {
		return change{caller: w.manager(), at: alicePath, body: `{"full_name":"A"}`}
	},
	"delete-user": func(w *world) change { return change{caller: w.manager(), at: alicePath} },
	"unlock-user": func(w *world) change {
		w.loginStatus("alice", "wrong")
		return change{caller: w.manager(), at: alicePath + "/_unlock"}
	},
	"login": func(w *world) change {
		w.login("alice", alicePassword) // the password is cached
		return change{body: fmt.Sprintf(`{"username":"alice","password":%q}`, alicePassword)}
	},
	"logout":        func(w *world) change { return change{caller: w.manager()} },
	"refresh-token": func(w *world) change { return change{caller: w.manager()} },
	"enable-elevated-permissions": func(w *world) change {
		d := w.enroll(bob)
		return change{caller: w.manager(), body: fmt.Sprintf(`{"token":%q}`, d.code())}
	},
	"disable-elevated-permissions": func(w *world) change {
		d := w.enroll(bob)
		return change{caller: bearer(w.mustElevate(w.login("bob", bobPassword), d.code()))}
	},
	"enroll-totp-device": func(w *world) change { return change{caller: w.manager()} },
	"confirm-totp-device": func(w *world) change {
		caller := w.manager()
		enrolled, err := w.client.EnrollTOTPDeviceWithResponse(w.Context(), caller)
		if err != nil || enrolled.JSON201 == nil {
			w.Fatalf("enroll: %v %s", err, enrolled.Body)
		}
		d := device{w: w, secret: enrolled.JSON201.Secret}
		return change{caller: caller, body: fmt.Sprintf(`{"token":%q}`, d.code())}
	},
	"remove-totp-device": func(w *world) change {
		d := w.enroll(bob)
		return change{caller: bearer(w.mustElevate(w.login("bob", bobPassword), d.code()))}
	},
	"saml-callback": func(w *world) change {
		s := samlWorld{w, providerOfChanges()}
		begun := s.begin("")
		r := s.request(begun)
		r.NameID = "carol@example.com"
		form := url.Values{"SAMLResponse": {s.idp.Answer(r)}, "RelayState": {begun.relay}}
		return change{body: form.Encode(), edit: both(asForm, bringing(begun.cookie))}
	},
	"saml-single-logout": func(w *world) change {
		s := samlWorld{w, providerOfChanges()}
		_, index := s.signInIndexed("carol@example.com")
		query := s.signed(s.logout("_one", "carol@example.com", index), s.idp.RSA)
		return change{at: samlPath + "_single_logout?" + query}
	},
	"saml-token": func(w *world) change {
		code, _ := samlWorld{w, providerOfChanges()}.code()
		return change{body: redemption(code, verifier, returnURL)}
	},
	"create-api-key": func(w *world) change { return change{caller: w.manager(), body: `{"description":"x"}`} },
	"delete-api-keys": func(w *world) change {
		key := w.newKey(bob, "x", "")
		return change{caller: w.manager(), body: fmt.Sprintf(`{"keys":[%q]}`, key.ID)}
	},
	"delete-users-api-keys": func(w *world) change {
		key := w.newKey(alice, "x", "")
		return change{caller: w.manager(), body: fmt.Sprintf(
			`{"user_api_keys":[{"user_id":"alice","api_key_id":%q}]}`, key.ID)}
	},
	"delete-api-key": func(w *world) change {
		return change{caller: w.manager(), at: "/api/v1/users/auth/keys/" + w.newKey(bob, "x", "").ID}
	},
	"delete-user-api-keys": func(w *world) change {
		key := w.newKey(alice, "x", "")
		return change{caller: w.manager(), at: alicePath + "/auth/keys", body: fmt.Sprintf(`{"keys":[%q]}`, key.ID)}
	},
	"delete-user-api-key": func(w *world) change {
		return change{caller: w.manager(), at: alicePath + "/auth/keys/" + w.newKey(alice, "x", "").ID}
	},

	"security-create-api-key": func(w *world) change {
		return change{caller: w.manager(), body: `{"name":"x","role_descriptors":{"r":{"cluster":["monitor"]}}}`}
	},
	"security-invalidate-api-keys": func(w *world) change {
		return change{caller: w.manager(), body: fmt.Sprintf(`{"ids":[%q]}`, w.esKey(alice, `{"name":"x"}`).id)}
	},
	"security-bulk-update-api-keys": func(w *world) change {
		id := w.esKey(bob, `{"name":"x"}`).id
		return change{caller: w.manager(), body: fmt.Sprintf(`{"ids":[%q],"metadata":{"a":1}}`, id)}
	},
	"security-update-api-key": func(w *world) change {
		id := w.esKey(bob, `{"name":"x"}`).id
		return change{caller: w.manager(), at: "/_security/api_key/" + id, body: `{"metadata":{"a":1}}`}
	},
	"security-clone-api-key": func(w *world) change {
		key := w.esKey(bob, `{"name":"x"}`)
		w.es(key.editor(), "GET /_security/_authenticate", "").ok() // the key is cached
		return change{caller: w.manager(), body: fmt.Sprintf(`{"api_key":%q,"name":"x"}`, key.encoded)}
	},
	"security-create-cross-cluster-api-key": func(w *world) change {
		return change{caller: w.manager(), body: `{"name":"x","access":{"search":[{"names":["a"]}]}}`}
	},
	"security-update-cross-cluster-api-key": func(w *world) change {
		id := w.crossClusterKey(bob, `{"name":"x","access":{"search":[{"names":["a"]}]}}`).id
		return change{caller: w.manager(), at: crossCluster + "/" + id, body: `{"metadata":{"a":1}}`}
	},
	"security-grant-api-key": func(w *world) change {
		body := fmt.Sprintf(
			`{"grant_type":"password","username":"alice","password":%q,"api_key":{"name":"x"}}`, alicePassword)
		w.es(bob, grantPath, body).ok() // the password and the privileges are cached
		return change{caller: w.manager(), body: body}
	},
	"security-change-own-password": func(w *world) change {
		return change{caller: w.manager(), body: `{"password":"another passphrase of bob"}`}
	},
	"security-put-user": func(w *world) change {
		return change{caller: w.manager(), at: "/_security/user/carol",
			body: `{"password":"carol's own passphrase","roles":[]}`}
	},
	"security-delete-user":  func(w *world) change { return change{caller: w.manager(), at: "/_security/user/alice"} },
	"security-enable-user":  func(w *world) change { return w.switched("_disable", "_enable") },
	"security-disable-user": func(w *world) change { return w.switched("_enable", "_disable") },
	"security-change-password": func(w *world) change {
		return change{caller: w.manager(), at: "/_security/user/alice/_password",
			body: `{"password":"another passphrase of alice"}`}
	},
	"security-put-role": func(w *world) change {
		return change{caller: w.manager(), at: "/_security/role/monitors", body: `{"cluster":["monitor"]}`}
	},
	"security-delete-role": func(w *world) change {
		w.role("monitors", `{"cluster":["monitor"]}`)
		return change{caller: w.manager(), at: "/_security/role/monitors"}
	},
	"security-bulk-put-roles": func(w *world) change {
		return change{caller: w.manager(), body: `{"roles":{"monitors":{"cluster":["monitor"]},"nothing":{}}}`}
	},
	"security-bulk-delete-roles": func(w *world) change {
		w.role("monitors", `{"cluster":["monitor"]}`)
		return change{caller: w.manager(), body: `{"names":["monitors","missing"]}`}
	},
	"security-put-role-mapping": func(w *world) change {
		return change{caller: w.manager(), body: `{"enabled":true,"roles":["monitors"],"rules":{"all":[]}}`}
	},
	"security-delete-role-mapping": func(w *world) change {
		w.mapping("mapped", "monitors", `{"all":[]}`)
		return change{caller: w.manager(), at: "/_security/role_mapping/mapped"}
	},
	"security-create-service-token": func(w *world) change {
		return change{caller: w.manager(), at: fleetTokens + "/a"}
	},
	"security-create-service-token-unnamed": func(w *world) change {
		return change{caller: w.manager(), at: fleetTokens}
	},
	"security-delete-service-token": func(w *world) change {
		w.serviceToken(bob, "a")
		return change{caller: w.manager(), at: fleetTokens + "/a"}
	},
	"security-activate-user-profile": func(w *world) change {
		return change{caller: w.manager(), body: activation("alice", alicePassword)}
	},
	"security-update-user-profile-data": func(w *world) change {
		uid := w.profile("alice", alicePassword)
		return change{caller: w.manager(), at: profilePath + uid + "/_data", body: `{"data":{"app":1}}`}
	},
	"security-enable-user-profile": func(w *world) change {
		uid := w.profile("alice", alicePassword)
		w.es(bob, "PUT "+profilePath+uid+"/_disable", "").ok()
		return change{caller: w.manager(), at: profilePath + uid + "/_enable"}
	},
	"security-disable-user-profile": func(w *world) change {
		uid := w.profile("alice", alicePassword)
		return change{caller: w.manager(), at: profilePath + uid + "/_disable"}
	},
	"security-put-privileges": func(w *world) change {
		return change{caller: w.manager(), body: shopPrivileges}
	},
	"security-delete-application-privileges": func(w *world) change {
		w.es(bob, "PUT /_security/privilege", shopPrivileges).ok()
		return change{caller: w.manager(), at: "/_security/privilege/shop/read"}
	},
	"security-saml-authenticate": func(w *world) change {
		s := samlWorld{w, providerOfChanges()}
		begun := s.prepare(bob, `{"realm":"corporate"}`)
		return change{caller: w.manager(), body: bringingAnswer(s.answerTo(begun), begun.id)}
	},
	"security-saml-logout": func(w *world) change {
		s := samlWorld{w, providerOfChanges()}
		return change{caller: w.manager(), body: fmt.Sprintf(`{"token":%q}`, s.signIn("", "carol@example.com", nil))}
	},
	"security-saml-invalidate": func(w *world) change {
		s := samlWorld{w, providerOfChanges()}
		_, index := s.signInIndexed("carol@example.com")
		query := s.signed(s.logout("_one", "carol@example.com", index), s.idp.RSA)
		return change{caller: w.manager(), body: fmt.Sprintf(`{"realm":"corporate","query_string":%q}`, query)}
	},
	"security-get-token": func(w *world) change {
		body := fmt.Sprintf(`{"grant_type":"password","username":"alice","password":%q}`, alicePassword)
		w.es(bob, tokenPath, body).ok() // likewise
		return change{caller: w.manager(), body: body}
	},
	"security-invalidate-token": func(w *world) change {
		return change{caller: w.manager(), body: fmt.Sprintf(`{"token":%q}`, w.login("alice", alicePassword))}
	},
}

const shopPrivileges = `{"shop":{"read":{"actions":["data:read/*"]}}}`

// manager returns a new session of an administrator that can make all changes.
func (w *world) manager() client.RequestEditorFn {
	w.Helper()
	return bearer(w.login("bob", bobPassword))
}

// switched returns a change of a user after the contrary one.
func (w *world) switched(before, after string) change {
	w.Helper()
	w.es(bob, "PUT /_security/user/alice/"+before, "").ok()
	return change{caller: w.manager(), at: "/_security/user/alice/" + after}
}

var transactionCounts = regexp.MustCompile(
	`(?m)^sallyport_store_transaction_duration_seconds_count\{kind="(view|update)"\} (\d+)$`)

// transactions are the transactions since the start, which the metrics count. Reading them opens some, too.
func (w *world) transactions() (t transactions) {
	w.Helper()
	for _, found := range transactionCounts.FindAllStringSubmatch(w.metrics(), -1) {
		n, err := strconv.Atoi(found[2])
		if err != nil {
			w.Fatal(err)
		}
		if found[1] == "view" {
			t.reads = n
		} else {
			t.writes = n
		}
	}
	return t
}

func (t transactions) since(before transactions) transactions {
	return transactions{t.reads - before.reads, t.writes - before.writes}
}

// opened returns the numbers of transactions that a function opens. It waits until those of the start have ended.
func (w *world) opened(do func()) transactions {
	w.Helper()
	var before, reading transactions // what reading the metrics opens
	w.eventually(time.Minute, "only the metrics open transactions", func() bool {
		first := w.transactions()
		second := w.transactions()
		before = w.transactions()
		reading = before.since(second)
		return second.since(first) == reading
	})
	do()
	return w.transactions().since(before).since(reading)
}

// mutating returns the operations that change something, by the contract, with method and path.
func mutating() map[string]route {
	all := routes()
	maps.DeleteFunc(all, func(id string, r route) bool {
		reads := slices.Contains(readers, oneOfTwoMethods.ReplaceAllString(id, ""))
		safe := r.method == http.MethodGet || r.method == http.MethodHead
		return reads || safe && !slices.Contains(writers, id)
	})
	return all
}

// Ensures that each operation that changes something opens one transaction, or those that unusual explains, if the
// credentials of its caller are cached.
func TestTransactions(t *testing.T) {
	t.Parallel()
	if cacheLifetime == 0 {
		t.Skip("credentials are read from the store")
	}

	idp := providerOfChanges()
	known := realms(t, idp, realm("corporate", viewers))
	for id, r := range mutating() {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			name := oneOfTwoMethods.ReplaceAllString(id, "")
			prepare, listed := changeOf[name]
			if !listed {
				t.Fatal("the operation has no case in changeOf")
			}
			want := usual
			if other, listed := unusual[name]; listed {
				want = other.transactions
			}

			// The maintenance, every ten seconds, may read meanwhile. A change that opens more does so each time.
			var got transactions
			for range 3 {
				w := newSAMLWorldOf(t, idp, known).world
				w.app.Users.Close()               // what revocations leave behind is not swept meanwhile
				w.esKey(bob, `{"name": "first"}`) // after the first key, and then hourly, documents are looked for
				if got = w.openedBy(r, prepare(w)); got == want {
					return
				}
			}
			t.Errorf("%d reading and %d writing transactions, want %d and %d", got.reads, got.writes, want.reads, want.writes)
		})
	}
}

// openedBy makes a change, and returns the transactions that it opened.
func (w *world) openedBy(r route, c change) transactions {
	w.Helper()
	path := cmp.Or(c.at, r.path)
	var edits []client.RequestEditorFn
	for _, edit := range []client.RequestEditorFn{c.caller, c.edit} {
		if edit != nil {
			edits = append(edits, edit)
		}
	}
	if c.caller != nil {
		w.waitUntilCached(c.caller)
		w.es(c.caller, "GET /_security/_authenticate", "").ok()
	}

	return w.opened(func() {
		response, body := w.do(r.method, path, c.body, edits...)
		if response.StatusCode >= http.StatusBadRequest {
			w.Fatalf("%d %s", response.StatusCode, body)
		}
	})
}

// providerOfChanges is the identity provider of TestTransactions.
var providerOfChanges = sync.OnceValue(func() *samltest.IdP { return samltest.New(noon) })
